// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Changes of First Class Disks: creation, size, name, metadata, control flags, and removal with their files.

package vsim

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/datastore"
)

// volumeWork is what a task does with a disk. user is the VM that uses it, or nil.
type volumeWork func(v *volume, user *simulator.VirtualMachine) (types.AnyType, types.BaseMethodFault)

// volumeTask starts a task that changes a disk. Tasks of one disk, and changes of the VM that uses it, run one after the other.
func (s *Server) volumeTask(ctx *simulator.Context, method string, reference ref, id types.ID, do volumeWork) (soap.HasFault, types.BaseMethodFault) {
	store, fault := s.storeOf(reference)
	if fault != nil {
		return nil, fault
	}
	return s.task(ctx, store.Self, method, func(cause) (types.AnyType, types.BaseMethodFault) {
		found, fault := s.volumes.find(store.Name, id.Id)
		if fault != nil {
			return nil, fault
		}
		user := s.userOf(found)
		if user != nil {
			lock := s.operations.of(user.Self)
			lock.Lock()
			defer lock.Unlock()
		}
		found.working.Lock()
		defer found.working.Unlock()
		if !s.volumes.has(found) {
			return nil, noVolume(found.id)
		}
		if s.userOf(found) != user {
			return nil, invalidState("The virtual storage object has just been attached or detached.")
		}
		defer s.publishFree(store.Name)
		return do(found, user)
	})
}

// userOf returns the VM that uses a disk, or nil.
func (s *Server) userOf(v *volume) *simulator.VirtualMachine {
	if users := s.attachments()[v.id]; len(users) > 0 {
		return users[0].vm
	}
	return nil
}

// requireStopped refuses a change of the files of a disk that a VM uses which is not powered off: the lab's machines have them open.
func (s *Server) requireStopped(user *simulator.VirtualMachine) types.BaseMethodFault {
	if user != nil && s.powerState(user) != types.VirtualMachinePowerStatePoweredOff {
		return notSupported("The lab changes the files of a virtual storage object only while the virtual machine that uses it is powered off.")
	}
	return nil
}

// newVolume completes a disk, whose file make creates, and enters it into the catalog.
func (s *Server) newVolume(store *simulator.Datastore, made *volume, relative string, make func(datastore.Path) error) types.BaseMethodFault {
	made.id, made.created = uuid.NewString(), s.clock.Now()
	made.place = datastore.Path{Store: store.Name, Relative: relative}
	if relative == "" {
		folder := datastore.Path{Store: store.Name, Relative: volumeFolder}
		if err := s.stores.MakeFolder(folder, false); err != nil && !errors.Is(err, fs.ErrExist) {
			return fileFault(folder, err)
		}
		made.place = folder.Join(strings.ReplaceAll(made.id, "-", "") + ".vmdk")
	}
	if err := make(made.place); err != nil {
		return fileFault(made.place, err)
	}
	disk, err := s.stores.Disk(made.place)
	if err != nil {
		return fileFault(made.place, err)
	}
	made.capacity = disk.Capacity
	s.volumes.add(made)
	return nil
}

func keepFlag(keep *bool, usual bool) map[types.VslmVStorageObjectControlFlag]bool {
	if keep != nil {
		usual = *keep
	}
	return map[types.VslmVStorageObjectControlFlag]bool{types.VslmVStorageObjectControlFlagKeepAfterDeleteVm: usual}
}

// provisioningOf checks a type of provisioning; thin is the default ("the default thin will be used").
func provisioningOf(asked string) (string, bool) {
	asked = orDefault(asked, string(types.BaseConfigInfoDiskFileBackingInfoProvisioningTypeThin))
	return asked, slices.Contains(types.BaseConfigInfoDiskFileBackingInfoProvisioningType("").Strings(), asked)
}

// fileBacking checks the backing that a call asks for.
func (s *Server) fileBacking(asked types.BaseVslmCreateSpecBackingSpec) (*simulator.Datastore, string, string, types.BaseMethodFault) {
	backing, ok := asked.(*types.VslmCreateSpecDiskFileBackingSpec)
	if !ok {
		return nil, "", "", invalidArgument("spec.backingSpec")
	}
	provisioning, known := provisioningOf(backing.ProvisioningType)
	if !known {
		return nil, "", "", invalidArgument("spec.backingSpec.provisioningType")
	}
	store, fault := s.storeOf(backing.Datastore)
	return store, backing.Path, provisioning, fault
}

func (s *Server) createVolume(ctx *simulator.Context, request *types.CreateDisk_Task) (soap.HasFault, types.BaseMethodFault) {
	spec := &request.Spec
	store, relative, provisioning, fault := s.fileBacking(spec.BackingSpec)
	switch capacity := spec.CapacityInMB * mebibyte; {
	case fault != nil:
		return nil, fault
	case spec.Name == "":
		return nil, invalidArgument("spec.name")
	case !s.isVolumePolicy(spec.Profile):
		return nil, invalidArgument("spec.profile")
	case capacity <= 0 || capacity > largestDisk:
		return nil, invalidArgument("spec.capacityInMB")
	}
	return s.task(ctx, store.Self, "CreateDisk_Task", func(cause) (types.AnyType, types.BaseMethodFault) {
		defer s.publishFree(store.Name)
		made := &volume{name: spec.Name, provisioning: provisioning, flags: keepFlag(spec.KeepAfterDeleteVm, true), metadata: spec.Metadata,
			policy: policyOf(spec.Profile)}
		thin := provisioning == string(types.BaseConfigInfoDiskFileBackingInfoProvisioningTypeThin)
		fault := s.newVolume(store, made, relative, func(place datastore.Path) error {
			return s.stores.CreateDisk(place, spec.CapacityInMB*mebibyte, thin, datastore.NewUUID())
		})
		if fault != nil {
			return nil, fault
		}
		return s.describeVolume(made, nil), nil
	})
}

// cloneVolume copies a disk with the whole chain merged.
func (s *Server) cloneVolume(ctx *simulator.Context, request *types.CloneVStorageObject_Task) (soap.HasFault, types.BaseMethodFault) {
	spec := &request.Spec
	target, relative, provisioning, fault := s.fileBacking(spec.BackingSpec)
	if fault != nil {
		return nil, fault
	}
	if !s.isVolumePolicy(spec.Profile) {
		return nil, invalidArgument("spec.profile")
	}
	return s.volumeTask(ctx, "CloneVStorageObject_Task", request.Datastore, request.Id, func(v *volume, user *simulator.VirtualMachine) (types.AnyType, types.BaseMethodFault) {
		if fault := s.requireStopped(user); fault != nil {
			return nil, fault
		}
		made := &volume{name: spec.Name, provisioning: provisioning, flags: keepFlag(spec.KeepAfterDeleteVm, false), metadata: spec.Metadata,
			policy: policyOf(spec.Profile)}
		return s.copyVolume(target, made, relative, v.place)
	})
}

// copyVolume makes a new disk with the content of a file.
func (s *Server) copyVolume(target *simulator.Datastore, made *volume, relative string, source datastore.Path) (types.AnyType, types.BaseMethodFault) {
	defer s.publishFree(target.Name)
	thin := made.provisioning == string(types.BaseConfigInfoDiskFileBackingInfoProvisioningTypeThin)
	fault := s.newVolume(target, made, relative, func(place datastore.Path) error {
		return s.stores.CopyDisk(source, place, thin, datastore.NewUUID())
	})
	if fault != nil {
		return nil, fault
	}
	return s.describeVolume(made, nil), nil
}

// registerVolume makes a disk of a datastore a First Class Disk. The path is the disk's URL in the folder service.
func (s *Server) registerVolume(_ *simulator.Context, request *types.RegisterDisk) (soap.HasFault, types.BaseMethodFault) {
	address, err := url.Parse(request.Path)
	if err != nil {
		return nil, invalidArgument("path")
	}
	store := s.site.datastores[address.Query().Get("dsName")]
	relative, isFile := strings.CutPrefix(address.Path, folderPrefix)
	if store == nil || !isFile {
		return nil, invalidArgument("path")
	}
	place := datastore.Path{Store: store.Name, Relative: relative}
	if known := s.volumes.at(place); known != nil {
		return nil, &types.AlreadyExists{Name: known.id}
	}
	disk, err := s.stores.Disk(place)
	if err != nil {
		return nil, fileFault(place, err)
	}
	provisioning, _ := provisioningOf("")
	if !disk.Thin {
		provisioning = string(types.BaseConfigInfoDiskFileBackingInfoProvisioningTypeLazyZeroedThick)
	}
	made := &volume{name: orDefault(request.Name, strings.TrimSuffix(path.Base(relative), ".vmdk")), provisioning: provisioning,
		flags: keepFlag(nil, false)}
	fault := s.newVolume(store, made, relative, func(datastore.Path) error { return nil })
	if fault != nil {
		return nil, fault
	}
	return &methods.RegisterDiskBody{Res: &types.RegisterDiskResponse{Returnval: s.describeVolume(made, nil)}}, nil
}

// deleteVolume refuses a disk that a VM uses ("The disk may be consumed and cannot be deleted"), and one with snapshots
// (vsphere-csi-driver, controller.go: volumes with snapshots cannot be deleted).
func (s *Server) deleteVolume(ctx *simulator.Context, request *types.DeleteVStorageObject_Task) (soap.HasFault, types.BaseMethodFault) {
	return s.volumeTask(ctx, "DeleteVStorageObject_Task", request.Datastore, request.Id, func(v *volume, user *simulator.VirtualMachine) (types.AnyType, types.BaseMethodFault) {
		switch {
		case user != nil:
			return nil, invalidState(fmt.Sprintf("The virtual storage object is attached to %s.", s.nameOf(user.Self)))
		case len(v.snapshots) > 0:
			return nil, invalidState("The virtual storage object has snapshots.")
		case s.diskUse.shared(v.place, ref{}):
			return nil, invalidState("A virtual machine uses the files of the virtual storage object.")
		}
		if fault := s.removeChain(v.place); fault != nil {
			return nil, fault
		}
		s.volumes.remove(v)
		return nil, nil
	})
}

// removeChain removes a disk with the parents that no VM uses. A VM that had snapshots leaves a chain.
func (s *Server) removeChain(place datastore.Path) types.BaseMethodFault {
	chain, err := s.stores.Chain(place)
	if err != nil {
		return fileFault(place, err)
	}
	for _, disk := range chain {
		if s.diskUse.shared(disk.Path, ref{}) {
			return nil
		}
		if err := s.stores.RemoveDisk(disk.Path); err != nil {
			return fileFault(disk.Path, err)
		}
	}
	return nil
}

// extendVolume refuses a smaller size ("the operation fails due to invalid capacity") and a disk with snapshots.
func (s *Server) extendVolume(ctx *simulator.Context, request *types.ExtendDisk_Task) (soap.HasFault, types.BaseMethodFault) {
	return s.volumeTask(ctx, "ExtendDisk_Task", request.Datastore, request.Id, func(v *volume, user *simulator.VirtualMachine) (types.AnyType, types.BaseMethodFault) {
		wanted := request.NewCapacityInMB * mebibyte
		if wanted < v.capacity || wanted > largestDisk {
			return nil, invalidArgument("newCapacityInMB")
		}
		if len(v.snapshots) > 0 || user != nil && s.hasSnapshots(user) {
			return nil, invalidState("A virtual storage object with snapshots cannot be extended.")
		}
		if fault := s.requireStopped(user); fault != nil || wanted == v.capacity {
			return nil, fault
		}
		if err := s.stores.GrowDisk(v.place, wanted); err != nil {
			return nil, fileFault(v.place, err)
		}
		s.volumes.change(func() { v.capacity = wanted })
		return nil, s.showVolume(v, user)
	})
}

func (s *Server) hasSnapshots(vm *simulator.VirtualMachine) (has bool) {
	s.locked(vm, func(*simulator.Context) { has = vm.Snapshot != nil })
	return has
}

func (s *Server) renameVolume(_ *simulator.Context, request *types.RenameVStorageObject) (soap.HasFault, types.BaseMethodFault) {
	found, fault := s.volumeOf(request.Datastore, request.Id)
	if fault != nil {
		return nil, fault
	}
	if request.Name == "" {
		return nil, invalidArgument("name")
	}
	s.volumes.change(func() { found.name = request.Name })
	return &methods.RenameVStorageObjectBody{Res: &types.RenameVStorageObjectResponse{}}, nil
}

func (s *Server) setVolumeFlags(_ *simulator.Context, request *types.SetVStorageObjectControlFlags) (soap.HasFault, types.BaseMethodFault) {
	fault := s.changeVolumeFlags(request.Datastore, request.Id, request.ControlFlags, true)
	return &methods.SetVStorageObjectControlFlagsBody{Res: &types.SetVStorageObjectControlFlagsResponse{}}, fault
}

func (s *Server) clearVolumeFlags(_ *simulator.Context, request *types.ClearVStorageObjectControlFlags) (soap.HasFault, types.BaseMethodFault) {
	fault := s.changeVolumeFlags(request.Datastore, request.Id, request.ControlFlags, false)
	return &methods.ClearVStorageObjectControlFlagsBody{Res: &types.ClearVStorageObjectControlFlagsResponse{}}, fault
}

func (s *Server) changeVolumeFlags(store ref, id types.ID, names []string, value bool) types.BaseMethodFault {
	found, fault := s.volumeOf(store, id)
	if fault != nil {
		return fault
	}
	for _, name := range names {
		if !slices.Contains(types.VslmVStorageObjectControlFlag("").Strings(), name) {
			return invalidArgument("controlFlags")
		}
	}
	s.volumes.change(func() {
		for _, name := range names {
			found.flags[types.VslmVStorageObjectControlFlag(name)] = value
		}
	})
	return nil
}

func (s *Server) updateVolumeMetadata(ctx *simulator.Context, request *types.VCenterUpdateVStorageObjectMetadataEx_Task) (soap.HasFault, types.BaseMethodFault) {
	return s.volumeTask(ctx, "VCenterUpdateVStorageObjectMetadataEx_Task", request.Datastore, request.Id, func(v *volume, _ *simulator.VirtualMachine) (types.AnyType, types.BaseMethodFault) {
		s.volumes.change(func() {
			replaced := slices.Clone(request.DeleteKeys)
			for _, pair := range request.Metadata {
				replaced = append(replaced, pair.Key)
			}
			kept := slices.DeleteFunc(slices.Clone(v.metadata), func(pair types.KeyValue) bool { return slices.Contains(replaced, pair.Key) })
			v.metadata = append(kept, request.Metadata...)
		})
		return nil, nil
	})
}

// reconcileVolumes removes the disks of a datastore from the catalog whose files are gone.
func (s *Server) reconcileVolumes(ctx *simulator.Context, request *types.ReconcileDatastoreInventory_Task) (soap.HasFault, types.BaseMethodFault) {
	store, fault := s.storeOf(request.Datastore)
	if fault != nil {
		return nil, fault
	}
	return s.task(ctx, store.Self, "ReconcileDatastoreInventory_Task", func(cause) (types.AnyType, types.BaseMethodFault) {
		for _, one := range s.volumes.on(store.Name) {
			if s.isLost(one) {
				s.volumes.remove(one)
			}
		}
		return nil, nil
	})
}
