// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package tools

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"gantry.invalid/guest/guestops"
	"gantry.invalid/guest/relay"
)

// host is the VMX's side of a channel: it sends requests and records received messages.
type host struct {
	requests chan []byte
	sent     chan string
}

func newHost() *host { return &host{requests: make(chan []byte, 10), sent: make(chan string, 1000)} }

func (h *host) Start() error { return nil }

func (h *host) Stop() error { return nil }

func (h *host) Send(message []byte) error {
	if len(message) > 0 {
		h.sent <- string(message)
	}
	return nil
}

func (h *host) Receive() ([]byte, error) {
	select {
	case request := <-h.requests:
		return request, nil
	default:
		return []byte{}, nil
	}
}

// vmx is the VMX's side of the guest's requests, all of which it accepts.
type vmx struct{ *host }

func (vmx) Receive() ([]byte, error) { return []byte("1 "), nil }

func start(t *testing.T) (in, out *host, asked chan string) {
	t.Helper()
	in, out, asked = newHost(), newHost(), make(chan string, 10)
	rpci, err := OpenRPCI(vmx{out})
	if err != nil {
		t.Fatal(err)
	}
	clock := &Clock{
		HostTime: func() (time.Time, error) { return time.Unix(1_000_000, 0), nil },
		Logf:     t.Logf,
		now:      func() time.Time { return time.Unix(999_000, 0) },
		set:      func(to time.Time) error { asked <- "clock " + to.UTC().Format(time.TimeOnly); return nil },
	}
	err = Start(in, rpci, Handlers{
		Halt: func() { asked <- "halt" }, Reboot: func() { asked <- "reboot" }, Announce: func() { asked <- "announce" }, Clock: clock,
		GuestOperations: guestops.New(nil, 0),
	})
	if err != nil {
		t.Fatal(err)
	}
	return in, out, asked
}

func receive(t *testing.T, from <-chan string) string {
	t.Helper()
	select {
	case got := <-from:
		return got
	case <-time.After(10 * time.Second):
		t.Fatal("nothing came")
		return ""
	}
}

func TestPowerOperationsOfTheHost(t *testing.T) {
	for request, want := range map[string]string{"OS_Halt": "halt", "OS_Reboot": "reboot"} {
		in, out, asked := start(t)
		in.requests <- []byte(request + "\x00")
		if got := receive(t, asked); got != want {
			t.Errorf("%s gave %s", request, got)
		}
		if got := receive(t, out.sent); !strings.HasPrefix(got, "tools.os.statechange.status 1 ") {
			t.Errorf("the host received %q", got)
		}
		if got := receive(t, in.sent); !strings.HasPrefix(got, "OK") {
			t.Errorf("the answer is %q", got)
		}
	}
}

func TestCapabilitiesAreRegistered(t *testing.T) {
	in, out, _ := start(t)
	in.requests <- []byte("Capabilities_Register")
	var reported []string
	for range 3 {
		reported = append(reported, receive(t, out.sent))
	}
	if !strings.Contains(strings.Join(reported, "\n"), "tools.capability.statechange") {
		t.Errorf("reported %q", reported)
	}
}

func TestGuestOperationsAreAnsweredByTheirServer(t *testing.T) {
	in, _, _ := start(t)
	guest := relay.Guest{User: guestops.UserName, Password: "guessed", Send: func(_ context.Context, command []byte) ([]byte, error) {
		in.requests <- append([]byte(guestops.RelayedCommand+" "), command...)
		return []byte(strings.TrimPrefix(receive(t, in.sent), "OK ")), nil
	}}
	_, err := guest.StartProgram(t.Context(), "/bin/true", "", "", nil)
	var refusal *guestops.Refusal
	if !errors.As(err, &refusal) || refusal.Code != guestops.OperationDisabled {
		t.Errorf("the answer is %v", err)
	}
}

func TestQuiescedSnapshotsAreRefusedAtOnce(t *testing.T) {
	in, _, _ := start(t)
	for _, request := range []string{"vmbackup.start 1", "vmbackup.startWithOpts \x00\x01", "vmbackup.abort"} {
		in.requests <- []byte(request)
		if got := receive(t, in.sent); got != "ERR "+errNoQuiescing.Error() {
			t.Errorf("the answer to %q is %q", request, got)
		}
	}
}

func TestUnknownRequestsAreAnswered(t *testing.T) {
	in, _, _ := start(t)
	in.requests <- []byte("Set_Power_Policy 1")
	if got := receive(t, in.sent); got != "Unknown Command" {
		t.Errorf("the answer is %q", got)
	}
}

func TestAllIsReportedAgainAfterAResetAndTheClockIsSet(t *testing.T) {
	in, out, asked := start(t)
	for number, reported := range [][]string{{"clock 13:46:40"}, {"clock 13:46:40", "announce"}} {
		in.requests <- []byte("reset")
		if got := receive(t, in.sent); got != "OK ATR toolbox" {
			t.Errorf("reset %d: the answer is %q", number, got)
		}
		if got := receive(t, out.sent); !strings.HasPrefix(got, "SetGuestInfo  9 ") {
			t.Errorf("reset %d: the host received %q", number, got)
		}
		for _, want := range reported {
			if got := receive(t, asked); got != want {
				t.Errorf("reset %d: got %q, want %q", number, got, want)
			}
		}
	}
}

func TestTheHostSetsTheClock(t *testing.T) {
	for _, request := range []string{"Time_Synchronize 0", "Time_Synchronize 1\x00", "OS_Resume"} {
		in, _, asked := start(t)
		in.requests <- []byte(request)
		if got := receive(t, asked); got != "clock 13:46:40" {
			t.Errorf("%s: %q", request, got)
		}
		if got := receive(t, in.sent); !strings.HasPrefix(got, "OK ") {
			t.Errorf("the answer to %s is %q", request, got)
		}
	}
}
