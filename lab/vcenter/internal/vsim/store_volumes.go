// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// First Class Disks: disks with an identity of their own, whether or not a virtual machine uses them. (API, VcenterVStorageObjectManager.)

package vsim

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/datastore"
)

const (
	volumeFolder = "fcd" // the default place of new disks on a datastore
	mebibyte     = int64(1) << 20
)

// volumes is the catalog of First Class Disks.
type volumes struct {
	mu   sync.Mutex
	byID map[string]*volume
}

// volume is one First Class Disk. What can change is guarded by the catalog's mutex.
type volume struct {
	id           string
	created      time.Time
	provisioning string
	working      sync.Mutex // held while a task changes the files

	name      string
	place     datastore.Path // the topmost disk of the chain
	capacity  int64
	flags     map[types.VslmVStorageObjectControlFlag]bool
	metadata  []types.KeyValue
	policy    string           // the id of its storage policy; empty: the default of its datastore
	snapshots []volumeSnapshot // the oldest first: each is the parent of the next one, the last of the topmost disk
}

type volumeSnapshot struct {
	id, description string
	created         time.Time
	place           datastore.Path
}

// attachment is a virtual disk of a VM that is a First Class Disk.
type attachment struct {
	vm  *simulator.VirtualMachine
	key int32
}

func (s *Server) volumeMethods() map[string]handler {
	const manager = "VcenterVStorageObjectManager."
	return map[string]handler{
		manager + "CreateDisk_Task":                            method(s.createVolume),
		manager + "CloneVStorageObject_Task":                   method(s.cloneVolume),
		manager + "RegisterDisk":                               method(s.registerVolume),
		manager + "DeleteVStorageObject_Task":                  method(s.deleteVolume),
		manager + "ExtendDisk_Task":                            method(s.extendVolume),
		manager + "RenameVStorageObject":                       method(s.renameVolume),
		manager + "SetVStorageObjectControlFlags":              method(s.setVolumeFlags),
		manager + "ClearVStorageObjectControlFlags":            method(s.clearVolumeFlags),
		manager + "VCenterUpdateVStorageObjectMetadataEx_Task": method(s.updateVolumeMetadata),
		manager + "UpdateVStorageObjectPolicy_Task":            method(s.updateVolumePolicy),
		manager + "ReconcileDatastoreInventory_Task":           method(s.reconcileVolumes),
		manager + "ListVStorageObject":                         method(s.listVolumes),
		manager + "RetrieveVStorageObject":                     method(s.retrieveVolume),
		manager + "RetrieveVStorageObjectState":                method(s.retrieveVolumeState),
		manager + "RetrieveVStorageObjectAssociations":         method(s.retrieveVolumeAssociations),
		manager + "RetrieveSnapshotInfo":                       method(s.retrieveVolumeSnapshots),
		manager + "VStorageObjectCreateSnapshot_Task":          method(s.createVolumeSnapshot),
		manager + "DeleteSnapshot_Task":                        method(s.deleteVolumeSnapshot),
		manager + "RevertVStorageObject_Task":                  method(s.revertVolume),
		manager + "CreateDiskFromSnapshot_Task":                method(s.createVolumeFromSnapshot),
		"VirtualMachine.AttachDisk_Task":                       method(s.attachVolume),
		"VirtualMachine.DetachDisk_Task":                       method(s.detachVolume),
	}
}

// find returns a disk of a datastore.
func (v *volumes) find(store, id string) (*volume, types.BaseMethodFault) {
	v.mu.Lock()
	defer v.mu.Unlock()
	found := v.byID[id]
	if found == nil || found.place.Store != store {
		return nil, noVolume(id)
	}
	return found, nil
}

func noVolume(id string) types.BaseMethodFault {
	fault := &types.NotFound{}
	because(&fault.MethodFault, fmt.Sprintf("There is no virtual storage object %s.", id))
	return fault
}

// at returns the disk whose topmost file is at a place, or nil.
func (v *volumes) at(place datastore.Path) *volume {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, one := range v.byID {
		if one.place == place {
			return one
		}
	}
	return nil
}

// add enters a disk into the catalog.
func (v *volumes) add(made *volume) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.byID == nil {
		v.byID = map[string]*volume{}
	}
	v.byID[made.id] = made
}

// remove takes a disk from the catalog.
func (v *volumes) remove(gone *volume) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.byID, gone.id)
}

// change changes a disk in the catalog.
func (v *volumes) change(f func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	f()
}

// has returns whether a disk is still in the catalog.
func (v *volumes) has(one *volume) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.byID[one.id] == one
}

// all returns the disks in the order of their ids.
func (v *volumes) all() []*volume {
	v.mu.Lock()
	defer v.mu.Unlock()
	listed := make([]*volume, 0, len(v.byID))
	for _, one := range v.byID {
		listed = append(listed, one)
	}
	slices.SortFunc(listed, func(a, b *volume) int { return strings.Compare(a.id, b.id) })
	return listed
}

// on returns the disks of a datastore.
func (v *volumes) on(store string) (found []*volume) {
	for _, one := range v.all() {
		v.change(func() {
			if one.place.Store == store {
				found = append(found, one)
			}
		})
	}
	return found
}

// storeOf returns the datastore that a call names.
func (s *Server) storeOf(reference ref) (*simulator.Datastore, types.BaseMethodFault) {
	store, ok := s.registry.Get(reference).(*simulator.Datastore)
	if !ok {
		return nil, &types.InvalidDatastore{Datastore: &reference}
	}
	return store, nil
}

func (s *Server) volumeOf(reference ref, id types.ID) (*volume, types.BaseMethodFault) {
	store, fault := s.storeOf(reference)
	if fault != nil {
		return nil, fault
	}
	return s.volumes.find(store.Name, id.Id)
}

// attachments returns the VMs that use each disk.
func (s *Server) attachments() map[string][]attachment {
	found := map[string][]attachment{}
	for _, object := range s.registry.All("VirtualMachine") {
		vm := object.(*simulator.VirtualMachine)
		var config *types.VirtualMachineConfigInfo
		s.locked(vm, func(*simulator.Context) { config = vm.Config })
		for _, disk := range disksOf(config.Hardware.Device) {
			if disk.VDiskId != nil {
				found[disk.VDiskId.Id] = append(found[disk.VDiskId.Id], attachment{vm, disk.Key})
			}
		}
	}
	return found
}

// describeVolume returns a disk as the API shows it. users are the attachments of the disk.
func (s *Server) describeVolume(v *volume, users []attachment) types.VStorageObject {
	s.volumes.mu.Lock()
	defer s.volumes.mu.Unlock()
	flag := func(name types.VslmVStorageObjectControlFlag) *bool { return types.NewBool(v.flags[name]) }
	shown := types.VStorageObject{Config: types.VStorageObjectConfigInfo{
		BaseConfigInfo: types.BaseConfigInfo{
			Id: types.ID{Id: v.id}, Name: v.name, CreateTime: v.created,
			KeepAfterDeleteVm:           flag(types.VslmVStorageObjectControlFlagKeepAfterDeleteVm),
			RelocationDisabled:          flag(types.VslmVStorageObjectControlFlagDisableRelocation),
			ChangedBlockTrackingEnabled: flag(types.VslmVStorageObjectControlFlagEnableChangedBlockTracking),
			NativeSnapshotSupported:     types.NewBool(false),
			Metadata:                    slices.Clone(v.metadata),
			Backing: &types.BaseConfigInfoDiskFileBackingInfo{
				BaseConfigInfoFileBackingInfo: types.BaseConfigInfoFileBackingInfo{
					BaseConfigInfoBackingInfo: types.BaseConfigInfoBackingInfo{Datastore: s.site.datastores[v.place.Store].Self},
					FilePath:                  v.place.String(),
				},
				ProvisioningType: v.provisioning,
			},
		},
		CapacityInMB:    v.capacity / mebibyte,
		ConsumptionType: []string{string(types.VStorageObjectConsumptionTypeDisk)},
	}}
	for _, user := range users {
		shown.Config.ConsumerId = append(shown.Config.ConsumerId, types.ID{Id: s.instanceUUID(user.vm)})
	}
	return shown
}

// instanceUUID returns the id of a VM as the consumer of a disk. The configuration of a published VM is never modified in place.
func (s *Server) instanceUUID(vm *simulator.VirtualMachine) string { return vm.Config.InstanceUuid }

func (s *Server) listVolumes(_ *simulator.Context, request *types.ListVStorageObject) (soap.HasFault, types.BaseMethodFault) {
	store, fault := s.storeOf(request.Datastore)
	if fault != nil {
		return nil, fault
	}
	listed := &types.ListVStorageObjectResponse{}
	for _, one := range s.volumes.on(store.Name) {
		listed.Returnval = append(listed.Returnval, types.ID{Id: one.id})
	}
	return &methods.ListVStorageObjectBody{Res: listed}, nil
}

// retrieveVolume refuses a disk without files ("NotFound"), which ReconcileDatastoreInventory_Task removes from the catalog.
func (s *Server) retrieveVolume(_ *simulator.Context, request *types.RetrieveVStorageObject) (soap.HasFault, types.BaseMethodFault) {
	found, fault := s.volumeOf(request.Datastore, request.Id)
	if fault != nil {
		return nil, fault
	}
	shown := s.describeVolume(found, s.attachments()[found.id])
	if s.isLost(found) {
		return nil, noVolume(found.id)
	}
	return &methods.RetrieveVStorageObjectBody{Res: &types.RetrieveVStorageObjectResponse{Returnval: shown}}, nil
}

// isLost returns whether the files of a disk were removed without the manager.
func (s *Server) isLost(v *volume) bool {
	var place datastore.Path
	s.volumes.change(func() { place = v.place })
	return !s.diskNameTaken(place)
}

func (s *Server) retrieveVolumeState(_ *simulator.Context, request *types.RetrieveVStorageObjectState) (soap.HasFault, types.BaseMethodFault) {
	_, fault := s.volumeOf(request.Datastore, request.Id)
	return &methods.RetrieveVStorageObjectStateBody{Res: &types.RetrieveVStorageObjectStateResponse{
		Returnval: types.VStorageObjectStateInfo{Tentative: types.NewBool(false)}}}, fault
}

// retrieveVolumeAssociations returns the VMs that use the disks.
func (s *Server) retrieveVolumeAssociations(_ *simulator.Context, request *types.RetrieveVStorageObjectAssociations) (soap.HasFault, types.BaseMethodFault) {
	users := s.attachments()
	listed := &types.RetrieveVStorageObjectAssociationsResponse{}
	for _, asked := range request.Ids {
		one := types.VStorageObjectAssociations{Id: asked.Id}
		if _, fault := s.volumeOf(asked.Datastore, asked.Id); fault != nil {
			one.Fault = localized(fault)
		}
		for _, user := range users[asked.Id.Id] {
			one.VmDiskAssociations = append(one.VmDiskAssociations,
				types.VStorageObjectAssociationsVmDiskAssociations{VmId: user.vm.Self.Value, DiskKey: user.key})
		}
		listed.Returnval = append(listed.Returnval, one)
	}
	return &methods.RetrieveVStorageObjectAssociationsBody{Res: listed}, nil
}

func (s *Server) retrieveVolumeSnapshots(_ *simulator.Context, request *types.RetrieveSnapshotInfo) (soap.HasFault, types.BaseMethodFault) {
	found, fault := s.volumeOf(request.Datastore, request.Id)
	if fault != nil {
		return nil, fault
	}
	listed := types.VStorageObjectSnapshotInfo{}
	s.volumes.change(func() {
		for _, one := range found.snapshots {
			listed.Snapshots = append(listed.Snapshots, types.VStorageObjectSnapshotInfoVStorageObjectSnapshot{
				Id: &types.ID{Id: one.id}, CreateTime: one.created, Description: one.description})
		}
	})
	return &methods.RetrieveSnapshotInfoBody{Res: &types.RetrieveSnapshotInfoResponse{Returnval: listed}}, nil
}
