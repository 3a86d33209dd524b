// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"context"
	"net"
	"strings"
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

func TestAConnectionWaitsForTheAddressAfterAMove(t *testing.T) {
	l := newLab(t)
	vm, _ := l.image("web")
	if _, err := l.server.Dial(t.Context(), "web", 1); err == nil || !strings.Contains(err.Error(), "no address") {
		t.Errorf("off: %v", err)
	}
	l.result(vm.PowerOn(t.Context()))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	id := vm.Reference().Value
	l.server.Guest(id, machine.GuestInfo{}) // as after a move
	go func() {
		time.Sleep(2 * addressPoll)
		l.server.Guest(id, machine.GuestInfo{NICs: []machine.GuestNIC{{MAC: "00:50:56:00:00:01", Addresses: []string{"127.0.0.1/8"}}}})
	}()
	connection, err := l.server.Dial(t.Context(), "web", listener.Addr().(*net.TCPAddr).Port)
	if err != nil {
		t.Fatal(err)
	}
	connection.Close()
	l.server.Guest(id, machine.GuestInfo{})
	ctx, cancel := context.WithTimeout(t.Context(), 2*addressPoll)
	defer cancel()
	if _, err := l.server.Dial(ctx, "web", 1); err == nil || !strings.Contains(err.Error(), "no address") {
		t.Errorf("without an address: %v", err)
	}
}
