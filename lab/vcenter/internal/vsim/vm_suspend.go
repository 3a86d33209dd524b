// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Suspended VMs, and restarts of guests. A suspended VM uses no memory and no CPU of its host, as one that is off, and continues
// when it is powered on: "if the virtual machine is suspended, this method resumes execution from the suspend point"
// (PowerOnVM_Task). The saved state is not on a datastore, and takes no space there.

package vsim

import (
	"fmt"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

func (s *Server) suspendVM(ctx *simulator.Context, request *types.SuspendVM_Task) (soap.HasFault, types.BaseMethodFault) {
	vm := s.vm(request.This)
	if s.isTemplate(vm) {
		return nil, notSupported("A template cannot be suspended.")
	}
	return s.task(ctx, vm.Self, "SuspendVM_Task", s.exclusive(vm, func(by cause) (types.AnyType, types.BaseMethodFault) {
		return nil, s.suspend(by, vm)
	}))
}

// suspend suspends a VM: "InvalidPowerState if the virtual machine is not powered on" (SuspendVM_Task). That a device of the host
// that cannot be saved is refused with NotSupported is unconfirmed.
func (s *Server) suspend(by cause, vm *simulator.VirtualMachine) types.BaseMethodFault {
	if state := s.powerState(vm); state != types.VirtualMachinePowerStatePoweredOn {
		return wrongPowerState(state, types.VirtualMachinePowerStatePoweredOn)
	}
	if s.isOffUnheard(vm.Self.Value) {
		return wrongPowerState(types.VirtualMachinePowerStatePoweredOff, types.VirtualMachinePowerStatePoweredOn)
	}
	var devices []types.BaseVirtualDevice
	s.locked(vm, func(*simulator.Context) { devices = vm.Config.Hardware.Device })
	for _, device := range devices {
		if _, isPassthrough := device.(*types.VirtualPCIPassthrough); isPassthrough && !follows(device) {
			return notSupported(labelOf(device) + " uses a device of the host whose state cannot be saved.")
		}
	}
	s.post(by, &types.VmSuspendingEvent{VmEvent: s.vmEvent(vm)})
	if err := s.hypervisor.Suspend(vm.Self.Value); err != nil {
		return systemError(fmt.Sprintf("Suspending virtual machine %s failed. It continues: %v.", vm.Name, err))
	}
	s.showSuspended(vm)
	s.post(by, &types.VmSuspendedEvent{VmEvent: s.vmEvent(vm)})
	return nil
}

func (s *Server) showSuspended(vm *simulator.VirtualMachine) {
	s.endAdmission(vm.Self)
	now := s.clock.Now()
	s.locked(vm, func(ctx *simulator.Context) {
		ctx.Update(vm, append(powerChanges(types.VirtualMachinePowerStateSuspended),
			set("runtime.suspendTime", now), set("summary.runtime.suspendTime", now)))
		showGuest(ctx, vm, guestOff(vm.Config))
		clearUse(vm)
	})
	s.placementChanged(s.clusterOf(s.hostOf(vm)))
}

// resume continues a suspended VM, on its host or on another one that admits it. The caller holds the VM's operation lock.
func (s *Server) resume(by cause, vm *simulator.VirtualMachine, only *ref) types.BaseMethodFault {
	host, fault := s.admit(vm, only)
	if fault != nil {
		return fault
	}
	s.setHost(vm, host)
	defer s.placementChanged(s.clusterOf(host))
	s.post(by, &types.VmResumingEvent{VmEvent: s.vmEvent(vm)})
	spec, fault := s.machineSpecWith(vm, atReset)
	if fault != nil {
		s.endAdmission(vm.Self)
		return fault
	}
	suspended := s.runs.get(vm.Self.Value)
	begun := s.runs.begin(vm) // what the guest reports waits until the VM is shown as powered on
	err := s.hypervisor.Resume(spec)
	if err != nil {
		s.runs.restore(vm.Self.Value, suspended)
		begun.failed = true
		close(begun.shown)
		s.endAdmission(vm.Self)
		return vmConfigFault(fmt.Sprintf("The lab's hypervisor did not resume virtual machine %s: %v.", spec.Name, err))
	}
	s.showResumed(vm)
	close(begun.shown)
	s.post(by, &types.VmPoweredOnEvent{VmEvent: s.vmEvent(vm)})
	return nil
}

// restore puts a run back that was replaced.
func (r *runs) restore(id string, earlier *run) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.byID[id] = earlier
}

// showResumed publishes a VM as powered on. runtime.bootTime "is not updated when a virtual machine is resumed from a suspended
// state"; suspendInterval is the time, in seconds, for which it has been suspended since it was powered on.
func (s *Server) showResumed(vm *simulator.VirtualMachine) {
	s.locked(vm, func(ctx *simulator.Context) {
		interval := vm.Runtime.SuspendInterval
		if since := vm.Runtime.SuspendTime; since != nil {
			interval += int64(s.clock.Since(*since).Seconds())
		}
		showMost(vm, int64(s.config.Hosts.CPUMHz))
		ctx.Update(vm, append(powerChanges(types.VirtualMachinePowerStatePoweredOn),
			set("runtime.suspendInterval", interval), set("summary.runtime.suspendInterval", interval)))
	})
}

// requireTools returns the fault of a VM whose guest tools cannot be asked for a power operation.
func (s *Server) requireTools(vm *simulator.VirtualMachine) types.BaseMethodFault {
	var state types.VirtualMachinePowerState
	var tools string
	s.locked(vm, func(*simulator.Context) { state, tools = vm.Runtime.PowerState, vm.Guest.ToolsRunningStatus })
	if state != types.VirtualMachinePowerStatePoweredOn {
		return wrongPowerState(state, types.VirtualMachinePowerStatePoweredOn)
	}
	if tools != string(types.VirtualMachineToolsRunningStatusGuestToolsRunning) {
		return &types.ToolsUnavailable{}
	}
	if s.isOffUnheard(vm.Self.Value) {
		return wrongPowerState(types.VirtualMachinePowerStatePoweredOff, types.VirtualMachinePowerStatePoweredOn)
	}
	return nil
}

func (s *Server) rebootGuest(ctx *simulator.Context, request *types.RebootGuest) (soap.HasFault, types.BaseMethodFault) {
	vm := s.vm(request.This)
	if fault := s.requireTools(vm); fault != nil {
		return nil, fault
	}
	s.post(causeOf(ctx), &types.VmGuestRebootEvent{VmEvent: s.vmEvent(vm)})
	if err := s.hypervisor.Restart(vm.Self.Value); err != nil {
		return nil, systemError(fmt.Sprintf("Restarting the guest of virtual machine %s failed: %v.", vm.Name, err))
	}
	return &methods.RebootGuestBody{Res: &types.RebootGuestResponse{}}, nil
}

// standbyGuest refuses: the tools of the bootstrap have no script for a suspend that the guest begins itself.
func (s *Server) standbyGuest(_ *simulator.Context, request *types.StandbyGuest) (soap.HasFault, types.BaseMethodFault) {
	if fault := s.requireTools(s.vm(request.This)); fault != nil {
		return nil, fault
	}
	return nil, notSupported("The guests of the lab have no standby mode. Suspend the virtual machine instead.")
}

// Restarted shows that the tools of a guest do not run, as its restart has just begun.
func (s *Server) Restarted(id string) {
	s.deliver(id, func(r *report) { r.guest, r.restarted = nil, true })
}

func (s *Server) showRestarted(id string) {
	current := s.running(id)
	if current == nil {
		return
	}
	s.locked(current.vm, func(ctx *simulator.Context) { showGuest(ctx, current.vm, guestOff(current.vm.Config)) })
}
