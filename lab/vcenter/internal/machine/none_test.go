// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package machine

import (
	"reflect"
	"testing"
)

// reports keeps what the guests say, as it comes.
type reports struct {
	said   chan string
	guests chan GuestInfo
	off    chan string
}

func (r reports) Set(_, _, value string)         { r.said <- value }
func (r reports) Guest(_ string, info GuestInfo) { r.guests <- info }
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
