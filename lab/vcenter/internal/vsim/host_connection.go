// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Disconnected hosts: their VMs continue to run, but cannot be changed.

package vsim

import (
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// methodsOfHosts are the methods of VMs that are carried out by their hosts. Those that move VMs, and those of templates, have
// checks of their own.
var methodsOfHosts = []string{
	"CreateSnapshot_Task", "Destroy_Task", "PowerOffVM_Task", "PowerOnVM_Task", "RebootGuest", "ReconfigVM_Task", "ResetVM_Task",
	"ShutdownGuest", "StandbyGuest", "SuspendVM_Task",
}

// hostFault returns the fault of a method that the host of the VM would have to carry out, and is not connected for:
// "HostNotConnected: […] the method could not be performed because the host is not connected" (API, HostNotConnected).
func (s *Server) hostFault(target ref, method string) types.BaseMethodFault {
	if target.Type != "VirtualMachine" || !slices.Contains(methodsOfHosts, method) {
		return nil
	}
	vm := s.vm(target)
	if vm == nil || s.isTemplate(vm) {
		return nil
	}
	host, found := s.registry.Get(s.hostOf(vm)).(*simulator.HostSystem)
	if !found {
		return nil
	}
	return s.disconnected(host)
}

// disconnectHost implements DisconnectHost_Task: "InvalidState: if host is not in the connected state".
func (s *Server) disconnectHost(ctx *simulator.Context, request *types.DisconnectHost_Task) (soap.HasFault, types.BaseMethodFault) {
	host := s.registry.Get(request.This).(*simulator.HostSystem)
	return s.task(ctx, host.Self, "DisconnectHost_Task", func(by cause) (types.AnyType, types.BaseMethodFault) {
		if s.disconnected(host) != nil {
			return nil, invalidHostState(host, "is not connected")
		}
		s.showConnection(host, types.HostSystemConnectionStateDisconnected, types.VirtualMachineConnectionStateDisconnected)
		return nil, nil
	})
}

// reconnectHost implements ReconnectHost_Task: "InvalidState: if host is not in the disconnected state".
func (s *Server) reconnectHost(ctx *simulator.Context, request *types.ReconnectHost_Task) (soap.HasFault, types.BaseMethodFault) {
	host := s.registry.Get(request.This).(*simulator.HostSystem)
	return s.task(ctx, host.Self, "ReconnectHost_Task", func(by cause) (types.AnyType, types.BaseMethodFault) {
		if s.disconnected(host) == nil {
			return nil, invalidHostState(host, "is connected")
		}
		s.showConnection(host, types.HostSystemConnectionStateConnected, types.VirtualMachineConnectionStateConnected)
		return nil, nil
	})
}

// showConnection publishes the connection state of a host and its VMs, and the effective hosts of the cluster.
func (s *Server) showConnection(host *simulator.HostSystem, state types.HostSystemConnectionState, machines types.VirtualMachineConnectionState) {
	s.showHost(host, func(runtime *types.HostRuntimeInfo) { runtime.ConnectionState = state }, set("runtime.connectionState", state))
	for _, vm := range s.machinesOn(host) {
		s.update(vm, set("runtime.connectionState", machines), set("summary.runtime.connectionState", machines))
	}
	s.showEffective(host)
}
