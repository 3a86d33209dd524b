// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"errors"
	"testing"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/machine"
)

func TestASuspendedVMContinuesWhenItIsPoweredOn(t *testing.T) {
	l := newLab(t)
	vm := l.running("web")
	self := vm.Reference()
	l.result(vm.Reconfigure(t.Context(), configured(map[string]string{clientKey: "{}"})))
	was, seen := l.read(vm), len(kindsOf(l.eventsOf(self)))
	l.result(vm.Suspend(t.Context()))
	is := l.read(vm)
	if is.Runtime.PowerState != types.VirtualMachinePowerStateSuspended || is.Runtime.SuspendTime == nil || is.Summary.Runtime.SuspendTime == nil ||
		is.Guest.HostName != "" || is.Summary.QuickStats.HostMemoryUsage != 0 || l.server.occupancy()[self] != (ref{}) {
		t.Errorf("suspended it is %+v %+v", is.Runtime, is.Guest)
	}
	if l.option(vm, "guestinfo.said") != "before" || l.option(vm, clientKey) != "{}" {
		t.Errorf("its options are %v", l.options(vm))
	}
	seen = l.expectEvents(self, seen, "VmSuspendingEvent", "VmSuspendedEvent")
	l.result(vm.PowerOn(t.Context()))
	l.eventually("the tools run again", func() bool { return l.read(vm).Guest.HostName == "web" })
	is = l.read(vm)
	if is.Runtime.PowerState != types.VirtualMachinePowerStatePoweredOn || !is.Runtime.BootTime.Equal(*was.Runtime.BootTime) {
		t.Errorf("resumed it is %+v", is.Runtime)
	}
	l.expectEvents(self, seen, "VmResumingEvent", "VmPoweredOnEvent")
	l.result(vm.PowerOff(t.Context()))
	if got := l.options(vm); len(got) != 0 {
		t.Errorf("after power off its options are %v", got)
	}
}

func TestASuspendedVMMovesToAnotherHost(t *testing.T) {
	l := newLab(t)
	vm := l.running("web")
	l.result(vm.Suspend(t.Context()))
	from := *l.read(vm).Runtime.Host
	var to ref
	for _, host := range l.server.site.hosts {
		if host.Self != from {
			to = host.Self
		}
	}
	l.result(vm.Relocate(t.Context(), types.VirtualMachineRelocateSpec{Host: &to}, types.VirtualMachineMovePriorityDefaultPriority))
	is := l.read(vm)
	if *is.Runtime.Host != to || is.Runtime.PowerState != types.VirtualMachinePowerStateSuspended {
		t.Errorf("it is %s on %s", is.Runtime.PowerState, is.Runtime.Host.Value)
	}
	l.result(vm.PowerOn(t.Context()))
	if got := l.guests.running(vm.Reference().Value).Host; got != l.server.nameOf(to) {
		t.Errorf("it continues on %s", got)
	}
}

func TestASuspendedVMCanBePoweredOff(t *testing.T) {
	l := newLab(t)
	vm := l.running("web")
	l.result(vm.Suspend(t.Context()))
	fault := isFault[types.InvalidPowerState](l, l.refusal(vm.Destroy(t.Context())))
	if fault.ExistingState != types.VirtualMachinePowerStateSuspended {
		t.Errorf("got %+v", fault)
	}
	l.result(vm.PowerOff(t.Context()))
	l.result(vm.Destroy(t.Context()))
}

func TestSuspendIsRefused(t *testing.T) {
	l := newLab(t)
	vm := l.create(l.spec("web"))
	isFault[types.InvalidPowerState](l, l.refusal(vm.Suspend(t.Context())))
	l.result(vm.PowerOn(t.Context()))
	l.guests.refuse = errors.New("no space")
	isFault[types.SystemError](l, l.refusal(vm.Suspend(t.Context())))
	if state := l.read(vm).Runtime.PowerState; state != types.VirtualMachinePowerStatePoweredOn {
		t.Errorf("after a failure it is %s", state)
	}
	l.guests.refuse = nil
	l.result(vm.Suspend(t.Context()))
	for what, do := range map[string]func() (*object.Task, error){
		"suspend":  func() (*object.Task, error) { return vm.Suspend(t.Context()) },
		"reset":    func() (*object.Task, error) { return vm.Reset(t.Context()) },
		"shutdown": func() (*object.Task, error) { return nil, vm.ShutdownGuest(t.Context()) },
		"reboot":   func() (*object.Task, error) { return nil, vm.RebootGuest(t.Context()) },
	} {
		l.Log(what)
		isFault[types.InvalidPowerState](l, l.refusal(do()))
	}
	isFault[types.NotSupported](l, l.refusal(vm.CreateSnapshot(t.Context(), "s", "", false, false)))
	l.guests.refuse = errors.New("broken")
	isFault[types.GenericVmConfigFault](l, l.refusal(vm.PowerOn(t.Context())))
	if state := l.read(vm).Runtime.PowerState; state != types.VirtualMachinePowerStateSuspended {
		t.Errorf("after a failed resume it is %s", state)
	}
	l.guests.refuse = nil
	l.result(vm.PowerOn(t.Context()))
	isFault[types.InvalidPowerState](l, l.refusal(vm.PowerOn(t.Context())))
}

func TestAVMWithAPassthroughDeviceIsNotSuspended(t *testing.T) {
	l := newLab(t)
	vm := l.create(l.spec("web", addition(&types.VirtualPCIPassthrough{VirtualDevice: types.VirtualDevice{
		Backing: &types.VirtualPCIPassthroughVmiopBackingInfo{Vgpu: "grid", MigrateSupported: types.NewBool(false)}}})))
	l.result(vm.PowerOn(t.Context()))
	isFault[types.NotSupported](l, l.refusal(vm.Suspend(t.Context())))
}

func TestAGuestIsRestarted(t *testing.T) {
	l := newLab(t)
	vm := l.create(l.spec("web"))
	self := vm.Reference()
	isFault[types.InvalidPowerState](l, l.faultOf(vm.RebootGuest(t.Context())))
	l.result(vm.PowerOn(t.Context()))
	isFault[types.ToolsUnavailable](l, l.faultOf(vm.RebootGuest(t.Context())))
	isFault[types.ToolsUnavailable](l, l.faultOf(vm.StandbyGuest(t.Context())))
	l.guests.events.Guest(self.Value, machine.GuestInfo{Hostname: "web"})
	l.guests.events.Set(self.Value, newKey, "1")
	isFault[types.NotSupported](l, l.faultOf(vm.StandbyGuest(t.Context())))
	seen := len(kindsOf(l.eventsOf(self)))
	if err := vm.RebootGuest(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.expectEvents(self, seen, "VmGuestRebootEvent")
	is := l.read(vm)
	if is.Runtime.PowerState != types.VirtualMachinePowerStatePoweredOn || is.Guest.HostName != "" ||
		is.Guest.ToolsRunningStatus != string(types.VirtualMachineToolsRunningStatusGuestToolsNotRunning) {
		t.Errorf("it is %s, its guest %+v", is.Runtime.PowerState, is.Guest)
	}
	if l.option(vm, newKey) != "1" {
		t.Error("the guest information is lost")
	}
	l.guests.events.Guest(self.Value, machine.GuestInfo{Hostname: "again"})
	if got := l.read(vm).Guest.HostName; got != "again" {
		t.Errorf("the guest is %q", got)
	}
}
