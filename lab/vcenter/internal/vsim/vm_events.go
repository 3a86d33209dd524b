// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Events of a VM: creation, power, configuration, moves, clones and errors, with arguments for its place in the inventory.

package vsim

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/machine"
)

// taskEvent returns the event of a started task, with the text that the vSphere Client shows.
func (s *Server) taskEvent(info *types.TaskInfo) types.Event {
	event := s.entityEvent(*info.Entity)
	event.FullFormattedMessage = "Task: " + s.taskLabel(info)
	return event
}

// vmEvent returns the arguments of a VM's event: the VM and its current host, cluster, datastore and datacenter.
func (s *Server) vmEvent(vm *simulator.VirtualMachine) types.VmEvent {
	var host ref
	var stores []ref
	var name string
	s.locked(vm, func(*simulator.Context) { name, host, stores = vm.Name, *vm.Runtime.Host, vm.Datastore })
	event := s.hostEvent(host)
	event.Vm = &types.VmEventArgument{EntityEventArgument: types.EntityEventArgument{Name: name}, Vm: vm.Self}
	if len(stores) > 0 {
		event.Ds = s.storeArgument(stores[0])
	}
	return types.VmEvent{Event: event}
}

// hostEvent returns the arguments of a host's event.
func (s *Server) hostEvent(host ref) types.Event {
	argument := s.hostArgument(host)
	event := types.Event{Datacenter: s.datacenterArgument(), Host: &argument}
	if cluster := s.clusterOf(host); cluster != nil {
		event.ComputeResource = &types.ComputeResourceEventArgument{EntityEventArgument: s.argument(cluster.Self), ComputeResource: cluster.Self}
	}
	return event
}

// entityEvent returns the arguments of an event of any entity.
func (s *Server) entityEvent(entity ref) types.Event {
	switch object := s.registry.Get(entity).(type) {
	case *simulator.VirtualMachine:
		return s.vmEvent(object).Event
	case *simulator.HostSystem:
		return s.hostEvent(entity)
	case *simulator.ClusterComputeResource:
		return types.Event{Datacenter: s.datacenterArgument(),
			ComputeResource: &types.ComputeResourceEventArgument{EntityEventArgument: s.argument(entity), ComputeResource: entity}}
	case *simulator.Datastore:
		return types.Event{Datacenter: s.datacenterArgument(), Ds: s.storeArgument(entity)}
	case mo.Entity:
		return types.Event{Datacenter: s.datacenterArgument()}
	}
	return types.Event{}
}

func (s *Server) argument(entity ref) types.EntityEventArgument {
	return types.EntityEventArgument{Name: s.nameOf(entity)}
}

func (s *Server) hostArgument(host ref) types.HostEventArgument {
	return types.HostEventArgument{EntityEventArgument: s.argument(host), Host: host}
}

func (s *Server) datacenterArgument() *types.DatacenterEventArgument {
	datacenter := s.site.datacenter.Self
	return &types.DatacenterEventArgument{EntityEventArgument: s.argument(datacenter), Datacenter: datacenter}
}

func (s *Server) storeArgument(store ref) *types.DatastoreEventArgument {
	return &types.DatastoreEventArgument{EntityEventArgument: s.argument(store), Datastore: store}
}

func (s *Server) storeNamed(name string) *types.DatastoreEventArgument {
	return s.storeArgument(s.site.datastores[name].Self)
}

// postCreated posts the events of a VM that CreateVM_Task or an import has created.
func (s *Server) postCreated(by cause, vm *simulator.VirtualMachine, spec *types.VirtualMachineConfigSpec) {
	asked := copied(*spec)
	s.post(by, &types.VmBeingCreatedEvent{VmEvent: s.vmEvent(vm), ConfigSpec: &asked})
	s.postIdentity(by, vm)
	s.post(by, &types.VmCreatedEvent{VmEvent: s.vmEvent(vm)})
}

// postIdentity posts the events of the UUIDs of a new VM.
func (s *Server) postIdentity(by cause, vm *simulator.VirtualMachine) {
	var instance, bios string
	s.locked(vm, func(*simulator.Context) { instance, bios = vm.Config.InstanceUuid, vm.Config.Uuid })
	s.post(by, &types.VmInstanceUuidAssignedEvent{VmEvent: s.vmEvent(vm), InstanceUuid: instance})
	s.post(by, &types.VmUuidAssignedEvent{VmEvent: s.vmEvent(vm), Uuid: bios})
}

// postBeingCloned posts the event before a VM is cloned. For the deployment of a template see postDeployed.
func (s *Server) postBeingCloned(by cause, source *simulator.VirtualMachine, folder *simulator.Folder, name string, host ref) {
	s.post(by, &types.VmBeingClonedEvent{VmCloneEvent: types.VmCloneEvent{VmEvent: s.vmEvent(source)},
		DestFolder: types.FolderEventArgument{EntityEventArgument: s.argument(folder.Self), Folder: folder.Self},
		DestName:   name, DestHost: s.hostArgument(host)})
}

// postCloned posts the events of a clone.
func (s *Server) postCloned(by cause, source, clone *simulator.VirtualMachine) {
	s.postIdentity(by, clone)
	s.post(by, &types.VmClonedEvent{VmCloneEvent: types.VmCloneEvent{VmEvent: s.vmEvent(clone)}, SourceVm: *s.vmEvent(source).Vm})
}

// postDeployed posts the events of a VM that was deployed from a template.
func (s *Server) postDeployed(by cause, template, vm *simulator.VirtualMachine) {
	source := *s.vmEvent(template).Vm
	s.post(by, &types.VmBeingDeployedEvent{VmEvent: s.vmEvent(vm), SrcTemplate: source})
	s.postIdentity(by, vm)
	s.post(by, &types.VmDeployedEvent{VmEvent: s.vmEvent(vm), SrcTemplate: source})
}

// postReconfigured posts the events of a change of the configuration, and of a new name.
func (s *Server) postReconfigured(by cause, vm *simulator.VirtualMachine, spec *types.VirtualMachineConfigSpec, oldName string) {
	event := s.vmEvent(vm)
	if !onlyName(spec) {
		s.post(by, &types.VmReconfiguredEvent{VmEvent: event, ConfigSpec: copied(*spec)})
	}
	if name := event.Vm.Name; name != oldName {
		s.post(by, &types.VmRenamedEvent{VmEvent: s.vmEvent(vm), OldName: oldName, NewName: name})
	}
}

// postMoving posts the event of a move that begins. The VM is still at its source.
func (s *Server) postMoving(by cause, r *relocation) {
	event, to := s.vmEvent(r.vm), s.hostArgument(r.host.Self)
	datacenter, store := s.datacenterArgument(), s.storeNamed(r.home)
	switch {
	case r.movesFiles():
		s.post(by, &types.VmBeingRelocatedEvent{VmRelocateSpecEvent: types.VmRelocateSpecEvent{VmEvent: event},
			DestHost: to, DestDatacenter: datacenter, DestDatastore: store})
	case r.host.Self == r.from:
	case r.on:
		s.post(by, &types.VmBeingHotMigratedEvent{VmEvent: event, DestHost: to, DestDatacenter: datacenter, DestDatastore: store})
	default:
		s.post(by, &types.VmBeingMigratedEvent{VmEvent: event, DestHost: to, DestDatacenter: datacenter, DestDatastore: store})
	}
}

// postMoved posts the event of a completed move. before has the arguments of the VM before the move.
func (s *Server) postMoved(by cause, r *relocation, before types.VmEvent) {
	event := s.vmEvent(r.vm)
	migrated := types.VmMigratedEvent{VmEvent: event, SourceHost: *before.Host, SourceDatacenter: before.Datacenter, SourceDatastore: before.Ds}
	switch {
	case r.movesFiles():
		s.post(by, &types.VmRelocatedEvent{VmRelocateSpecEvent: types.VmRelocateSpecEvent{VmEvent: event},
			SourceHost: *before.Host, SourceDatacenter: before.Datacenter, SourceDatastore: before.Ds})
	case r.host.Self == r.from:
	case by.drs:
		s.post(by, &types.DrsVmMigratedEvent{VmMigratedEvent: migrated})
	default:
		s.post(by, &migrated)
	}
}

// The message ids of errors that ended a VM, by which clients distinguish them.
const (
	messageCrash     = "msg.gantry.lab.crash"
	messageReset     = "msg.gantry.lab.guestReset"
	messageBootReset = "msg.gantry.lab.guestResetAtBoot"
)

// postCrashed posts the events of a VM that ended without being powered off. On ESXi, a guest that resets itself boots
// again. The lab powers it off and reports the reset, so that a panicking kernel does not boot forever.
func (s *Server) postCrashed(vm *simulator.VirtualMachine, reason string, hasReported bool) {
	id, text := messageCrash, "The virtual machine "+reason+"."
	if reason == machine.OffReset {
		s.post(cause{}, &types.VmResettingEvent{VmEvent: s.vmEvent(vm)})
		id, text = messageReset, "The guest operating system reset itself, as a kernel that panics does. The lab has powered the virtual machine off."
		if !hasReported {
			id = messageBootReset
			text = "The guest operating system reset itself before it reported a status, as a kernel that panics at boot does " +
				"(for example with too little memory). The lab has powered the virtual machine off."
		}
	}
	s.post(cause{}, &types.VmMessageErrorEvent{VmEvent: s.vmEvent(vm), Message: text,
		MessageInfo: []types.VirtualMachineMessage{{Id: id, Text: text}}})
}

// postNotMoved posts the event of a move that failed after it had begun.
func (s *Server) postNotMoved(by cause, r *relocation, fault types.BaseMethodFault) {
	s.post(by, &types.VmFailedMigrateEvent{VmEvent: s.vmEvent(r.vm), DestHost: s.hostArgument(r.host.Self), Reason: *localized(fault),
		DestDatacenter: s.datacenterArgument(), DestDatastore: s.storeNamed(r.home)})
}
