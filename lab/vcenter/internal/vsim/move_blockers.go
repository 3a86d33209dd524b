// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Blockers of a relocation. They are evaluated before a move and by the check methods, so that both report the same. The
// faults are those of the API reference: RelocateVM_Task has FileFault, InsufficientResourcesFault, InvalidDatastore,
// InvalidState, MigrationFault and VmConfigFault with those that extend them.

package vsim

import (
	"fmt"
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/datastore"
)

// finding is an error or a warning of one of the tests that clients may select (CheckTestType).
type finding struct {
	test    types.CheckTestType
	fault   types.BaseMethodFault
	warning bool
}

type findings []finding

func (f *findings) add(test types.CheckTestType, fault types.BaseMethodFault) {
	if fault != nil {
		*f = append(*f, finding{test: test, fault: fault})
	}
}

func (f *findings) warn(test types.CheckTestType, fault types.BaseMethodFault) {
	*f = append(*f, finding{test: test, fault: fault, warning: true})
}

func (f findings) errors() []types.BaseMethodFault {
	return f.faults(false)
}

func (f findings) faults(warnings bool) []types.BaseMethodFault {
	var faults []types.BaseMethodFault
	for _, found := range f {
		if found.warning == warnings {
			faults = append(faults, found.fault)
		}
	}
	return faults
}

// findings returns everything that prevents a relocation, the most severe first.
func (s *Server) findings(r *relocation) findings {
	var f findings
	s.findHostState(r, &f)
	s.findSource(r, &f)
	s.findStorage(r, &f)
	if r.host.Self != r.from || r.cardsChanged {
		s.findNetworks(r, &f)
	}
	if r.host.Self != r.from {
		f.add(types.CheckTestTypeHostTests, s.ruleFault(r.vm.Self, r.host.Self))
	}
	if len(f.errors()) == 0 {
		s.findCapacity(r, &f)
	}
	if r.folder != nil && *r.vm.Parent != r.folder.Self {
		if child := s.childNamed(r.folder.Self, r.draft.name); child != nil {
			f.add(types.CheckTestTypeSourceTests, &types.DuplicateName{Name: r.draft.name, Object: child.Reference()})
		}
	}
	return f
}

// findHostState checks the states of both hosts: "HostNotConnected: the operation is not allowed with a host that is not
// connected"; "InvalidHostState: the operation is not allowed on the host in its current state".
func (s *Server) findHostState(r *relocation, f *findings) {
	if source, ok := s.registry.Get(r.from).(*simulator.HostSystem); ok && source != r.host {
		f.add(types.CheckTestTypeSourceTests, s.disconnected(source))
	}
	if fault := s.disconnected(r.host); fault != nil {
		f.add(types.CheckTestTypeHostTests, fault)
		return
	}
	if r.host.Self != r.from && s.unavailable(r.host) {
		f.add(types.CheckTestTypeHostTests, invalidHostState(r.host, "is in maintenance mode or entering it"))
	}
}

func (s *Server) disconnected(host *simulator.HostSystem) types.BaseMethodFault {
	connected := false
	s.locked(host, func(*simulator.Context) {
		connected = host.Runtime.ConnectionState == types.HostSystemConnectionStateConnected
	})
	if connected {
		return nil
	}
	fault := &types.HostNotConnected{}
	because(&fault.MethodFault, fmt.Sprintf("Host %s is not connected.", host.Name))
	return fault
}

func invalidHostState(host *simulator.HostSystem, text string) types.BaseMethodFault {
	fault := &types.InvalidHostState{Host: &host.Self}
	because(&fault.MethodFault, fmt.Sprintf("Host %s %s.", host.Name, text))
	return fault
}

// findSource checks the VM independently of its destination. Devices of the host or of a client bind a running VM to its
// host: "RemoteDeviceNotSupported: the virtual machine is using a remote-backed device, which is not supported in the
// desired operation, for example a remote-backed CD-ROM or serial port during VMotion".
func (s *Server) findSource(r *relocation, f *findings) {
	if r.draft.frozen {
		f.add(types.CheckTestTypeSourceTests, r.splitsTree())
	}
	f.add(types.CheckTestTypeSourceTests, s.agentFault(r.vm.Self, "RelocateVM_Task"))
	if r.host.Self == r.from {
		return
	}
	for _, device := range r.draft.config.Hardware.Device {
		if fault := boundDevice(device); fault != nil && r.on {
			f.add(types.CheckTestTypeSourceTests, fault)
		} else if fault != nil {
			f.warn(types.CheckTestTypeSourceTests, fault)
		}
	}
}

// splitsTree returns the fault for a VM with snapshots whose files would not stay together:
// "SnapshotMoveToNonHomeNotSupported: the virtual machine has snapshots, and its disks are to be moved to where its home is
// not".
func (r *relocation) splitsTree() types.BaseMethodFault {
	disks := disksOf(r.draft.config.Hardware.Device)
	together := len(r.disks) == 0 && !r.homeChanged || len(r.disks) == len(disks) && r.homeChanged
	for _, move := range r.disks {
		together = together && move.store == r.home && !move.child
	}
	if together {
		return nil
	}
	fault := &types.SnapshotMoveToNonHomeNotSupported{}
	because(&fault.MethodFault, "The files of a virtual machine with snapshots can only be moved together to one datastore.")
	return fault
}

// boundDevice returns the fault of a device that exists only on the VM's current host.
func boundDevice(device types.BaseVirtualDevice) types.BaseMethodFault {
	base := device.GetVirtualDevice()
	if isSingle(device) || base.Connectable != nil && !base.Connectable.Connected || follows(device) {
		return nil
	}
	label := labelOf(device)
	notSupported := types.DeviceNotSupported{Device: label, Reason: string(types.DeviceNotSupportedReasonHost)}
	if _, isPassthrough := device.(*types.VirtualPCIPassthrough); isPassthrough {
		because(&notSupported.MethodFault, label+" uses a passthrough device of the host.")
		return &notSupported
	}
	if _, isCard := device.(types.BaseVirtualEthernetCard); isCard {
		return nil
	}
	switch base.Backing.(type) {
	case types.BaseVirtualDeviceURIBackingInfo, types.BaseVirtualDeviceRemoteDeviceBackingInfo:
		fault := &types.RemoteDeviceNotSupported{DeviceNotSupported: notSupported}
		because(&fault.MethodFault, label+" is connected to a remote device.")
		return fault
	case types.BaseVirtualDeviceDeviceBackingInfo, types.BaseVirtualDevicePipeBackingInfo:
		fault := &types.DeviceBackingNotSupported{DeviceNotSupported: notSupported, Backing: fmt.Sprintf("%T", base.Backing)}
		because(&fault.MethodFault, label+" is connected to a device of the host.")
		return fault
	}
	return nil
}

// follows returns true for a device of the host that another host can take over: "migrateSupported: whether the vGPU device
// is migration capable or not"; "to configure vMotion support for a virtual machine with a USB connection, use remote host
// backing". A USB device that is not connected binds nothing. That all DVX devices can be moved is unconfirmed.
func follows(device types.BaseVirtualDevice) bool {
	switch backing := device.GetVirtualDevice().Backing.(type) {
	case *types.VirtualPCIPassthroughVmiopBackingInfo:
		return backing.MigrateSupported == nil || *backing.MigrateSupported
	case *types.VirtualPCIPassthroughDvxBackingInfo, *types.VirtualUSBRemoteHostBackingInfo:
		return true
	}
	usb, isUSB := device.(*types.VirtualUSB)
	return isUSB && !usb.Connected
}

func labelOf(device types.BaseVirtualDevice) string {
	if info := device.GetVirtualDevice().DeviceInfo; info != nil {
		return info.GetDescription().Label
	}
	return fmt.Sprintf("device %d", device.GetVirtualDevice().Key)
}

// findStorage checks that the host reaches the VM's files: "CannotAccessVmConfig: the configuration file cannot be accessed
// from the host"; "CannotAccessVmDisk: the backing of a virtual disk cannot be accessed"; "CannotAccessVmDevice: [another
// device's]", which is only a warning if the device is not connected; "NoDiskSpace".
func (s *Server) findStorage(r *relocation, f *findings) {
	if fault := s.storeFault(r, r.home); fault != nil {
		if r.homeChanged {
			f.add(types.CheckTestTypeDatastoreTests, fault)
		} else {
			f.add(types.CheckTestTypeDatastoreTests, &types.CannotAccessVmConfig{Reason: *localized(fault),
				CannotAccessVmComponent: types.CannotAccessVmComponent{VmConfigFault: vmConfigCause(
					fmt.Sprintf("The virtual machine's configuration file %s cannot be reached. %s", r.draft.config.Files.VmPathName, faultText(fault)))}})
		}
	}
	for _, device := range r.draft.config.Hardware.Device {
		s.findBacking(r, device, f)
	}
	s.findRoom(r, f)
}

func (s *Server) findBacking(r *relocation, device types.BaseVirtualDevice, f *findings) {
	backing, ok := device.GetVirtualDevice().Backing.(types.BaseVirtualDeviceFileBackingInfo)
	if !ok {
		return
	}
	place, err := datastore.ParsePath(backing.GetVirtualDeviceFileBackingInfo().FileName)
	if err != nil {
		return // it names no file: the drive is empty
	}
	for _, move := range r.disks {
		if move.disk.Key == device.GetVirtualDevice().Key {
			f.add(types.CheckTestTypeDatastoreTests, s.storeFault(r, move.store))
			if !move.child {
				return
			}
		}
	}
	fault := s.storeFault(r, place.Store)
	if fault == nil {
		return
	}
	connection := device.GetVirtualDevice().Connectable
	unreachable := types.CannotAccessVmDevice{Device: labelOf(device), Backing: place.String(),
		Connected: connection == nil || connection.Connected}
	unreachable.VmConfigFault = vmConfigCause(fmt.Sprintf("%s uses %s. %s", unreachable.Device, place, faultText(fault)))
	if _, isDisk := device.(*types.VirtualDisk); isDisk {
		f.add(types.CheckTestTypeDatastoreTests, &types.CannotAccessVmDisk{CannotAccessVmDevice: unreachable, Fault: *localized(fault)})
	} else if unreachable.Connected {
		f.add(types.CheckTestTypeDatastoreTests, &unreachable)
	} else {
		f.warn(types.CheckTestTypeDatastoreTests, &unreachable)
	}
}

func vmConfigCause(text string) types.VmConfigFault {
	var fault types.VmConfigFault
	because(&fault.MethodFault, text)
	return fault
}

// storeFault checks the target datastore: "InvalidDatastore: the operation cannot be performed on the target datastores",
// which InaccessibleDatastore extends.
func (s *Server) storeFault(r *relocation, name string) types.BaseMethodFault {
	if fault := s.hostMounts(r.host, name); fault != nil {
		return fault
	}
	store := s.site.datastores[name]
	var summary types.DatastoreSummary
	s.locked(store, func(*simulator.Context) { summary = store.Summary })
	inside := summary.MaintenanceMode
	switch {
	case !summary.Accessible:
		fault := &types.InaccessibleDatastore{InvalidDatastore: types.InvalidDatastore{Datastore: &store.Self, Name: name}}
		because(&fault.MethodFault, fmt.Sprintf("Datastore %s is not accessible.", name))
		return fault
	case inside != "" && inside != string(types.DatastoreSummaryMaintenanceModeStateNormal) && name != r.draft.home.Store:
		fault := &types.InvalidDatastoreState{DatastoreName: name}
		because(&fault.MethodFault, fmt.Sprintf("Datastore %s is in maintenance mode.", name))
		return fault
	}
	return nil
}

// findRoom checks that the datastores have space for the files that will be copied.
func (s *Server) findRoom(r *relocation, f *findings) {
	needed, counted := map[string]int64{}, map[datastore.Path]bool{}
	for _, move := range r.disks {
		for number, backing := range move.copied {
			source := sourceOf(backing)
			if counted[source] {
				continue
			}
			counted[source] = true
			alone := number < len(move.copied)-1 || move.below != nil
			size, err := s.stores.Footprint(source, alone)
			if err != nil {
				f.add(types.CheckTestTypeDatastoreTests, fileFault(source, err))
				continue
			}
			if number == 0 && !move.thin && !alone {
				size = move.disk.CapacityInBytes
			}
			needed[move.store] += size
		}
	}
	for name, size := range needed {
		if store := s.stores.Named(name); store != nil {
			if err := store.Require(size); err != nil {
				f.add(types.CheckTestTypeDatastoreTests, fileFault(storePath(name), err))
			}
		}
	}
}

// findNetworks checks the networks of the host: "CannotAccessNetwork: a NIC is connected to a network that the host does not
// have".
func (s *Server) findNetworks(r *relocation, f *findings) {
	var there []ref
	s.locked(r.host, func(*simulator.Context) { there = slices.Clone(r.host.Network) })
	for _, card := range cardsOf(r.draft.config.Hardware.Device) {
		network, name := s.networkOf(card)
		if slices.Contains(there, network) {
			continue
		}
		fault := &types.CannotAccessNetwork{Network: &network, CannotAccessVmDevice: types.CannotAccessVmDevice{
			Device: labelOf(card), Backing: name, Connected: card.Connectable == nil || card.Connectable.Connected}}
		fault.VmConfigFault = vmConfigCause(fmt.Sprintf("%s is connected to network %s, which host %s does not have.",
			fault.Device, name, r.host.Name))
		f.add(types.CheckTestTypeNetworkTests, fault)
	}
}

// findCapacity checks host and pool: "InsufficientResourcesFault: this operation would violate a resource usage policy".
// Only a powered-on VM needs resources.
func (s *Server) findCapacity(r *relocation, f *findings) {
	if !r.on {
		return
	}
	config := r.reachedConfig()
	s.load.mu.Lock()
	defer s.load.mu.Unlock()
	before, admitted := s.load.admitted[r.vm.Self]
	if !admitted {
		return
	}
	after := before
	after.Host, after.pool = r.host.Self, *r.pool
	test := types.CheckTestTypeHostTests
	if before.Host == after.Host {
		test = types.CheckTestTypeResourcePoolTests
	}
	f.add(test, s.admitsMove(r.host, before, after, config))
}
