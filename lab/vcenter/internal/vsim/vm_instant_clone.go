// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// InstantClone_Task: a running VM is forked. The state of memory and devices is saved once and restored twice, and the disks
// become the parents of a new disk for each of the two VMs. (VirtualMachineInstantCloneSpec: the location may have a folder,
// a datastore, a resource pool and edits of network adapters; "All other settings are NOT supported.")

package vsim

import (
	"fmt"
	"reflect"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/datastore"
	"gantry.invalid/lab/vcenter/internal/machine"
)

func (s *Server) instantCloneVM(ctx *simulator.Context, request *types.InstantClone_Task) (soap.HasFault, types.BaseMethodFault) {
	source := s.vm(request.This)
	limits := s.units.enter(oneOperation().plus(hostUnits, s.hostOf(source), linkedCloneOnHost))
	return s.taskWithin(limits, ctx, source.Self, "InstantClone_Task", s.exclusive(source, func(by cause) (types.AnyType, types.BaseMethodFault) {
		clone, fault := s.instantClone(by, source, &request.Spec)
		if fault != nil {
			return nil, fault
		}
		return clone.Self, nil
	}))
}

// instantClone clones a VM. The caller holds the source's operation lock.
func (s *Server) instantClone(by cause, source *simulator.VirtualMachine, spec *types.VirtualMachineInstantCloneSpec) (*simulator.VirtualMachine, types.BaseMethodFault) {
	to, fault := s.instantCloneDestination(source, spec)
	if fault != nil {
		return nil, fault
	}
	name := escaped(spec.Name)
	release, fault := s.takeName(to.folder.Self, name)
	if fault != nil {
		return nil, fault
	}
	defer release()
	continued := s.draftOf(source)
	for _, disk := range disksOf(continued.config.Hardware.Device) {
		if disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo).DiskMode != string(types.VirtualDiskModePersistent) {
			return nil, notSupported("An independent disk cannot have child disks.")
		}
	}
	twin := &draft{server: s, name: name, home: datastore.Path{Store: to.store, Relative: name}, host: continued.host, config: copied(continued.config)}
	if fault = twin.fillInstantClone(continued, spec); fault == nil {
		fault = continued.childDisks()
	}
	if fault != nil {
		twin.drop()
		continued.drop()
		return nil, fault
	}
	s.postBeingCloned(by, source, to.folder, name, continued.host.Self)
	clone := s.publishNew(twin, to.folder, &to.pool.Self)
	lock := s.operations.of(clone.Self)
	lock.Lock()
	defer lock.Unlock()
	bases := s.ownDisks(source)
	if fault := s.fork(source, continued, clone); fault != nil {
		logRemoval(s.destroy(by, clone), name)
		continued.drop()
		return nil, fault
	}
	// The parents belong to no VM any more. They are removed with their last child.
	for _, base := range bases {
		s.diskUse.addOrphan(base)
	}
	s.postCloned(by, source, clone)
	return clone, nil
}

// instantCloneDestination checks that the source can be forked, and returns the clone's destination, which has the source's
// host.
func (s *Server) instantCloneDestination(source *simulator.VirtualMachine, spec *types.VirtualMachineInstantCloneSpec) (destination, types.BaseMethodFault) {
	var state types.VirtualMachinePowerState
	var pool *ref
	var host, folder ref
	var home string
	var hasSnapshots, isTemplate bool
	s.locked(source, func(*simulator.Context) {
		state, pool, host, folder = source.Runtime.PowerState, source.ResourcePool, *source.Runtime.Host, *source.Parent
		home, hasSnapshots, isTemplate = homeOf(source.Config).Store, source.Snapshot != nil, source.Config.Template
	})
	location := &spec.Location
	switch {
	case isTemplate:
		return destination{}, notSupported("A template cannot be instantly cloned.")
	case state != types.VirtualMachinePowerStatePoweredOn:
		return destination{}, wrongPowerState(state, types.VirtualMachinePowerStatePoweredOn)
	case hasSnapshots:
		return destination{}, notSupported("The lab does not instantly clone virtual machines with snapshots.")
	case !onlyLocates(location):
		return destination{}, notSupported("The location of an instant clone may only set folder, datastore, pool and network adapters.")
	}
	if location.Pool != nil {
		pool = location.Pool
	}
	if location.Folder != nil {
		folder = *location.Folder
	}
	// The pool must be in the cluster of the source's host.
	to, fault := s.resolve(folder, pool, &host)
	if fault != nil {
		return to, fault
	}
	to.store = home
	if location.Datastore == nil {
		return to, nil
	}
	store, ok := s.registry.Get(*location.Datastore).(*simulator.Datastore)
	if !ok {
		return to, invalidArgument("spec.location.datastore")
	}
	to.store = store.Name
	return to, s.hostMounts(s.registry.Get(host).(*simulator.HostSystem), to.store)
}

// onlyLocates returns true for a location with only the settings that an instant clone supports.
func onlyLocates(location *types.VirtualMachineRelocateSpec) bool {
	for _, change := range location.DeviceChange {
		edited := change.GetVirtualDeviceConfigSpec()
		_, isCard := edited.Device.(types.BaseVirtualEthernetCard)
		if !isCard || edited.Operation != types.VirtualDeviceConfigSpecOperationEdit {
			return false
		}
	}
	return reflect.DeepEqual(*location, types.VirtualMachineRelocateSpec{Folder: location.Folder, Datastore: location.Datastore,
		Pool: location.Pool, DeviceChange: location.DeviceChange})
}

// fillInstantClone creates the clone's files and sets its own properties. Its disks are children of the source's previous
// disks.
func (d *draft) fillInstantClone(source *draft, spec *types.VirtualMachineInstantCloneSpec) types.BaseMethodFault {
	base := cloneBase{config: &source.config, isOn: true, snapshot: true}
	location := types.VirtualMachineRelocateSpec{DeviceChange: spec.Location.DeviceChange,
		DiskMoveType: string(types.VirtualMachineRelocateDiskMoveOptionsCreateNewChildDiskBacking)}
	config := &types.VirtualMachineConfigSpec{ExtraConfig: spec.Config, Uuid: spec.BiosUuid}
	return d.fillClone(base, &types.VirtualMachineCloneSpec{Location: location, Config: config})
}

// fork forks the guest: the source continues with its new disks, and the clone starts.
func (s *Server) fork(source *simulator.VirtualMachine, continued *draft, clone *simulator.VirtualMachine) types.BaseMethodFault {
	host := s.hostOf(clone)
	if _, fault := s.admit(clone, &host); fault != nil {
		return fault
	}
	running, fault := s.machineSpec(source)
	if fault != nil {
		s.endAdmission(clone.Self)
		return fault
	}
	first, fault := s.withDisksOf(running, &continued.config)
	if fault == nil {
		running, fault = s.withDisksOf(running, clone.Config)
	}
	if fault != nil {
		s.endAdmission(clone.Self)
		return fault
	}
	second := running
	second.ID, second.Name, second.NICs = clone.Self.Value, clone.Name, s.nicsOf(clone.Config, s.hostOf(clone))
	second.GuestInfo = guestInfoOf(clone.Config)
	begun := s.runs.begin(clone)
	move, err := s.hypervisor.Fork(source.Self.Value, first, second)
	if err != nil {
		begun.failed = true
		close(begun.shown)
		s.runs.end(clone.Self.Value, begun)
		s.endAdmission(clone.Self)
		return systemError(fmt.Sprintf("Forking virtual machine %s failed. It continues unchanged: %v.", running.Name, err))
	}
	s.moves.add(source.Self, MoveRecord{From: first.Host, To: first.Host, Mode: move.Mode, PauseSeconds: move.Pause.Seconds()})
	s.publishChange(source, continued)
	s.overlays.adopt(clone.Self, s.overlays.of(source.Self))
	s.showForked(source, clone)
	close(begun.shown)
	return nil
}

// withDisksOf returns the specification of a running VM with the disks of a configuration.
func (s *Server) withDisksOf(spec machine.Spec, config *types.VirtualMachineConfigInfo) (machine.Spec, types.BaseMethodFault) {
	spec.Disks = nil
	for _, disk := range disksOf(config.Hardware.Device) {
		if fault := s.addDisk(&spec, config, disk); fault != nil {
			return spec, fault
		}
	}
	return spec, nil
}

// showForked publishes the clone as running. Its guest information is that of the source without the network.
func (s *Server) showForked(source, clone *simulator.VirtualMachine) {
	var guest types.GuestInfo
	s.locked(source, func(*simulator.Context) { guest = copied(*source.Guest) })
	guest.Net, guest.IpAddress = nil, ""
	now := s.clock.Now()
	s.locked(clone, func(ctx *simulator.Context) {
		config := *clone.Config
		config.Hardware.Device = connected(config.Hardware.Device, true)
		clone.Config = &config
		ctx.Update(clone, append(powerChanges(types.VirtualMachinePowerStatePoweredOn),
			set("runtime.bootTime", now), set("summary.runtime.bootTime", now),
			set("runtime.cleanPowerOff", false), set("config.hardware.device", config.Hardware.Device)))
		showGuest(ctx, clone, &guest)
	})
}
