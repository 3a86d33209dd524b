// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"testing"
	"time"

	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/machine"
)

// beating is a hypervisor whose guests' tools were last heard at a point in time.
type beating struct {
	*guests
	last time.Time
}

func (b *beating) Info(id string) (machine.Info, bool) {
	info, on := b.guests.Info(id)
	info.Heartbeat = b.last
	return info, on
}

func TestTheHeartbeatOfTheTools(t *testing.T) {
	l := newLab(t)
	vm, _ := l.image("web")
	heart := &beating{guests: l.guests}
	l.server.UseHypervisor(heart)
	expect := func(what string, want types.ManagedEntityStatus) {
		t.Helper()
		read := l.read(vm)
		if read.GuestHeartbeatStatus != want || read.Summary.QuickStats.GuestHeartbeatStatus != want {
			t.Errorf("%s: %s and %s, want %s", what, read.GuestHeartbeatStatus, read.Summary.QuickStats.GuestHeartbeatStatus, want)
		}
	}
	expect("off", types.ManagedEntityStatusGray)
	l.result(vm.PowerOn(t.Context()))
	expect("booting", types.ManagedEntityStatusGray)
	l.server.Guest(vm.Reference().Value, machine.GuestInfo{})
	expect("reported", types.ManagedEntityStatusGreen)
	for last, want := range map[time.Duration]types.ManagedEntityStatus{
		time.Second: types.ManagedEntityStatusGreen, 20 * time.Second: types.ManagedEntityStatusYellow, time.Minute: types.ManagedEntityStatusRed,
	} {
		heart.last = time.Now().Add(-last)
		l.server.measure()
		expect("last heard "+last.String()+" ago", want)
	}
	l.result(vm.PowerOff(t.Context()))
	expect("off again", types.ManagedEntityStatusGray)
}
