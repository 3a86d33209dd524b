// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"maps"
	"testing"
	"time"

	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/machine"
)

// The keys of these tests: two exist at power on. The guest sets one of them and a new one, a client the other one, unchanged.
const (
	keptKey, clientKey, newKey = "guestinfo.status", "guestinfo.spec", "guestinfo.new"
	plainKey                   = "gantry.labels"
)

func configured(values map[string]string) types.VirtualMachineConfigSpec {
	spec := types.VirtualMachineConfigSpec{}
	for key, value := range values {
		spec.ExtraConfig = append(spec.ExtraConfig, option(key, value))
	}
	return spec
}

func TestPowerOffDropsWhatWasSetWhileOn(t *testing.T) {
	for choice, want := range map[string]map[string]string{
		GuestInfoDeleted:  {plainKey: "live"},
		GuestInfoReverted: {plainKey: "live", keptKey: "none", clientKey: "{}"},
		GuestInfoKept:     {plainKey: "live", keptKey: "exited"},
	} {
		t.Run(choice, func(t *testing.T) {
			l := newLab(t)
			l.behave(`{"guest_info_at_power_off": "` + choice + `"}`)
			spec := l.spec("web")
			spec.ExtraConfig = configured(map[string]string{keptKey: "none", clientKey: "{}"}).ExtraConfig
			vm := l.create(spec)
			l.result(vm.PowerOn(t.Context()))
			l.guests.events.Set(vm.Reference().Value, keptKey, "exited")
			l.guests.events.Set(vm.Reference().Value, newKey, "1")
			l.result(vm.Reconfigure(t.Context(), configured(map[string]string{clientKey: "{}", plainKey: "live"})))
			on := map[string]string{keptKey: "exited", clientKey: "{}", newKey: "1", plainKey: "live"}
			if got := l.options(vm); !maps.Equal(got, on) {
				t.Errorf("while on: %v", got)
			}
			l.result(vm.PowerOff(t.Context()))
			if got := l.options(vm); !maps.Equal(got, want) {
				t.Errorf("after power off: %v, want %v", got, want)
			}
			l.result(vm.Reconfigure(t.Context(), configured(map[string]string{clientKey: "{1}"})))
			l.result(vm.PowerOn(t.Context()))
			l.result(vm.PowerOff(t.Context()))
			if got := l.option(vm, clientKey); got != "{1}" {
				t.Errorf("what was set while off is %q after a run", got)
			}
		})
	}
}

func TestAResetKeepsVolatileValues(t *testing.T) {
	l := newLab(t)
	vm := l.create(l.spec("web"))
	l.result(vm.PowerOn(t.Context()))
	l.guests.events.Set(vm.Reference().Value, newKey, "1")
	l.result(vm.Reset(t.Context()))
	if got := l.option(vm, newKey); got != "1" {
		t.Errorf("after the reset it is %q", got)
	}
}

func TestTheGuestReadsWhatAClientSets(t *testing.T) {
	l := newLab(t)
	spec := l.spec("web")
	spec.ExtraConfig = configured(map[string]string{clientKey: "{}", keptKey: "none"}).ExtraConfig
	vm := l.create(spec)
	l.result(vm.PowerOn(t.Context()))
	l.result(vm.Reconfigure(t.Context(), configured(map[string]string{clientKey: "{1}", keptKey: "", plainKey: "live"})))
	want := map[string]string{clientKey: "{1}", keptKey: ""}
	if got := l.guests.running(vm.Reference().Value).GuestInfo; !maps.Equal(got, want) {
		t.Errorf("the guest has %v", got)
	}
	// A change that names no key of the guest tells it nothing.
	l.guests.events.Set(vm.Reference().Value, newKey, "1")
	l.result(vm.Reconfigure(t.Context(), types.VirtualMachineConfigSpec{Annotation: "a note"}))
	if got := l.guests.running(vm.Reference().Value).GuestInfo; !maps.Equal(got, want) {
		t.Errorf("after another change it has %v", got)
	}
}

func TestACloneHasThePersistentValuesOfItsSource(t *testing.T) {
	l := newLab(t)
	spec := l.spec("web") // no disk: the lab copies those of VMs that are off only
	spec.ExtraConfig = configured(map[string]string{clientKey: "{}", keptKey: "none"}).ExtraConfig
	vm := l.create(spec)
	l.result(vm.PowerOn(t.Context()))
	l.guests.events.Set(vm.Reference().Value, keptKey, "running")
	l.guests.events.Set(vm.Reference().Value, newKey, "1")
	l.result(vm.Reconfigure(t.Context(), configured(map[string]string{clientKey: "{1}", plainKey: "live"})))
	clone := l.clone(vm, "copy", types.VirtualMachineCloneSpec{})
	want := map[string]string{clientKey: "{}", keptKey: "none", plainKey: "live"}
	if got := l.options(clone); !maps.Equal(got, want) {
		t.Errorf("the clone has %v", got)
	}
	if got := l.option(vm, keptKey); got != "running" {
		t.Errorf("its source has %q", got)
	}
}

func TestReportsArriveTogetherAfterTheDelay(t *testing.T) {
	l := newLab(t)
	const delay = 200 * time.Millisecond
	l.behave(`{"guest_info_at_power_off": "kept", "guest_report_seconds": 0.2}`)
	spec := l.spec("web")
	spec.ExtraConfig = configured(map[string]string{keptKey: "none"}).ExtraConfig
	vm := l.create(spec)
	id := vm.Reference().Value
	l.result(vm.PowerOn(t.Context()))
	l.guests.events.Guest(id, machine.GuestInfo{Hostname: "web"})
	l.eventually("the tools run", func() bool { return l.read(vm).Guest.HostName == "web" })
	began := time.Now()
	l.guests.events.Set(id, newKey, "first")
	l.guests.events.Set(id, newKey, "second")
	if got := l.option(vm, newKey); got != "" && time.Since(began) < delay {
		t.Errorf("%q before the delay", got)
	}
	l.eventually("the last value has arrived", func() bool { return l.option(vm, newKey) == "second" })
	if time.Since(began) < delay {
		t.Error("it arrived early")
	}
	l.guests.events.Set(id, keptKey, "exited")
	l.guests.end(id, machine.OffGuest)
	if got := l.read(vm).Runtime.PowerState; got != types.VirtualMachinePowerStatePoweredOn {
		t.Errorf("%s before the delay", got)
	}
	isFault[types.InvalidPowerState](l, l.faultOf(vm.ShutdownGuest(t.Context())))
	isFault[types.InvalidPowerState](l, l.refusal(vm.PowerOff(t.Context())))
	l.eventually("power off has arrived", func() bool {
		return l.read(vm).Runtime.PowerState == types.VirtualMachinePowerStatePoweredOff
	})
	if got := l.options(vm); !maps.Equal(got, map[string]string{keptKey: "exited"}) {
		t.Errorf("after power off: %v", got)
	}
}

// options returns the whole extraConfig of a VM.
func (l *lab) options(vm interface{ Reference() ref }) map[string]string {
	l.Helper()
	values := map[string]string{}
	for _, one := range l.read(vm).Config.ExtraConfig {
		values[one.GetOptionValue().Key], _ = one.GetOptionValue().Value.(string)
	}
	return values
}
