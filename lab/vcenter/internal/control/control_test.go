// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gantry.invalid/lab/vcenter/internal/config"
	"gantry.invalid/lab/vcenter/internal/machine"
	"gantry.invalid/lab/vcenter/internal/vsim"
)

func newControl(t *testing.T) (*Control, string) {
	t.Helper()
	server, err := vsim.New(config.Config{StateDir: t.TempDir(), Listen: "127.0.0.1:1", Username: "u", Password: "p", LeaseTimeoutSeconds: 1,
		Inventory: config.Inventory{Datacenter: "DC0", Cluster: "C0",
			Hosts:      config.Hosts{Names: []string{"esx1"}, CPUs: 1, CPUMHz: 1000, MemoryMB: 1024},
			Datastores: []config.Datastore{{Name: "shared0", CapacityBytes: 1 << 30}},
			Networks:   []config.Network{{Name: "VM Network", Subnet: "10.0.0.0/24"}}}})
	if err != nil {
		t.Fatal(err)
	}
	none, err := machine.NewNone(nil, "", server)
	if err != nil {
		t.Fatal(err)
	}
	server.UseHypervisor(none)
	c := New(server)
	h := httptest.NewServer(c.Handler())
	t.Cleanup(func() {
		h.Close()
		if err := errors.Join(c.Close(), server.Close()); err != nil {
			t.Error(err)
		}
	})
	return c, h.URL
}

func call(t *testing.T, method, address, body string, adjust ...func(*http.Request)) (int, map[string]any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range adjust {
		change(request)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer map[string]any
	if json.Unmarshal(content, &answer) != nil {
		answer = map[string]any{"text": string(content)}
	}
	return response.StatusCode, answer
}

func TestTheCalls(t *testing.T) {
	_, address := newControl(t)
	for _, test := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"POST", "/v1/users", `{"name": "ann@x", "password": "a", "groups": ["dev@x"]}`, 200, "map[]"},
		{"POST", "/v1/users", `{"name": "ANN@x", "password": "b"}`, 400, "there is already a user named ANN@x"},
		{"POST", "/v1/users", `{"name": "bob"}`, 400, "requires a name and a password"},
		{"DELETE", "/v1/users/bob", "", 404, "there is no user named bob"},
		{"DELETE", "/v1/users/u", "", 400, "the lab's administrator"},
		{"DELETE", "/v1/users/ann@x", "", 200, "map[]"},
		{"DELETE", "/v1/users/ann@x", "", 404, "there is no user named ann@x"},
		{"POST", "/v1/vms", `{"count": 3, "prefix": "idle-"}`, 200, "map[]"},
		{"POST", "/v1/vms", `{"count": 2, "prefix": "c-", "extra_config": {"gantry.kind": "container"}}`, 200, "map[]"},
		{"POST", "/v1/vms", `{"count": 0}`, 400, "from 1 to"},
		{"GET", "/v1/vms/idle-2", "", 200, "moid:vm-"},
		{"GET", "/v1/vms/idle-2", "", 200, "pid:<nil>"},
		{"GET", "/v1/vms/idle-2", "", 200, "moves:[]"},
		{"GET", "/v1/vms/none", "", 404, "there is no VM named none"},
		{"GET", "/v1/calls", "", 200, "map[calls:[]]"},
		{"DELETE", "/v1/calls", "", 200, "map[]"},
		{"POST", "/v1/faults", `{"method": "*", "fault": "NoDiskSpace", "delay_seconds": 0.5, "skip": 1}`, 200, "map[]"},
		{"POST", "/v1/faults", `{"method": "*", "fault": "Nothing"}`, 400, "there is no fault"},
		{"POST", "/v1/faults", `{"metod": "*"}`, 400, "unknown field"},
		{"DELETE", "/v1/faults", "", 200, "map[]"},
		{"PUT", "/v1/clusters/C0/services", `{"kind": "embedded"}`, 200, "map[]"},
		{"PUT", "/v1/clusters/C0/services", `{"kind": "some"}`, 400, "none, external or embedded"},
		{"PUT", "/v1/clusters/C9/services", `{"kind": "none"}`, 404, "there is no cluster named C9"},
		{"PATCH", "/v1/behavior", `{"upload_url": "vcenter"}`, 200, "upload_url:vcenter"},
		{"PATCH", "/v1/behavior", `{"upload_url": "nowhere"}`, 400, "must be one of"},
		{"PATCH", "/v1/behavior", `{"power_on_answer": "none"}`, 400, "[task no_task unlisted]"},
		{"PATCH", "/v1/behavior", `{"guest_info_at_power_off": "forgotten"}`, 400, "[deleted reverted kept]"},
		{"PATCH", "/v1/behavior", `{"guest_report_seconds": -1}`, 400, "they must not be negative"},
		{"PATCH", "/v1/behavior", `{"host_units": 0}`, 400, "all must be positive"},
		{"DELETE", "/v1/behavior", "", 200, "upload_url:host"},
		{"GET", "/v1/operations", "", 200, "now:map[all:0 datastores:map[] hosts:map[] networks:map[] queued:0]"},
		{"DELETE", "/v1/operations", "", 200, "map[]"},
		{"GET", "/v1/clock", "", 200, "advanced_seconds:0 now:20"},
		{"PATCH", "/v1/clock", `{"advance_seconds": 90.5}`, 200, "advanced_seconds:90.5"},
		{"PATCH", "/v1/clock", `{"advance_seconds": -1}`, 400, "can only be moved forward"},
		{"PATCH", "/v1/clock", `{}`, 400, "can only be moved forward"},
		{"PATCH", "/v1/clock", `{"seconds": 1}`, 400, "unknown field"},
		{"PATCH", "/v1/datastores/shared0", `{"free_bytes": 1000}`, 200, "map[]"},
		{"PATCH", "/v1/datastores/shared0", `{"free_bytes": 1073741825}`, 400, "from 0 to"},
		{"PATCH", "/v1/datastores/shared0", `{}`, 400, "missing"},
		{"PATCH", "/v1/datastores/none", `{"free_bytes": 1}`, 404, "there is no datastore named none"},
		{"PATCH", "/v1/clusters/C0", `{"stepwise": true}`, 200, "map[]"},
		{"PATCH", "/v1/clusters/C0", `{}`, 400, "missing"},
		{"PATCH", "/v1/clusters/C9", `{"stepwise": true}`, 404, "there is no cluster named C9"},
		{"POST", "/v1/publish", `{"vm": "web", "port": 80}`, 200, "host_port:"},
		{"POST", "/v1/publish", `{"vm": "web", "port": 0}`, 400, "a VM and valid ports are required"},
		{"GET", "/v1/other", "", 404, ""},
	} {
		status, answer := call(t, test.method, address+test.path, test.body)
		if status != test.status || !strings.Contains(fmt.Sprint(answer), test.want) {
			t.Errorf("%s %s %s: %d %v", test.method, test.path, test.body, status, answer)
		}
	}
	fromPage := func(r *http.Request) { r.Header.Set("Origin", "https://example.org") }
	if status, _ := call(t, "DELETE", address+"/v1/calls", "", fromPage); status != http.StatusForbidden {
		t.Errorf("from a web page: %d", status)
	}
}

// echo starts a server that echoes its input until the client closes its side.
func echo(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer connection.Close()
				content, err := io.ReadAll(connection)
				if err == nil {
					_, err = connection.Write(append([]byte("echo "), content...))
				}
				if err != nil {
					t.Error(err)
				}
			}()
		}
	}()
	return listener
}

func TestAPublishedPortIsForwardedToTheGuest(t *testing.T) {
	guest := echo(t)
	reachable := false
	p := newPublisher(func(ctx context.Context, machine string, port int) (net.Conn, error) {
		if machine != "web" || port != 80 || !reachable {
			return nil, errors.New("off")
		}
		return net.Dial("tcp", guest.Addr().String())
	})
	port, err := p.publish("web", 80, 0)
	if err != nil {
		t.Fatal(err)
	}
	ask := func() string {
		t.Helper()
		connection, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), time.Second)
		if err != nil {
			return err.Error()
		}
		defer connection.Close()
		if _, err := connection.Write([]byte("hello")); err != nil {
			return err.Error()
		}
		if err := connection.(*net.TCPConn).CloseWrite(); err != nil {
			return err.Error()
		}
		answer, err := io.ReadAll(bufio.NewReader(connection))
		if err != nil {
			return err.Error()
		}
		return string(answer)
	}
	if answer := ask(); strings.Contains(answer, "echo") {
		t.Errorf("the guest is off and answers %q", answer)
	}
	reachable = true // the address is looked up at each connection
	if answer := ask(); answer != "echo hello" {
		t.Errorf("answered %q", answer)
	}
	if _, err := p.publish("web", 80, port); err == nil {
		t.Error("a port was published twice")
	}
	if err := p.close(); err != nil {
		t.Error(err)
	}
	if answer := ask(); !strings.Contains(answer, "refused") {
		t.Errorf("after the end: %q", answer)
	}
}
