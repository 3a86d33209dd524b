// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// First Class Disks as devices of virtual machines: attaching, detaching, and what becomes of them with the VM.

package vsim

import (
	"fmt"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/datastore"
)

// attachVolume adds a disk to a VM. A disk that a VM uses is refused with ResourceInUse (vsphere-csi-driver, AttachVolume in
// pkg/common/cns-lib/volume/manager.go).
func (s *Server) attachVolume(ctx *simulator.Context, request *types.AttachDisk_Task) (soap.HasFault, types.BaseMethodFault) {
	vm := s.vm(request.This)
	return s.task(ctx, vm.Self, "AttachDisk_Task", s.exclusive(vm, func(by cause) (types.AnyType, types.BaseMethodFault) {
		found, fault := s.volumeOf(request.Datastore, request.DiskId)
		if fault != nil {
			return nil, fault
		}
		s.sleep(s.Behavior().attachDelay())
		found.working.Lock()
		defer found.working.Unlock()
		if !s.volumes.has(found) {
			return nil, noVolume(found.id)
		}
		if user := s.userOf(found); user != nil {
			fault := &types.ResourceInUse{Type: "VStorageObject", Name: found.id}
			because(&fault.MethodFault, fmt.Sprintf("The virtual storage object is attached to %s.", s.nameOf(user.Self)))
			return nil, fault
		}
		controller, fault := s.controllerFor(vm, request.ControllerKey)
		if fault != nil {
			return nil, fault
		}
		disk := &types.VirtualDisk{VDiskId: &types.ID{Id: found.id}}
		disk.Key, disk.ControllerKey, disk.UnitNumber = -1, controller, request.UnitNumber
		disk.Backing = &types.VirtualDiskFlatVer2BackingInfo{DiskMode: string(types.VirtualDiskModePersistent)}
		return nil, s.reconfigure(by, vm, &types.VirtualMachineConfigSpec{DeviceChange: []types.BaseVirtualDeviceConfigSpec{
			&types.VirtualDeviceConfigSpec{Operation: types.VirtualDeviceConfigSpecOperationAdd, Device: disk}}})
	}))
}

// sleep waits, unless the lab is closed.
func (s *Server) sleep(duration time.Duration) {
	over := make(chan struct{})
	timer := s.clock.AfterFunc(duration, func() { close(over) })
	defer timer.Stop()
	select {
	case <-s.closing:
	case <-over:
	}
}

// controllerFor returns the controller that a call names, or the only SCSI or SATA controller of the VM ("if there are multiple, user must
// specify the controller; if there is no available controller, a MissingController fault will be thrown").
func (s *Server) controllerFor(vm *simulator.VirtualMachine, asked int32) (int32, types.BaseMethodFault) {
	if asked != 0 {
		return asked, nil
	}
	var keys []int32
	for _, device := range s.draftOf(vm).config.Hardware.Device {
		if bus := busOf(device); bus == &scsiBus || bus == &sataBus {
			keys = append(keys, device.GetVirtualDevice().Key)
		}
	}
	switch len(keys) {
	case 1:
		return keys[0], nil
	case 0:
		return 0, &types.MissingController{}
	}
	return 0, invalidArgument("controllerKey")
}

// detachVolume removes a disk from a VM and keeps its files.
func (s *Server) detachVolume(ctx *simulator.Context, request *types.DetachDisk_Task) (soap.HasFault, types.BaseMethodFault) {
	vm := s.vm(request.This)
	return s.task(ctx, vm.Self, "DetachDisk_Task", s.exclusive(vm, func(by cause) (types.AnyType, types.BaseMethodFault) {
		for _, disk := range disksOf(s.draftOf(vm).config.Hardware.Device) {
			if isVolume(disk, request.DiskId.Id) {
				return nil, s.reconfigure(by, vm, &types.VirtualMachineConfigSpec{DeviceChange: []types.BaseVirtualDeviceConfigSpec{
					&types.VirtualDeviceConfigSpec{Operation: types.VirtualDeviceConfigSpecOperationRemove, Device: disk}}})
			}
		}
		return nil, noVolume(request.DiskId.Id)
	}))
}

func isVolume(disk *types.VirtualDisk, id string) bool {
	return disk.VDiskId != nil && disk.VDiskId.Id == id
}

// identify finds the First Class Disk that a new device of a VM is: by the id in the spec, or by the file.
func (d *draft) identify(change deviceChange, disk *types.VirtualDisk, backing *types.VirtualDiskFlatVer2BackingInfo) types.BaseMethodFault {
	volumes := &d.server.volumes
	if disk.VDiskId == nil {
		place, _, fault := d.locate(backing.FileName)
		if found := volumes.at(place); fault == nil && found != nil {
			disk.VDiskId = &types.ID{Id: found.id}
		}
		return fault
	}
	for _, one := range volumes.all() {
		if one.id == disk.VDiskId.Id {
			volumes.change(func() { backing.FileName = one.place.String() })
			return nil
		}
	}
	return change.invalid("device.vDiskId")
}

// checkDetach refuses to remove a First Class Disk while a snapshot of the VM holds it. (vsphere-csi-driver issue 478: "Invalid
// configuration for device '0'".)
func (d *draft) checkDetach(change deviceChange, disk *types.VirtualDisk) types.BaseMethodFault {
	if disk.VDiskId == nil || !d.frozen {
		return nil
	}
	for _, config := range d.server.configs(d.server.vm(d.vm))[1:] {
		for _, held := range disksOf(config.Hardware.Device) {
			if isVolume(held, disk.VDiskId.Id) {
				return change.invalid("device")
			}
		}
	}
	return nil
}

// noteDisks records which files the VM uses. The files of a First Class Disk change with snapshots and moves of its VM.
func (s *Server) noteDisks(vm *simulator.VirtualMachine) {
	s.diskUse.set(vm.Self, s.diskPaths(vm))
	for _, disk := range disksOf(s.configs(vm)[0].Hardware.Device) {
		if disk.VDiskId == nil {
			continue
		}
		s.volumes.change(func() {
			if known := s.volumes.byID[disk.VDiskId.Id]; known != nil {
				known.place, known.capacity = diskPath(disk), disk.CapacityInBytes
			}
		})
	}
}

// showVolume shows the files and the size of a disk in the VM that uses it, if there is one.
func (s *Server) showVolume(v *volume, user *simulator.VirtualMachine) types.BaseMethodFault {
	if user == nil {
		return nil
	}
	d := s.draftOf(user)
	for _, disk := range disksOf(d.config.Hardware.Device) {
		if isVolume(disk, v.id) {
			if fault := d.describeDisk(disk, disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo), v.place); fault != nil {
				return fault
			}
		}
	}
	s.publishChange(user, d)
	return nil
}

// outlives returns whether a disk is kept when its VM is destroyed (control flag keepAfterDeleteVm).
func (s *Server) outlives(disk *types.VirtualDisk) (kept bool) {
	if disk.VDiskId == nil {
		return false
	}
	s.volumes.change(func() {
		known := s.volumes.byID[disk.VDiskId.Id]
		kept = known != nil && known.flags[types.VslmVStorageObjectControlFlagKeepAfterDeleteVm]
	})
	return kept
}

// dropVolumes removes the disks from the catalog whose files are removed with their VM.
func (s *Server) dropVolumes(gone []datastore.Path) {
	for _, place := range gone {
		if known := s.volumes.at(place); known != nil {
			s.volumes.remove(known)
		}
	}
}

// checkVolumeMove refuses to move several First Class Disks at a time (vsphere-csi-driver issue 1192), and one with snapshots of its own.
func (s *Server) checkVolumeMove(r *relocation, disk *types.VirtualDisk) types.BaseMethodFault {
	if disk.VDiskId == nil {
		return nil
	}
	for _, move := range r.disks {
		if move.disk.VDiskId != nil {
			return notSupported("Only one virtual storage object of a virtual machine can be moved to another datastore at a time.")
		}
	}
	snapshots := 0
	s.volumes.change(func() {
		if known := s.volumes.byID[disk.VDiskId.Id]; known != nil {
			snapshots = len(known.snapshots)
		}
	})
	if snapshots > 0 {
		return notSupported("A virtual storage object with snapshots cannot be moved with its virtual machine.")
	}
	return nil
}
