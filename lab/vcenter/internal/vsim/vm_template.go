// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Templates: VMs that are marked as templates and back. A template is registered on one host, as every VM is.

package vsim

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

func (s *Server) markAsTemplate(_ *simulator.Context, request *types.MarkAsTemplate) (soap.HasFault, types.BaseMethodFault) {
	vm := s.vm(request.This)
	lock := s.operations.of(vm.Self)
	lock.Lock()
	defer lock.Unlock()
	if s.isTemplate(vm) {
		return nil, notSupported("The virtual machine is already a template.")
	}
	if state := s.powerState(vm); state != types.VirtualMachinePowerStatePoweredOff {
		return nil, wrongPowerState(state, types.VirtualMachinePowerStatePoweredOff)
	}
	s.setTemplate(vm, true)
	s.setPool(vm, nil)
	return &methods.MarkAsTemplateBody{Res: &types.MarkAsTemplateResponse{}}, nil
}

// markAsVirtualMachine implements MarkAsVirtualMachine: "The host parameter must specify a host that is a member of the
// ComputeResource indirectly specified by the pool. For a stand-alone host or a cluster with DRS, it can be omitted and the
// system selects a default." The template is registered on the host. Unconfirmed: that the default is the current host if
// that is usable, and that the source may be in maintenance mode.
func (s *Server) markAsVirtualMachine(_ *simulator.Context, request *types.MarkAsVirtualMachine) (soap.HasFault, types.BaseMethodFault) {
	vm := s.vm(request.This)
	lock := s.operations.of(vm.Self)
	lock.Lock()
	defer lock.Unlock()
	if !s.isTemplate(vm) {
		return nil, notSupported("The virtual machine is not a template.")
	}
	pool, ok := s.registry.Get(request.Pool).(*simulator.ResourcePool)
	if !ok {
		return nil, invalidArgument("pool")
	}
	host, fault := s.templateTarget(vm, pool, request.Host)
	if fault != nil {
		return nil, fault
	}
	s.setTemplate(vm, false)
	s.setPool(vm, &pool.Self)
	s.setHost(vm, host)
	return &methods.MarkAsVirtualMachineBody{Res: &types.MarkAsVirtualMachineResponse{}}, nil
}

// templateTarget returns the host that a template is registered on when it becomes a VM.
func (s *Server) templateTarget(vm *simulator.VirtualMachine, pool *simulator.ResourcePool, wanted *ref) (ref, types.BaseMethodFault) {
	current := s.hostOf(vm)
	target := current
	switch {
	case wanted != nil:
		target = *wanted
	case !s.drsEnabled(pool.Self):
		return ref{}, invalidArgument("host")
	}
	host, ok := s.registry.Get(target).(*simulator.HostSystem)
	if !ok || s.clusterOf(target) != s.clusterOf(pool.Self) {
		return ref{}, invalidArgument("host")
	}
	if source := s.registry.Get(current).(*simulator.HostSystem); s.disconnected(source) != nil {
		return ref{}, invalidHostState(source, "is not connected")
	}
	if fault := s.hostTakes(host); fault != nil {
		return ref{}, fault
	}
	return target, s.registeredOn(host, s.configPath(vm))
}

// hostTakes returns the fault of a host on which no VM can be registered or cloned: "InvalidHostState: the operation is not
// allowed on the host in its current state".
func (s *Server) hostTakes(host *simulator.HostSystem) types.BaseMethodFault {
	if s.disconnected(host) != nil {
		return invalidHostState(host, "is not connected")
	}
	if s.unavailable(host) {
		return invalidHostState(host, "is in maintenance mode or entering it")
	}
	return nil
}

func (s *Server) setTemplate(vm *simulator.VirtualMachine, template bool) {
	s.locked(vm, func(ctx *simulator.Context) {
		config := *vm.Config
		config.Template = template
		vm.Config = &config
		ctx.Update(vm, []types.PropertyChange{set("config.template", template), set("summary.config.template", template)})
	})
}
