// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vmx

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/vmware/govmomi/toolbox"
	"github.com/vmware/govmomi/toolbox/vix"

	"gantry.invalid/guest/guestops"
	"gantry.invalid/guest/port"
	"gantry.invalid/guest/relay"

	"gantry.invalid/lab/vcenter/internal/machine"
)

// hello writes something.
type hello struct{}

const output = "hello\n"

func (hello) Run(_ context.Context, _ guestops.Exec, stdout, _ io.Writer) (guestops.Exit, error) {
	_, err := io.WriteString(stdout, output)
	return guestops.Exit{}, err
}

func (hello) Copier(context.Context) (guestops.Copier, error) {
	return nil, errors.New("it has no files")
}

func TestGuestOperationsAreRelayed(t *testing.T) {
	w := newWorld(t, nil)
	guest := relay.Guest{User: guestops.UserName, Password: "secret", Send: w.vmx.Relay}
	if err := guest.Validate(t.Context()); !errors.Is(err, machine.ErrNoTools) {
		t.Errorf("without tools: %v", err)
	}
	server := guestops.New(hello{}, 1<<20)
	service := toolbox.NewService(w.port.Channel(port.TCLO), w.port.Channel(port.RPCI))
	service.RegisterHandler(guestops.RelayedCommand, func(command []byte) ([]byte, error) { return server.Dispatch(command), nil })
	if err := service.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(service.Stop)
	w.awaitTools()
	var refusal *guestops.Refusal
	if err := guest.Validate(t.Context()); !errors.As(err, &refusal) || refusal.Code != guestops.OperationDisabled {
		t.Errorf("before the guest enables them: %v", err)
	}
	hash := sha256.Sum256([]byte("secret"))
	server.Access.Enable(hash[:], func(int) {})
	w.rpci()("SetGuestInfo  1 web")
	w.awaitEvent(" with guest operations")
	pid, err := guest.StartProgram(t.Context(), guestops.ExecPath, `{"command": ["hello"]}`, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	path := fmt.Sprintf("%s/%d", guestops.ExecPath, pid)
	for _, err = guest.InitiateTransfer(t.Context(), path); err != nil; _, err = guest.InitiateTransfer(t.Context(), path) {
		if !errors.As(err, &refusal) || refusal.Code != vix.FileAccessError {
			t.Fatal(err)
		}
	}
	var content bytes.Buffer
	if err := guest.ReadFile(t.Context(), path, &content); err != nil {
		t.Fatal(err)
	}
	var result struct {
		Stdout []byte `json:"stdout"`
	}
	if err := json.Unmarshal(content.Bytes(), &result); err != nil || string(result.Stdout) != output {
		t.Errorf("the result is %s: %v", &content, err)
	}
	if _, err := w.vmx.Relay(t.Context(), make([]byte, longestCommand+1)); err == nil || !strings.Contains(err.Error(), "the limit is 65536") {
		t.Errorf("a long command: %v", err)
	}
}

// awaitEvent waits for an event with a text.
func (w *world) awaitEvent(text string) {
	w.t.Helper()
	for {
		select {
		case got := <-w.events:
			if strings.Contains(got, text) {
				return
			}
		case <-w.t.Context().Done():
			w.t.Fatalf("no event with %q", text)
		}
	}
}
