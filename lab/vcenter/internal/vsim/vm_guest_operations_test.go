// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"context"
	"strings"
	"testing"

	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/machine"
)

func TestGuestOperationsAreRefused(t *testing.T) {
	l := newLab(t)
	var managers mo.GuestOperationsManager
	if err := property.DefaultCollector(l.client.Client).RetrieveOne(t.Context(), *l.client.ServiceContent.GuestOperationsManager, nil, &managers); err != nil {
		t.Fatal(err)
	}
	if managers.AuthManager == nil || managers.FileManager == nil || managers.ProcessManager == nil || managers.AliasManager == nil || managers.GuestWindowsRegistryManager == nil {
		t.Fatalf("the managers are %+v", managers)
	}
	machineVM := l.create(l.spec("web", card("VM Network", "")))
	vm, auth, client := machineVM.Reference(), &types.NamePasswordAuthentication{Username: "root", Password: "guessed"}, l.client.Client
	calls := map[string]func(context.Context) error{
		"ValidateCredentials": func(ctx context.Context) error {
			_, err := methods.ValidateCredentialsInGuest(ctx, client, &types.ValidateCredentialsInGuest{This: *managers.AuthManager, Vm: vm, Auth: auth})
			return err
		},
		"MakeDirectory": func(ctx context.Context) error {
			_, err := methods.MakeDirectoryInGuest(ctx, client, &types.MakeDirectoryInGuest{This: *managers.FileManager, Vm: vm, Auth: auth, DirectoryPath: "/x"})
			return err
		},
		"ListFiles": func(ctx context.Context) error {
			_, err := methods.ListFilesInGuest(ctx, client, &types.ListFilesInGuest{This: *managers.FileManager, Vm: vm, Auth: auth, FilePath: "/"})
			return err
		},
		"InitiateFileTransferToGuest": func(ctx context.Context) error {
			_, err := methods.InitiateFileTransferToGuest(ctx, client, &types.InitiateFileTransferToGuest{This: *managers.FileManager, Vm: vm,
				Auth: auth, GuestFilePath: "/x", FileAttributes: &types.GuestPosixFileAttributes{}})
			return err
		},
		"StartProgram": func(ctx context.Context) error {
			_, err := methods.StartProgramInGuest(ctx, client, &types.StartProgramInGuest{This: *managers.ProcessManager, Vm: vm, Auth: auth,
				Spec: &types.GuestProgramSpec{ProgramPath: "/bin/true"}})
			return err
		},
		"ListProcesses": func(ctx context.Context) error {
			_, err := methods.ListProcessesInGuest(ctx, client, &types.ListProcessesInGuest{This: *managers.ProcessManager, Vm: vm, Auth: auth})
			return err
		},
		"ListGuestAliases": func(ctx context.Context) error {
			_, err := methods.ListGuestAliases(ctx, client, &types.ListGuestAliases{This: *managers.AliasManager, Vm: vm, Auth: auth, Username: "root"})
			return err
		},
	}
	for name, call := range calls {
		if _, ok := l.faultOf(call(t.Context())).(*types.InvalidPowerState); !ok {
			t.Errorf("%s of a VM that is off is not refused for that", name)
		}
	}
	l.result(machineVM.PowerOn(t.Context()))
	l.server.Guest(vm.Value, machine.GuestInfo{Hostname: "web"})
	for name, call := range calls {
		fault := l.faultOf(call(t.Context()))
		if _, ok := fault.(*types.GuestOperationsUnavailable); !ok || !strings.Contains(faultText(fault), "the lab does not implement guest operations") {
			t.Errorf("%s is answered with %T: %s", name, fault, faultText(fault))
		}
	}
}

func TestEveryGuestOperationIsRefused(t *testing.T) {
	l := newLab(t)
	for kind, names := range guestMethods {
		for _, name := range names {
			if _, known := types.TypeFunc()(name); !known || l.server.methods[kind+"."+name] == nil {
				t.Errorf("%s.%s is not one of the API, or not refused", kind, name)
			}
		}
	}
}
