// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/guest/guestops"

	"gantry.invalid/lab/vcenter/internal/machine"
)

const guestSecret = "the secret of a container"

func guestCredentials() *types.NamePasswordAuthentication {
	return &types.NamePasswordAuthentication{Username: guestops.UserName, Password: guestSecret}
}

// inGuests is a client of guest operations in one VM.
type inGuests struct {
	*lab
	client   *vim25.Client
	vm       *object.VirtualMachine
	managers mo.GuestOperationsManager
	auth     types.BaseGuestAuthentication
}

// guestOperations returns a client for a container that offers guest operations, or does not.
func guestOperations(t *testing.T, offered bool) *inGuests {
	t.Helper()
	document := map[string]any{}
	if offered {
		document["guest_operations"] = map[string]string{"secret_sha256": fmt.Sprintf("%x", sha256.Sum256([]byte(guestSecret)))}
	}
	return guestWith(t, document)
}

// guestWith returns a client for a container with these fields in its document.
func guestWith(t *testing.T, document map[string]any) *inGuests {
	t.Helper()
	l := newLab(t)
	l.server.UseHypervisor(must(machine.NewNone(map[string]string{"VM Network": "10.77.0.0/20"}, "", l.server))(t))
	l.upload("boot.iso", "an image")
	document["version"], document["id"], document["hostname"] = 1, "7", "h"
	text := must(json.Marshal(document))(t)
	spec := l.spec("web", card("VM Network", ""), cd("[shared0] boot.iso"))
	spec.ExtraConfig = []types.BaseOptionValue{option(machine.SpecKey, string(text))}
	g := &inGuests{lab: l, client: l.client.Client, vm: l.create(spec), auth: guestCredentials()}
	if err := property.DefaultCollector(g.client).RetrieveOne(t.Context(), *g.client.ServiceContent.GuestOperationsManager, nil, &g.managers); err != nil {
		t.Fatal(err)
	}
	return g
}

func (g *inGuests) powerOn() {
	g.Helper()
	g.result(g.vm.PowerOn(g.Context()))
	g.eventually("running", func() bool { return g.option(g.vm, machine.StatusKey) != "" })
}

func (g *inGuests) start(path, arguments string) (int64, error) {
	response, err := methods.StartProgramInGuest(g.Context(), g.client, &types.StartProgramInGuest{This: *g.managers.ProcessManager,
		Vm: g.vm.Reference(), Auth: g.auth, Spec: &types.GuestProgramSpec{ProgramPath: path, Arguments: arguments}})
	if err != nil {
		return 0, err
	}
	return response.Returnval, nil
}

func (g *inGuests) list(pids ...int64) ([]types.GuestProcessInfo, error) {
	response, err := methods.ListProcessesInGuest(g.Context(), g.client, &types.ListProcessesInGuest{This: *g.managers.ProcessManager,
		Vm: g.vm.Reference(), Auth: g.auth, Pids: pids})
	if err != nil {
		return nil, err
	}
	return response.Returnval, nil
}

func (g *inGuests) terminate(pid int64) error {
	_, err := methods.TerminateProcessInGuest(g.Context(), g.client, &types.TerminateProcessInGuest{This: *g.managers.ProcessManager,
		Vm: g.vm.Reference(), Auth: g.auth, Pid: pid})
	return err
}

func (g *inGuests) transfer(path string) (types.FileTransferInformation, error) {
	response, err := methods.InitiateFileTransferFromGuest(g.Context(), g.client, &types.InitiateFileTransferFromGuest{
		This: *g.managers.FileManager, Vm: g.vm.Reference(), Auth: g.auth, GuestFilePath: path})
	if err != nil {
		return types.FileTransferInformation{}, err
	}
	return response.Returnval, nil
}

// resultOf waits for the end of a program and returns its result's path.
func (g *inGuests) resultOf(arguments string) string {
	g.Helper()
	pid := must(g.start(guestops.ExecPath, arguments))(g)
	g.eventually("ended", func() bool {
		list := must(g.list(pid))(g)
		return len(list) == 1 && list[0].EndTime != nil
	})
	return fmt.Sprintf("%s/%d", guestops.ExecPath, pid)
}

func (g *inGuests) get(address string) (int, string) {
	g.Helper()
	return g.request(http.MethodGet, address, nil)
}

func expectFault[F types.BaseMethodFault](g *inGuests, err error, text string) F {
	g.Helper()
	fault := g.faultOf(err)
	typed, ok := fault.(F)
	if !ok || !strings.Contains(faultText(fault), text) {
		g.Fatalf("the fault is %T %q", fault, faultText(fault))
	}
	return typed
}

func TestAProgramInAGuest(t *testing.T) {
	g := guestOperations(t, true)
	g.powerOn()
	if ready := g.read(g.vm).Guest.GuestOperationsReady; ready == nil || !*ready {
		t.Error("guest operations are not ready")
	}
	path := g.resultOf(`{"command": ["lab-exec", "{\"stdout\": \"out\", \"stderr\": \"err\", \"exit_code\": 4}"]}`)
	list := must(g.list())(t)
	if len(list) != 1 || list[0].ExitCode != 4 || list[0].Owner != "gantry" || list[0].CmdLine != guestops.ExecPath {
		t.Errorf("listed: %+v", list)
	}
	file := must(g.transfer(path))(t)
	address := must(url.Parse(file.Url))(t)
	host := g.server.nfcHosts[*g.read(g.vm).Runtime.Host]
	if address.Host != host.address || address.Path != "/guestFile" {
		t.Errorf("the URL is %s", file.Url)
	}
	for _, other := range g.server.nfcHosts {
		if elsewhere := *address; other != host {
			elsewhere.Host = other.address
			if status, _ := g.get(elsewhere.String()); status != http.StatusNotFound {
				t.Errorf("another host answers %d", status)
			}
		}
	}
	status, text := g.get(file.Url)
	if status != http.StatusOK || int64(len(text)) != file.Size || !strings.Contains(text, `"rc":4,`) || !strings.Contains(text, `"stdout":"b3V0"`) {
		t.Errorf("%d, %d bytes: %s", status, file.Size, text)
	}
	if status, _ := g.get(file.Url); status != http.StatusNotFound {
		t.Errorf("the URL can be used again: %d", status)
	}
	g.behave(`{"upload_url": "vcenter"}`)
	if file = must(g.transfer(path))(t); !strings.HasPrefix(file.Url, "https://*:") {
		t.Errorf("the URL is %s", file.Url)
	}
	if status, _ := g.get(strings.Replace(file.Url, "*", "127.0.0.1", 1)); status != http.StatusOK {
		t.Errorf("vCenter answers %d", status)
	}
}

func TestAnExitCodeOf0IsShown(t *testing.T) {
	g := guestOperations(t, true)
	g.powerOn()
	g.resultOf(`{"command": ["true"]}`)
	request := `<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><Body>` +
		`<ListProcessesInGuest xmlns="urn:vim25"><_this type="GuestProcessManager">` + g.managers.ProcessManager.Value + `</_this>` +
		`<vm type="VirtualMachine">` + g.vm.Reference().Value + `</vm><auth xsi:type="NamePasswordAuthentication">` +
		`<interactiveSession>false</interactiveSession><username>gantry</username><password>` + guestSecret + `</password></auth>` +
		`</ListProcessesInGuest></Body></Envelope>`
	answer := must(g.client.Post(g.url.String(), "text/xml", strings.NewReader(request)))(t)
	defer answer.Body.Close()
	if text := must(io.ReadAll(answer.Body))(t); !bytes.Contains(text, []byte("<exitCode>0</exitCode>")) {
		t.Errorf("the answer is %s", text)
	}
}

func TestFaultsOfGuestOperations(t *testing.T) {
	g := guestOperations(t, true)
	_, err := g.start(guestops.ExecPath, `{"command": ["true"]}`)
	expectFault[*types.InvalidPowerState](g, err, "")
	g.powerOn()
	_, err = g.start("/bin/sh", "-c true")
	if fault := expectFault[*types.FileNotFound](g, err, "not \"/bin/sh\""); fault.File != "/bin/sh" {
		t.Errorf("the file is %q", fault.File)
	}
	_, err = g.start(guestops.ExecPath, `{"command": ["true"], "shell": true}`)
	expectFault[*types.InvalidArgument](g, err, `unknown field "shell"`)
	_, err = g.start(guestops.ExecPath, strings.Repeat("x", 64<<10))
	expectFault[*types.InvalidArgument](g, err, "at most")
	_, err = g.transfer("/etc/passwd")
	expectFault[*types.FileNotFound](g, err, "/etc/passwd")
	if fault := expectFault[*types.GuestProcessNotFound](g, g.terminate(1), "process 1"); fault.Pid != 1 {
		t.Errorf("the pid is %d", fault.Pid)
	}
	pid := must(g.start(guestops.ExecPath, `{"command": ["lab-exec", "{\"run_ms\": 60000}"]}`))(t)
	_, err = g.transfer(fmt.Sprintf("%s/%d", guestops.ExecPath, pid))
	expectFault[*types.CannotAccessFile](g, err, "has not ended")
	if err := g.terminate(pid); err != nil {
		t.Error(err)
	}
	g.auth = &types.NamePasswordAuthentication{Username: guestops.UserName, Password: "guessed"}
	_, err = g.list()
	expectFault[*types.InvalidGuestLogin](g, err, "secret")
	g.eventually("counted", func() bool { return strings.Contains(g.option(g.vm, machine.StatusKey), `"refused":1`) })
	g.auth = &types.SAMLTokenAuthentication{Token: "x"}
	_, err = g.list()
	expectFault[*types.InvalidGuestLogin](g, err, "NamePasswordAuthentication")
}

func TestAURLEndsWithTheRunOfTheVM(t *testing.T) {
	g := guestOperations(t, true)
	g.powerOn()
	file := must(g.transfer(g.resultOf(`{"command": ["true"]}`)))(t)
	g.result(g.vm.PowerOff(t.Context()))
	g.result(g.vm.PowerOn(t.Context()))
	if status, _ := g.get(file.Url); status != http.StatusNotFound {
		t.Errorf("the file of an earlier run: %d", status)
	}
}

func TestGuestsWithoutGuestOperations(t *testing.T) {
	g := guestOperations(t, false)
	g.powerOn()
	if ready := g.read(g.vm).Guest.GuestOperationsReady; ready == nil || *ready {
		t.Error("guest operations are ready")
	}
	_, err := g.start(guestops.ExecPath, `{"command": ["true"]}`)
	expectFault[*types.OperationDisabledByGuest](g, err, "no guest operations")
	l := newLab(t) // whose guests have no tools
	vm := l.create(l.spec("other"))
	l.result(vm.PowerOn(t.Context()))
	_, err = methods.ListProcessesInGuest(t.Context(), l.client.Client, &types.ListProcessesInGuest{
		This: *g.managers.ProcessManager, Vm: vm.Reference(), Auth: g.auth})
	if fault, ok := l.faultOf(err).(*types.GuestOperationsUnavailable); !ok || !strings.Contains(faultText(fault), "tools do not run") {
		t.Errorf("the fault is %T", l.faultOf(err))
	}
}

func TestWhatAGuestDoesNotOfferIsRefusedByTheGuest(t *testing.T) {
	g := guestOperations(t, true)
	g.powerOn()
	calls := map[string]func(context.Context) error{
		"MakeDirectory": func(ctx context.Context) error {
			_, err := methods.MakeDirectoryInGuest(ctx, g.client, &types.MakeDirectoryInGuest{This: *g.managers.FileManager, Vm: g.vm.Reference(),
				Auth: g.auth, DirectoryPath: "/x"})
			return err
		},
		"ReadEnvironmentVariable": func(ctx context.Context) error {
			_, err := methods.ReadEnvironmentVariableInGuest(ctx, g.client, &types.ReadEnvironmentVariableInGuest{
				This: *g.managers.ProcessManager, Vm: g.vm.Reference(), Auth: g.auth})
			return err
		},
		"ListGuestAliases": func(ctx context.Context) error {
			_, err := methods.ListGuestAliases(ctx, g.client, &types.ListGuestAliases{This: *g.managers.AliasManager, Vm: g.vm.Reference(),
				Auth: g.auth, Username: "root"})
			return err
		},
	}
	for name, call := range calls {
		if fault, ok := g.faultOf(call(t.Context())).(*types.OperationNotSupportedByGuest); !ok {
			t.Errorf("%s is answered with %T", name, fault)
		}
	}
	_, err := methods.ValidateCredentialsInGuest(t.Context(), g.client, &types.ValidateCredentialsInGuest{This: *g.managers.AuthManager,
		Vm: g.vm.Reference(), Auth: g.auth})
	if err != nil {
		t.Error(err)
	}
}

func TestEveryGuestOperationIsAnswered(t *testing.T) {
	l := newLab(t)
	for kind, names := range guestCommands {
		for name := range names {
			if _, known := types.TypeFunc()(name); !known || l.server.methods[kind+"."+name] == nil {
				t.Errorf("%s.%s is not one of the API, or not answered", kind, name)
			}
		}
	}
}

func TestGuestOperationsRequirePrivileges(t *testing.T) {
	g := guestOperations(t, true)
	g.powerOn()
	roles := object.NewAuthorizationManager(g.client)
	role := must(roles.AddRole(t.Context(), "reader of guests", []string{"System.View", "System.Read", "VirtualMachine.GuestOperations.Query"}))(t)
	g.client = g.ann(role, g.client.ServiceContent.RootFolder).Client
	if _, err := g.list(); err != nil {
		t.Errorf("listing requires more: %v", err)
	}
	_, err := g.start(guestops.ExecPath, `{"command": ["true"]}`)
	if fault := expectFault[*types.NoPermission](g, err, ""); fault.PrivilegeId != "VirtualMachine.GuestOperations.Execute" {
		t.Errorf("starting requires %q", fault.PrivilegeId)
	}
}
