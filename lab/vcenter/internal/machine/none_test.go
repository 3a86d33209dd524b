// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package machine

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

// reports keeps what the guests say, as it comes.
type reports struct {
	said   chan string
	guests chan GuestInfo
	off    chan string
}

func (r reports) Set(_, _, value string)         { r.said <- value }
func (r reports) Guest(_ string, info GuestInfo) { r.guests <- info }
func (r reports) Restarted(string)               { r.said <- "restarted" }
func (r reports) Off(_, reason string)           { r.off <- reason }

func newReports() reports {
	return reports{said: make(chan string, 1), guests: make(chan GuestInfo, 10), off: make(chan string, 2)}
}

// Clients know a new run by its status, as they do with a real guest: "started_at" is exact enough for that.
func TestARestartReportsAnotherStatus(t *testing.T) {
	events := newReports()
	none, err := NewNone(nil, "", events)
	if err != nil {
		t.Fatal(err)
	}
	spec := Spec{ID: "vm-1", ISO: "bootstrap.iso", GuestInfo: map[string]string{SpecKey: `{"id": "one"}`}}
	seen := map[string]bool{}
	const starts = 5
	for range starts {
		if err := none.Start(spec); err != nil {
			t.Fatal(err)
		}
		seen[<-events.said] = true
		if err := none.Kill(spec.ID); err != nil {
			t.Fatal(err)
		}
		<-events.off
	}
	if len(seen) != starts {
		t.Errorf("%d starts have reported %d different statuses: %v", starts, len(seen), seen)
	}
}

func TestAVMWhoseDiskIsBootedFirstReportsNothing(t *testing.T) {
	events := newReports()
	none, err := NewNone(nil, "", events)
	if err != nil {
		t.Fatal(err)
	}
	disks := []Disk{{Unit: 1}, {Unit: 0, HasBootCode: true}}
	spec := Spec{ISO: "bootstrap.iso", Disks: disks, GuestInfo: map[string]string{SpecKey: `{"id": "one"}`}}
	for id, first := range map[string]bool{"silent": true, "running": false} {
		spec.ID, spec.DiskFirst = id, first
		if err := none.Start(spec); err != nil {
			t.Fatal(err)
		}
	}
	<-events.said
	for _, id := range []string{"silent", "running"} {
		if err := none.Kill(id); err != nil {
			t.Fatal(err)
		}
		<-events.off
	}
	if len(events.said) > 0 {
		t.Errorf("the other one has reported %s", <-events.said)
	}
}

func TestTheAddressesAreReportedAgainAfterAMove(t *testing.T) {
	events := newReports()
	none, err := NewNone(nil, "", events)
	if err != nil {
		t.Fatal(err)
	}
	spec := Spec{ID: "vm-1", ISO: "bootstrap.iso", NICs: []NIC{{MAC: "00:50:56:00:00:01"}},
		GuestInfo: map[string]string{SpecKey: `{"hostname": "web", "networks": [{"address": "10.0.0.5/24"}]}`}}
	if err := none.Start(spec); err != nil {
		t.Fatal(err)
	}
	reported := <-events.guests
	if reported.Hostname != "web" || len(reported.NICs) != 1 {
		t.Fatalf("reported %+v", reported)
	}
	if _, err := none.Migrate(spec.ID, spec, nil); err != nil {
		t.Fatal(err)
	}
	for number, want := range []GuestInfo{{}, reported} {
		if got := <-events.guests; !reflect.DeepEqual(got, want) {
			t.Errorf("report %d is %+v", number, got)
		}
	}
}

func TestTheStaticAddressesOfBothKindsAreReported(t *testing.T) {
	events := newReports()
	none, err := NewNone(map[string]string{"front": "10.77.0.0/24"}, "", events)
	if err != nil {
		t.Fatal(err)
	}
	ipv6 := `"ipv6": {"mode": "static", "address": "fd00:20::5/64"}`
	document := `{"networks": [{"dhcp": true, ` + ipv6 + `}, {"dhcp": false, ` + ipv6 + `}, {"dhcp": false, "ipv6": {"mode": "disabled"}}]}`
	spec := Spec{ID: "vm-1", ISO: "bootstrap.iso", NICs: []NIC{{MAC: "1", Network: "front"}, {MAC: "2"}, {MAC: "3"}},
		GuestInfo: map[string]string{SpecKey: document}}
	if err := none.Start(spec); err != nil {
		t.Fatal(err)
	}
	want := []GuestNIC{{MAC: "1", Addresses: []string{"10.77.0.10/24", "fd00:20::5/64"}}, {MAC: "2", Addresses: []string{"fd00:20::5/64"}}}
	if got := (<-events.guests).NICs; !reflect.DeepEqual(got, want) {
		t.Errorf("reported %+v, want %+v", got, want)
	}
}

// startScripted starts a VM whose container runs for the given time.
func startScripted(t *testing.T, events reports, milliseconds int) (*None, Spec) {
	t.Helper()
	none, err := NewNone(nil, "", events)
	if err != nil {
		t.Fatal(err)
	}
	document := fmt.Sprintf(`{"hostname": "web", "process": {"args": ["lab-guest", "{\"run_ms\": %d, \"linger_ms\": 0}"]}}`, milliseconds)
	spec := Spec{ID: "vm-1", ISO: "bootstrap.iso", GuestInfo: map[string]string{SpecKey: document}}
	if err := none.Start(spec); err != nil {
		t.Fatal(err)
	}
	expectState(t, events, "running")
	return none, spec
}

func expectState(t *testing.T, events reports, want string) {
	t.Helper()
	select {
	case said := <-events.said:
		if !strings.Contains(said, want) {
			t.Fatalf("reported %s, want %s", said, want)
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("not reported: %s", want)
	}
}

func TestASuspendedGuestReportsNothingUntilItIsResumed(t *testing.T) {
	events := newReports()
	none, spec := startScripted(t, events, 50)
	if err := none.Suspend(spec.ID); err != nil {
		t.Fatal(err)
	}
	if none.Suspend(spec.ID) == nil {
		t.Error("it was suspended twice")
	}
	select {
	case said := <-events.said:
		t.Errorf("it has reported %s", said)
	case <-time.After(200 * time.Millisecond):
	}
	<-events.guests
	if err := none.Resume(spec); err != nil {
		t.Fatal(err)
	}
	for number, want := range []string{"", "web"} {
		if got := <-events.guests; got.Hostname != want {
			t.Errorf("report %d is %+v", number, got)
		}
	}
	expectState(t, events, "exited")
	if reason := <-events.off; reason != OffGuest {
		t.Errorf("it is off: %s", reason)
	}
}

func TestASuspendedMachineIsPoweredOff(t *testing.T) {
	events := newReports()
	none, spec := startScripted(t, events, 50)
	if err := none.Suspend(spec.ID); err != nil {
		t.Fatal(err)
	}
	if err := none.Kill(spec.ID); err != nil {
		t.Fatal(err)
	}
	if reason := <-events.off; reason != OffKilled {
		t.Errorf("it is off: %s", reason)
	}
	if none.Resume(spec) == nil {
		t.Error("it was resumed")
	}
}

func TestAGuestIsRestarted(t *testing.T) {
	events := newReports()
	none, spec := startScripted(t, events, 60_000)
	if err := none.Restart(spec.ID); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"exited", "restarted", "running"} {
		expectState(t, events, want)
	}
	// The first request decides what happens at the end.
	if err := none.PowerButton(spec.ID); err != nil {
		t.Fatal(err)
	}
	expectState(t, events, "exited")
	if err := none.Restart(spec.ID); err != nil {
		t.Fatal(err)
	}
	if reason := <-events.off; reason != OffGuest {
		t.Errorf("it is off: %s", reason)
	}
	if none.Restart(spec.ID) == nil {
		t.Error("a machine that is off was restarted")
	}
}
