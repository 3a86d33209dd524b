// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Snapshots of First Class Disks: a chain of files, in which each snapshot is the parent of the next one.

package vsim

import (
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/datastore"
)

// mostVolumeSnapshots is the limit of a disk. (vsphere-csi-driver, pkg/csi/service/common/constants.go.)
const mostVolumeSnapshots = 32

// requireOwnChain refuses work on the chain of a disk while a snapshot of a VM is part of it.
func (s *Server) requireOwnChain(user *simulator.VirtualMachine) types.BaseMethodFault {
	if user != nil && s.hasSnapshots(user) {
		return invalidState(fmt.Sprintf("The virtual machine %s, to which the virtual storage object is attached, has snapshots.", s.nameOf(user.Self)))
	}
	return nil
}

func (s *Server) createVolumeSnapshot(ctx *simulator.Context, request *types.VStorageObjectCreateSnapshot_Task) (soap.HasFault, types.BaseMethodFault) {
	return s.volumeTask(ctx, "VStorageObjectCreateSnapshot_Task", request.Datastore, request.Id, func(v *volume, user *simulator.VirtualMachine) (types.AnyType, types.BaseMethodFault) {
		if fault := s.requireOwnChain(user); fault != nil {
			return nil, fault
		}
		if len(v.snapshots) >= mostVolumeSnapshots {
			return nil, invalidState(fmt.Sprintf("A virtual storage object can have %d snapshots.", mostVolumeSnapshots))
		}
		taken := volumeSnapshot{id: uuid.NewString(), description: request.Description, created: s.clock.Now(), place: v.place}
		if fault := s.growUsedChain(v, user); fault != nil {
			return nil, fault
		}
		s.volumes.change(func() { v.snapshots = append(v.snapshots, taken) })
		if fault := s.showVolume(v, user); fault != nil {
			return nil, fault
		}
		return types.ID{Id: taken.id}, nil
	})
}

// growUsedChain puts a new topmost file on the chain of a disk. A guest that runs with the disk continues with the new file.
func (s *Server) growUsedChain(v *volume, user *simulator.VirtualMachine) types.BaseMethodFault {
	if user == nil || s.powerState(user) != types.VirtualMachinePowerStatePoweredOn {
		if fault := s.requireStopped(user); fault != nil {
			return fault
		}
		return s.growChain(v, v.place)
	}
	frozen := v.place
	if fault := s.growChain(v, frozen); fault != nil {
		return fault
	}
	fault := s.continueOn(v, user)
	if fault == nil {
		return nil
	}
	unused := v.place
	s.volumes.change(func() { v.place = frozen })
	logFailure(s.stores.RemoveDisk(unused), "the file of a snapshot that failed", unused)
	return fault
}

// continueOn lets a running guest continue with the topmost file of a disk, in a new process on the same host.
func (s *Server) continueOn(v *volume, user *simulator.VirtualMachine) types.BaseMethodFault {
	spec, fault := s.machineSpec(user)
	if fault != nil {
		return fault
	}
	shown := s.draftOf(user).config
	for _, disk := range disksOf(shown.Hardware.Device) {
		if isVolume(disk, v.id) {
			disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo).FileName = v.place.String()
		}
	}
	if spec, fault = s.withDisksOf(spec, &shown); fault != nil {
		return fault
	}
	// Nothing is left to copy, but with this function the guest is stopped before the new process opens the files.
	if _, err := s.hypervisor.Migrate(user.Self.Value, spec, func() error { return nil }); err != nil {
		return systemError(fmt.Sprintf("Virtual machine %s could not continue with the new file of the virtual storage object. It continues unchanged: %v.",
			spec.Name, err))
	}
	return nil
}

// growChain puts a new topmost file on a file of the chain.
func (s *Server) growChain(v *volume, parent datastore.Path) types.BaseMethodFault {
	place := s.freeDeltaPath(parent.Dir(), parent)
	if err := s.stores.CreateChild(place, parent, datastore.NewUUID()); err != nil {
		return fileFault(place, err)
	}
	s.volumes.change(func() { v.place = place })
	return nil
}

func (v *volume) snapshotIndex(id types.ID) (int, types.BaseMethodFault) {
	index := slices.IndexFunc(v.snapshots, func(one volumeSnapshot) bool { return one.id == id.Id })
	if index < 0 {
		fault := &types.NotFound{}
		because(&fault.MethodFault, fmt.Sprintf("The virtual storage object has no snapshot %s.", id.Id))
		return 0, fault
	}
	return index, nil
}

// deleteVolumeSnapshot merges the file above a snapshot into the snapshot's file.
func (s *Server) deleteVolumeSnapshot(ctx *simulator.Context, request *types.DeleteSnapshot_Task) (soap.HasFault, types.BaseMethodFault) {
	return s.volumeTask(ctx, "DeleteSnapshot_Task", request.Datastore, request.Id, func(v *volume, user *simulator.VirtualMachine) (types.AnyType, types.BaseMethodFault) {
		index, fault := v.snapshotIndex(request.SnapshotId)
		if fault == nil {
			fault = s.requireOwnChain(user)
		}
		if fault == nil {
			fault = s.requireStopped(user)
		}
		if fault != nil {
			return nil, fault
		}
		gone := v.snapshots[index]
		if index == len(v.snapshots)-1 {
			if err := s.stores.MergeDisk(v.place); err != nil {
				return nil, fileFault(v.place, err)
			}
			s.volumes.change(func() { v.place, v.snapshots = gone.place, v.snapshots[:index] })
			return nil, s.showVolume(v, user)
		}
		above := v.place
		if index+2 < len(v.snapshots) {
			above = v.snapshots[index+2].place
		}
		if err := s.stores.MergeDisk(v.snapshots[index+1].place); err != nil {
			return nil, fileFault(v.snapshots[index+1].place, err)
		}
		if err := s.stores.Reparent(above, gone.place); err != nil {
			return nil, fileFault(above, err)
		}
		s.volumes.change(func() {
			v.snapshots[index+1].place = gone.place
			v.snapshots = slices.Delete(v.snapshots, index, index+1)
		})
		return nil, s.showVolume(v, user)
	})
}

// revertVolume discards what was written since a snapshot, and the later snapshots. It refuses a disk that a VM uses.
func (s *Server) revertVolume(ctx *simulator.Context, request *types.RevertVStorageObject_Task) (soap.HasFault, types.BaseMethodFault) {
	return s.volumeTask(ctx, "RevertVStorageObject_Task", request.Datastore, request.Id, func(v *volume, user *simulator.VirtualMachine) (types.AnyType, types.BaseMethodFault) {
		index, fault := v.snapshotIndex(request.SnapshotId)
		if fault != nil {
			return nil, fault
		}
		if user != nil {
			return nil, invalidState(fmt.Sprintf("The virtual storage object is attached to %s.", s.nameOf(user.Self)))
		}
		obsolete := []datastore.Path{v.place}
		for _, later := range v.snapshots[index+1:] {
			obsolete = append(obsolete, later.place)
		}
		if fault := s.growChain(v, v.snapshots[index].place); fault != nil {
			return nil, fault
		}
		s.volumes.change(func() { v.snapshots = v.snapshots[:index+1] })
		for _, place := range obsolete {
			if err := s.stores.RemoveDisk(place); err != nil {
				return nil, fileFault(place, err)
			}
		}
		return nil, nil
	})
}

func (s *Server) createVolumeFromSnapshot(ctx *simulator.Context, request *types.CreateDiskFromSnapshot_Task) (soap.HasFault, types.BaseMethodFault) {
	if !s.isVolumePolicy(request.Profile) {
		return nil, invalidArgument("profile")
	}
	return s.volumeTask(ctx, "CreateDiskFromSnapshot_Task", request.Datastore, request.Id, func(v *volume, _ *simulator.VirtualMachine) (types.AnyType, types.BaseMethodFault) {
		index, fault := v.snapshotIndex(request.SnapshotId)
		if fault != nil {
			return nil, fault
		}
		if request.Name == "" {
			return nil, invalidArgument("name")
		}
		store := s.site.datastores[v.place.Store]
		made := &volume{name: request.Name, provisioning: v.provisioning, flags: keepFlag(nil, false), policy: policyOf(request.Profile)}
		return s.copyVolume(store, made, request.Path, v.snapshots[index].place)
	})
}
