// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// RelocateVM_Task: the destination of a VM, by the spec and the defaults of the API reference.

package vsim

import (
	"slices"
	"strings"

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
	bases        []datastore.Path
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
	// The backings that are copied, the topmost first, and what the last of them is put on top of: nil if it has no parent
	// at the destination.
	copied []*types.VirtualDiskFlatVer2BackingInfo
	below  *datastore.Path
}

func (s *Server) relocateVM(ctx *simulator.Context, request *types.RelocateVM_Task) (soap.HasFault, types.BaseMethodFault) {
	vm := s.vm(request.This)
	return s.movingTask(ctx, vm, "RelocateVM_Task", s.moveCosts(vm, &request.Spec), func(by cause, progress func(int32)) types.BaseMethodFault {
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
	// The state of a suspended VM is no part of the move: all hosts of the lab have the same CPUs (suspendedRelocateSupported).
	r.on, r.home = s.powerState(vm) == types.VirtualMachinePowerStatePoweredOn, r.draft.home.Store
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
	for index, locator := range spec.Disk {
		if locator.DiskId != disk.Key {
			continue
		}
		move.store = s.nameOf(locator.Datastore)
		if locator.DiskMoveType != "" {
			how = locator.DiskMoveType
		}
		if wanted, ok := locator.DiskBackingInfo.(*types.VirtualDiskFlatVer2BackingInfo); ok && wanted.ThinProvisioned != nil {
			// Unconfirmed: the format of a disk whose parent is copied separately cannot be changed.
			if changes := *wanted.ThinProvisioned != move.thin; changes && backing.Parent != nil && how != string(types.VirtualMachineRelocateDiskMoveOptionsMoveAllDiskBackingsAndConsolidate) {
				return invalidArgument(diskProperty(index, "diskBackingInfo"))
			}
			move.thin = *wanted.ThinProvisioned
		}
	}
	if move.store == diskPath(disk).Store {
		return nil
	}
	if fault := s.checkVolumeMove(r, disk); fault != nil {
		return fault
	}
	if fault := s.planChain(&move, how, backing); fault != nil {
		return fault
	}
	r.disks = append(r.disks, move)
	return nil
}

// planChain plans which backings of a disk are copied: "All of the virtual disk's backings should be moved to the new
// datastore"; if sharing is allowed, "and there exists a read-only disk backing with the same content ID on the target
// datastore, then this disk backing may not be copied" (VirtualMachineRelocateDiskMoveOptions). The lab compares the contents of
// disks without a parent, and copies the others. Unconfirmed: RelocateVM_Task consolidates, which the reference promises for
// clones and MigrateVM_Task only.
func (s *Server) planChain(move *diskMove, how string, backing *types.VirtualDiskFlatVer2BackingInfo) types.BaseMethodFault {
	move.copied = []*types.VirtualDiskFlatVer2BackingInfo{backing}
	shares := false
	switch types.VirtualMachineRelocateDiskMoveOptions(how) {
	case types.VirtualMachineRelocateDiskMoveOptionsMoveAllDiskBackingsAndConsolidate:
		return nil
	case types.VirtualMachineRelocateDiskMoveOptionsMoveChildMostDiskBacking:
		move.below, move.child = parentPath(backing), backing.Parent != nil
		return nil
	case types.VirtualMachineRelocateDiskMoveOptionsMoveAllDiskBackingsAndAllowSharing:
		shares = true
	case "", types.VirtualMachineRelocateDiskMoveOptionsMoveAllDiskBackingsAndDisallowSharing:
	case types.VirtualMachineRelocateDiskMoveOptionsCreateNewChildDiskBacking:
		return notSupported("The lab does not create a new child disk for a disk that it moves.")
	default:
		return invalidArgument("spec.diskMoveType")
	}
	for below := backing.Parent; below != nil; below = below.Parent {
		if shares && below.Parent == nil {
			if move.below = s.readOnlyCopy(below, move.store); move.below != nil {
				break
			}
		}
		move.copied = append(move.copied, below)
	}
	return nil
}

// readOnlyCopy returns a disk on a datastore that has the same content as a disk without a parent, and that no VM writes to.
func (s *Server) readOnlyCopy(base *types.VirtualDiskFlatVer2BackingInfo, store string) *datastore.Path {
	source, err := datastore.ParsePath(base.FileName)
	if err != nil {
		return nil
	}
	for _, candidate := range s.readOnlyDisks(store) {
		same, err := s.stores.SameContent(source, candidate)
		logFailure(err, "a disk that could be shared", candidate)
		if same {
			return &candidate
		}
	}
	return nil
}

// readOnlyDisks returns the parents on a datastore that are not themselves the disk of a VM, in the order of their paths.
func (s *Server) readOnlyDisks(store string) []datastore.Path {
	written := map[datastore.Path]bool{}
	var parents []datastore.Path
	for _, entity := range s.registry.All("VirtualMachine") {
		vm, ok := entity.(*simulator.VirtualMachine)
		if !ok {
			continue
		}
		s.locked(vm, func(*simulator.Context) {
			for _, disk := range disksOf(vm.Config.Hardware.Device) {
				written[diskPath(disk)] = true
				backing := disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo)
				for below := parentPath(backing); below != nil; below = parentPath(backing) {
					parents, backing = append(parents, *below), backing.Parent
				}
			}
		})
	}
	slices.SortFunc(parents, func(a, b datastore.Path) int { return strings.Compare(a.String(), b.String()) })
	return slices.DeleteFunc(parents, func(disk datastore.Path) bool { return disk.Store != store || written[disk] })
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
