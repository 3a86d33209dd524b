// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// CloneVM_Task: full clones, and linked clones whose disks are children of their source's.

package vsim

import (
	"github.com/google/uuid"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/datastore"
)

func (s *Server) cloneVM(ctx *simulator.Context, request *types.CloneVM_Task) (soap.HasFault, types.BaseMethodFault) {
	source := s.vm(request.This)
	limits, host := s.enterClone(source, request)
	return s.taskWithin(limits, ctx, request.This, "CloneVM_Task", func(by cause) (types.AnyType, types.BaseMethodFault) {
		lock := s.operations.of(source.Self)
		lock.RLock()
		defer lock.RUnlock()
		if s.vm(source.Self) != source {
			return nil, &types.ManagedObjectNotFound{Obj: source.Self}
		}
		clone, fault := s.clone(by, source, request, host)
		if fault != nil {
			return nil, fault
		}
		if request.Spec.PowerOn && !request.Spec.Template {
			on := s.exclusive(clone, func(by cause) (types.AnyType, types.BaseMethodFault) { return nil, s.powerOn(by, clone, nil) })
			if _, fault := on(by); fault != nil {
				return nil, fault
			}
		}
		return clone.Self, nil
	})
}

// enterClone chooses the host of a clone and takes its units there. It returns no host if the clone will be refused.
func (s *Server) enterClone(source *simulator.VirtualMachine, request *types.CloneVM_Task) (*operation, *ref) {
	config, pool, _ := s.placed(source)
	base := cloneBase{config: config, pool: &pool, isTemplate: config.Template}
	to, fault := s.resolve(request.Folder, base.poolFor(&request.Spec), request.Spec.Location.Host)
	if fault == nil {
		to.store, fault = s.cloneStore(config, request.Spec.Location.Datastore)
	}
	if fault != nil {
		return s.units.enter(oneOperation()), nil
	}
	// Clones that begin at the same time go to different hosts.
	s.placing.Lock()
	defer s.placing.Unlock()
	host, fault := s.hostFor(to, config)
	if fault != nil {
		return s.units.enter(oneOperation()), nil
	}
	return s.units.enter(s.cloneCosts(source, &request.Spec, host.Self)), &host.Self
}

// clone clones a VM onto a host, which is nil if none was found before.
func (s *Server) clone(by cause, source *simulator.VirtualMachine, request *types.CloneVM_Task, host *ref) (*simulator.VirtualMachine, types.BaseMethodFault) {
	spec := &request.Spec
	if spec.Customization != nil {
		return nil, notSupported("The lab does not customize guests.")
	}
	base, fault := s.cloneSource(source, spec.Snapshot)
	if fault != nil {
		return nil, fault
	}
	if host, ok := s.registry.Get(s.hostOf(source)).(*simulator.HostSystem); ok {
		// The host of the source reads the disks, also if the clone is on another one.
		if fault := s.hostTakes(host); fault != nil {
			return nil, fault
		}
	}
	to, fault := s.resolve(request.Folder, base.poolFor(spec), spec.Location.Host)
	if fault != nil {
		return nil, fault
	}
	name := escaped(request.Name)
	release, fault := s.takeName(to.folder.Self, name)
	if fault != nil {
		return nil, fault
	}
	defer release()
	if to.store, fault = s.cloneStore(base.config, spec.Location.Datastore); fault != nil {
		return nil, fault
	}
	d := &draft{server: s, name: name, home: datastore.Path{Store: to.store, Relative: name}, config: *base.config}
	if d.host, fault = s.hostForClone(to, base.config, host); fault != nil {
		return nil, fault
	}
	deploys := base.isTemplate && !spec.Template
	if !deploys {
		s.postBeingCloned(by, source, to.folder, name, d.host.Self)
	}
	if fault = d.fillClone(base, spec); fault != nil {
		d.drop()
		return nil, fault
	}
	d.config.Template = spec.Template
	pool := &to.pool.Self
	if spec.Template {
		pool = nil
	}
	clone := s.publishNew(d, to.folder, pool)
	if deploys {
		s.postDeployed(by, source, clone)
	} else {
		s.postCloned(by, source, clone)
	}
	return clone, nil
}

// hostForClone returns the host that was chosen before, or another one if it cannot take the clone any more.
func (s *Server) hostForClone(to destination, config *types.VirtualMachineConfigInfo, before *ref) (*simulator.HostSystem, types.BaseMethodFault) {
	if before != nil {
		chosen := to
		chosen.host = before
		if host, fault := s.hostFor(chosen, config); fault == nil {
			return host, nil
		}
	}
	return s.hostFor(to, config)
}

// cloneBase is the state of the source that is cloned.
type cloneBase struct {
	config     *types.VirtualMachineConfigInfo // a copy
	pool       *ref
	isTemplate bool
	isOn       bool
	snapshot   bool
}

// cloneSource returns the source in its current state, or in that of a snapshot.
func (s *Server) cloneSource(source *simulator.VirtualMachine, snapshot *ref) (cloneBase, types.BaseMethodFault) {
	var base cloneBase
	s.locked(source, func(*simulator.Context) {
		config := copied(*source.Config)
		// The values that were set while the source runs are in no file that is copied.
		config.ExtraConfig = s.overlays.persistent(source.Self, config.ExtraConfig)
		base = cloneBase{config: &config, pool: source.ResourcePool, isTemplate: source.Config.Template,
			isOn: source.Runtime.PowerState != types.VirtualMachinePowerStatePoweredOff}
	})
	if snapshot == nil {
		return base, nil
	}
	taken, ok := s.registry.Get(*snapshot).(*simulator.VirtualMachineSnapshot)
	if !ok || taken.Vm != source.Self {
		return base, invalidArgument("spec.snapshot")
	}
	config := copied(taken.Config)
	base.config, base.snapshot = &config, true
	return base, nil
}

// poolFor returns the pool of the spec, or the source's. A template has none.
func (b cloneBase) poolFor(spec *types.VirtualMachineCloneSpec) *ref {
	if spec.Location.Pool != nil {
		return spec.Location.Pool
	}
	if b.isTemplate {
		return nil
	}
	return b.pool
}

func (s *Server) cloneStore(config *types.VirtualMachineConfigInfo, wanted *ref) (string, types.BaseMethodFault) {
	if wanted == nil {
		return homeOf(config).Store, nil
	}
	store, ok := s.registry.Get(*wanted).(*simulator.Datastore)
	if !ok {
		return "", invalidArgument("spec.location.datastore")
	}
	return store.Name, nil
}

// fillClone creates the clone's files and sets its own identity and devices.
func (d *draft) fillClone(base cloneBase, spec *types.VirtualMachineCloneSpec) types.BaseMethodFault {
	now := d.server.clock.Now()
	d.config.Uuid, d.config.InstanceUuid, d.config.CreateDate = uuid.NewString(), uuid.NewString(), &now
	d.config.Template, d.config.ManagedBy = false, nil
	if fault := d.makeHome(); fault != nil {
		return fault
	}
	for _, disk := range disksOf(d.config.Hardware.Device) {
		if fault := d.cloneDisk(base, &spec.Location, disk); fault != nil {
			return fault
		}
	}
	for index, device := range d.config.Hardware.Device {
		card, ok := device.(types.BaseVirtualEthernetCard)
		if !ok {
			continue
		}
		if address := card.GetVirtualEthernetCard(); !hasType(address, types.VirtualEthernetCardMacTypeManual) {
			address.MacAddress = ""
		}
		if backing, ok := card.GetVirtualEthernetCard().Backing.(*types.VirtualEthernetCardDistributedVirtualPortBackingInfo); ok {
			backing.Port.PortKey = "" // the source keeps its port
		}
		change := deviceChange{&types.VirtualDeviceConfigSpec{Device: device}, int32(index), nil}
		if _, fault := d.configureCard(change, card.GetVirtualEthernetCard()); fault != nil {
			return fault
		}
	}
	if fault := d.apply(&types.VirtualMachineConfigSpec{DeviceChange: spec.Location.DeviceChange}); fault != nil {
		return fault
	}
	if spec.Config == nil {
		return nil
	}
	return d.apply(spec.Config)
}

// cloneDisk creates a disk of the clone, as a child or a copy as the spec requests.
func (d *draft) cloneDisk(base cloneBase, location *types.VirtualMachineRelocateSpec, disk *types.VirtualDisk) types.BaseMethodFault {
	disk.VDiskId = nil // a copy is an ordinary disk
	backing := disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo)
	source := diskPath(disk)
	place := d.server.freeDiskPath(d.home, d.name, "%s_%d.vmdk")
	parent, fault := linkedParent(base, location, disk)
	if fault != nil {
		return fault
	}
	if parent != nil {
		return d.makeChild(disk, backing, place, *parent, datastore.NewUUID())
	}
	if base.isOn && !base.snapshot {
		fault := &types.InvalidPowerState{ExistingState: types.VirtualMachinePowerStatePoweredOn,
			RequestedState: types.VirtualMachinePowerStatePoweredOff}
		because(&fault.MethodFault, "The lab copies the disks of a virtual machine only if it is powered off, or from a snapshot.")
		return fault
	}
	thin := backing.ThinProvisioned != nil && *backing.ThinProvisioned
	switch location.Transform {
	case types.VirtualMachineRelocateTransformationSparse:
		thin = true
	case types.VirtualMachineRelocateTransformationFlat:
		thin = false
	}
	if err := d.server.stores.CopyDisk(source, place, thin, datastore.NewUUID()); err != nil {
		return fileFault(place, err)
	}
	d.removeDiskOnDrop(place)
	return d.describeDisk(disk, backing, place)
}

// linkedParent returns the parent of a linked clone's disk, or nil for a full copy.
func linkedParent(base cloneBase, location *types.VirtualMachineRelocateSpec, disk *types.VirtualDisk) (*datastore.Path, types.BaseMethodFault) {
	move := location.DiskMoveType
	for _, locator := range location.Disk {
		if locator.DiskId == disk.Key && locator.DiskMoveType != "" {
			move = locator.DiskMoveType
		}
	}
	own := diskPath(disk)
	switch types.VirtualMachineRelocateDiskMoveOptions(move) {
	case "", types.VirtualMachineRelocateDiskMoveOptionsMoveAllDiskBackingsAndDisallowSharing,
		types.VirtualMachineRelocateDiskMoveOptionsMoveAllDiskBackingsAndConsolidate:
		return nil, nil
	case types.VirtualMachineRelocateDiskMoveOptionsCreateNewChildDiskBacking:
		// Without a snapshot, the source would continue writing to the parent of its clones' disks.
		if !base.snapshot {
			return nil, invalidArgument("spec.snapshot")
		}
		return &own, nil
	case types.VirtualMachineRelocateDiskMoveOptionsMoveAllDiskBackingsAndAllowSharing:
		if base.snapshot || base.isTemplate {
			return &own, nil
		}
		return nil, nil
	case types.VirtualMachineRelocateDiskMoveOptionsMoveChildMostDiskBacking:
		// A real vCenter copies the topmost disk and shares those below. Sharing the topmost disk too has the same content
		// for the clone.
		if base.snapshot {
			return &own, nil
		}
		return nil, nil
	}
	return nil, invalidArgument("spec.location.diskMoveType")
}
