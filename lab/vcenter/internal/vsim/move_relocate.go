// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// RelocateVM_Task: the destination of a VM, by the spec and the defaults of the API reference.

package vsim

import (
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/datastore"
	"gantry.invalid/lab/vcenter/internal/vim"
)

// relocation is a planned move.
type relocation struct {
	vm           *simulator.VirtualMachine
	on           bool
	from         ref
	host         *simulator.HostSystem
	pool         *ref
	folder       *simulator.Folder
	draft        *draft // the VM at its destination, with its current files
	home         string // the datastore of its configuration
	homeChanged  bool   // home is another datastore than the current one
	disks        []diskMove
	cardsChanged bool // a network adapter is moved to another network
	// The configurations of the snapshots with the new files, set when these exist.
	snapshots map[ref]types.VirtualMachineConfigInfo
}

// diskMove is a disk that is moved to another datastore.
type diskMove struct {
	disk  *types.VirtualDisk // of the draft
	store string
	child bool // its parent is not moved
	thin  bool
}

func (s *Server) relocateVM(ctx *simulator.Context, request *types.RelocateVM_Task) (soap.HasFault, types.BaseMethodFault) {
	vm := s.vm(request.This)
	return s.movingTask(ctx, vm, "RelocateVM_Task", func(by cause, progress func(int32)) types.BaseMethodFault {
		return s.relocate(by, vm, &request.Spec, progress)
	})
}

// relocate moves a VM. The caller holds the VM's operation lock.
func (s *Server) relocate(by cause, vm *simulator.VirtualMachine, spec *types.VirtualMachineRelocateSpec, progress func(int32)) types.BaseMethodFault {
	if spec.Service != nil {
		return s.relocateCrossVCenter(by, vm, spec)
	}
	r, fault := s.planRelocation(vm, spec)
	if fault != nil {
		return fault
	}
	if faults := s.findings(&r).errors(); len(faults) > 0 {
		r.draft.drop()
		return faults[0]
	}
	progress(progressChecked)
	return s.perform(by, &r, progress)
}

// planRelocation resolves a spec. Most of its faults are InvalidArgument: the spec is invalid or contradicts itself. A template
// is refused as MigrateVM_Task refuses it (unconfirmed).
func (s *Server) planRelocation(vm *simulator.VirtualMachine, spec *types.VirtualMachineRelocateSpec) (relocation, types.BaseMethodFault) {
	if s.isTemplate(vm) {
		return relocation{}, notSupported("A template cannot be moved: mark it as a virtual machine on the other host.")
	}
	r := relocation{vm: vm, draft: s.draftOf(vm)}
	r.on, r.home = r.draft.poweredOn, r.draft.home.Store
	_, pool, from := s.placed(vm)
	r.from, r.pool = from, &pool
	steps := []func(*relocation, *types.VirtualMachineRelocateSpec) types.BaseMethodFault{
		s.planStorage, s.planPool, s.planHost, s.planCards, s.planFolder,
	}
	for _, step := range steps {
		if fault := step(&r, spec); fault != nil {
			r.draft.drop()
			return r, fault
		}
	}
	return r, nil
}

// planPool resolves the pool: "If the argument is not supplied, the current resource pool of virtual machine is used."
// (VirtualMachineRelocateSpec.pool)
func (s *Server) planPool(r *relocation, spec *types.VirtualMachineRelocateSpec) types.BaseMethodFault {
	if spec.Pool == nil {
		return nil
	}
	if _, ok := s.registry.Get(*spec.Pool).(*simulator.ResourcePool); !ok {
		return invalidArgument("spec.pool")
	}
	r.pool = spec.Pool
	return nil
}

// planHost resolves the host: "if resource pool is not specified, current host is used; […] powered on, and the target pool
// represents a DRS-enabled cluster, a host selected by DRS is used; […] without DRS enabled, an InvalidArgument exception is
// thrown; […] powered off, a random compatible host is chosen." (VirtualMachineRelocateSpec.host) "InvalidArgument if the
// target host and target pool are not associated with the same compute resource" (MigrateVM_Task).
func (s *Server) planHost(r *relocation, spec *types.VirtualMachineRelocateSpec) types.BaseMethodFault {
	if spec.Host != nil {
		host, ok := s.registry.Get(*spec.Host).(*simulator.HostSystem)
		if !ok {
			return invalidArgument("spec.host")
		}
		if s.clusterOf(host.Self) != s.clusterOf(*r.pool) {
			return invalidArgument("spec.pool")
		}
		r.host = host
		return nil
	}
	r.host, _ = s.registry.Get(r.from).(*simulator.HostSystem)
	if s.clusterOf(r.from) == s.clusterOf(*r.pool) {
		return nil
	}
	chosen, fault := s.hostInto(r, spec)
	if fault != nil {
		return fault
	}
	r.host = chosen
	return nil
}

// hostInto chooses a host of the pool's cluster. The host need not have the networks from which the spec disconnects
// adapters.
func (s *Server) hostInto(r *relocation, spec *types.VirtualMachineRelocateSpec) (*simulator.HostSystem, types.BaseMethodFault) {
	cluster := s.clusterOf(*r.pool)
	if r.on && !vim.IsTrue(s.clusterConfig(cluster).DrsConfig.Enabled) {
		return nil, invalidArgument("spec.host")
	}
	config := r.reachedConfig()
	config.Hardware.Device = slices.DeleteFunc(config.Hardware.Device, func(device types.BaseVirtualDevice) bool {
		_, isCard := device.(types.BaseVirtualEthernetCard)
		return isCard && slices.ContainsFunc(spec.DeviceChange, func(change types.BaseVirtualDeviceConfigSpec) bool {
			changed := change.GetVirtualDeviceConfigSpec().Device
			return changed != nil && changed.GetVirtualDevice().Key == device.GetVirtualDevice().Key
		})
	})
	if !r.on {
		pool := s.registry.Get(*r.pool).(*simulator.ResourcePool)
		return s.hostFor(destination{pool: pool, store: r.home}, config)
	}
	s.load.mu.Lock()
	defer s.load.mu.Unlock()
	host, fault := s.choose(claimOf(r.vm.Self, config, *r.pool), config, nil, r.from)
	if fault != nil {
		return nil, fault
	}
	return s.registry.Get(host).(*simulator.HostSystem), nil
}

// planCards resolves the changes of network adapters: "For VirtualEthernetCard, it has to be used in
// VirtualDeviceConfigSpec.device to specify the target network backing. […] All other specification are ignored."
// (VirtualMachineRelocateSpec.deviceChange)
func (s *Server) planCards(r *relocation, spec *types.VirtualMachineRelocateSpec) types.BaseMethodFault {
	r.draft.host = r.host
	for index, base := range spec.DeviceChange {
		change := deviceChange{base.GetVirtualDeviceConfigSpec(), int32(index), nil}
		if _, isCard := change.Device.(types.BaseVirtualEthernetCard); !isCard {
			continue
		}
		if change.Operation != types.VirtualDeviceConfigSpecOperationEdit {
			return change.invalid("operation")
		}
		if fault := r.draft.editDevice(change); fault != nil {
			return fault
		}
		r.cardsChanged = true
	}
	return nil
}

// planFolder resolves the folder. A VM without a folder in the spec stays in its folder, as in a real vCenter if the VM
// stays in its datacenter.
func (s *Server) planFolder(r *relocation, spec *types.VirtualMachineRelocateSpec) types.BaseMethodFault {
	if spec.Folder == nil {
		return nil
	}
	folder, ok := s.registry.Get(*spec.Folder).(*simulator.Folder)
	if !ok || !holdsVMs(folder) {
		return invalidArgument("spec.folder")
	}
	r.folder = folder
	return nil
}

// planStorage resolves the datastores: "If not specified, the current datastore is used."
// (VirtualMachineRelocateSpec.datastore) A disk's locator overrides it.
func (s *Server) planStorage(r *relocation, spec *types.VirtualMachineRelocateSpec) types.BaseMethodFault {
	if spec.Datastore != nil {
		store, ok := s.registry.Get(*spec.Datastore).(*simulator.Datastore)
		if !ok {
			return invalidArgument("spec.datastore")
		}
		r.home = store.Name
		r.homeChanged = r.home != r.draft.home.Store
	}
	disks := disksOf(r.draft.config.Hardware.Device)
	for index, locator := range spec.Disk {
		if !slices.ContainsFunc(disks, func(disk *types.VirtualDisk) bool { return disk.Key == locator.DiskId }) {
			return invalidArgument(diskProperty(index, "diskId"))
		}
		if _, ok := s.registry.Get(locator.Datastore).(*simulator.Datastore); !ok {
			return invalidArgument(diskProperty(index, "datastore"))
		}
	}
	for _, disk := range disks {
		if fault := s.planDisk(r, spec, disk); fault != nil {
			return fault
		}
	}
	return nil
}

func (s *Server) planDisk(r *relocation, spec *types.VirtualMachineRelocateSpec, disk *types.VirtualDisk) types.BaseMethodFault {
	backing := disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo)
	move := diskMove{disk: disk, store: diskPath(disk).Store, thin: vim.IsTrue(backing.ThinProvisioned)}
	if spec.Datastore != nil {
		move.store = r.home
	}
	how := spec.DiskMoveType
	switch spec.Transform {
	case types.VirtualMachineRelocateTransformationSparse:
		move.thin = true
	case types.VirtualMachineRelocateTransformationFlat:
		move.thin = false
	}
	for _, locator := range spec.Disk {
		if locator.DiskId != disk.Key {
			continue
		}
		move.store = s.nameOf(locator.Datastore)
		if locator.DiskMoveType != "" {
			how = locator.DiskMoveType
		}
		if wanted, ok := locator.DiskBackingInfo.(*types.VirtualDiskFlatVer2BackingInfo); ok && wanted.ThinProvisioned != nil {
			move.thin = *wanted.ThinProvisioned
		}
	}
	var fault types.BaseMethodFault
	if move.child, fault = staysOnParent(how, backing, move.store); fault != nil || move.store == diskPath(disk).Store {
		return fault
	}
	r.disks = append(r.disks, move)
	return nil
}

// staysOnParent returns whether a moved disk keeps its parent: moving all backings consolidates them into one disk, unless
// sharing is allowed and the parent is on the target datastore. (VirtualMachineRelocateDiskMoveOptions)
func staysOnParent(how string, backing *types.VirtualDiskFlatVer2BackingInfo, store string) (bool, types.BaseMethodFault) {
	switch types.VirtualMachineRelocateDiskMoveOptions(how) {
	case "", types.VirtualMachineRelocateDiskMoveOptionsMoveAllDiskBackingsAndDisallowSharing,
		types.VirtualMachineRelocateDiskMoveOptionsMoveAllDiskBackingsAndConsolidate:
		return false, nil
	case types.VirtualMachineRelocateDiskMoveOptionsMoveAllDiskBackingsAndAllowSharing:
		if backing.Parent == nil {
			return false, nil
		}
		below, err := datastore.ParsePath(backing.Parent.FileName)
		return err == nil && below.Store == store, nil
	case types.VirtualMachineRelocateDiskMoveOptionsMoveChildMostDiskBacking:
		return backing.Parent != nil, nil
	case types.VirtualMachineRelocateDiskMoveOptionsCreateNewChildDiskBacking:
		return false, notSupported("The lab does not create a new child disk for a disk that it moves.")
	}
	return false, invalidArgument("spec.diskMoveType")
}

// movesFiles returns whether the move is a storage move.
func (r *relocation) movesFiles() bool {
	return len(r.disks) > 0 || r.homeChanged
}

// reachedConfig returns the configuration that the target host must be able to run.
func (r *relocation) reachedConfig() *types.VirtualMachineConfigInfo {
	stores := map[int32]string{}
	for _, move := range r.disks {
		stores[move.disk.Key] = move.store
	}
	config := copied(r.draft.config)
	moveConfig(&config, r.home, stores)
	return &config
}

// moveConfig changes a configuration to what a target host must be able to run: with its home and disks, by their keys, on
// other datastores, and without disconnected devices.
func moveConfig(config *types.VirtualMachineConfigInfo, home string, stores map[int32]string) {
	config.Files.VmPathName = datastore.Path{Store: home}.String()
	for _, disk := range disksOf(config.Hardware.Device) {
		if store, moves := stores[disk.Key]; moves {
			backing := disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo)
			backing.FileName = datastore.Path{Store: store, Relative: "moved.vmdk"}.String()
		}
	}
	config.Hardware.Device = slices.DeleteFunc(config.Hardware.Device, isDisconnected)
}

// isDisconnected returns true for a disconnected drive. A network adapter requires its network in any case.
func isDisconnected(device types.BaseVirtualDevice) bool {
	if _, isCard := device.(types.BaseVirtualEthernetCard); isCard {
		return false
	}
	connection := device.GetVirtualDevice().Connectable
	return connection != nil && !connection.Connected
}
