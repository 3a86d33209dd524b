// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// First Class Disks.

package vsim

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"
	"github.com/vmware/govmomi/vslm"
	vslmmethods "github.com/vmware/govmomi/vslm/methods"
	vslmtypes "github.com/vmware/govmomi/vslm/types"

	"gantry.invalid/lab/vcenter/internal/config"
)

// disks is a client of the manager of First Class Disks.
type disks struct {
	*lab
	*vslm.ObjectManager
}

func newDisks(t *testing.T, adjust ...func(*config.Config)) *disks {
	l := newLab(t, adjust...)
	return &disks{l, vslm.NewObjectManager(l.client.Client)}
}

func (d *disks) volume(name string, metadata ...types.KeyValue) types.VStorageObject {
	d.Helper()
	return d.result(d.CreateDisk(d.Context(), types.VslmCreateSpec{Name: name, CapacityInMB: 64, Metadata: metadata,
		BackingSpec: &types.VslmCreateSpecDiskFileBackingSpec{
			VslmCreateSpecBackingSpec: types.VslmCreateSpecBackingSpec{Datastore: d.store.Reference()}}})).(types.VStorageObject)
}

func (d *disks) now(id types.ID) types.VStorageObject {
	d.Helper()
	return *must(d.Retrieve(d.Context(), d.store, id.Id))(d)
}

func filePath(disk types.VStorageObject) string {
	return disk.Config.Backing.(*types.BaseConfigInfoDiskFileBackingInfo).FilePath
}

func (d *disks) attach(vm *object.VirtualMachine, id types.ID) {
	d.Helper()
	d.result(d.attaching(vm, id))
}

func (d *disks) attaching(vm *object.VirtualMachine, id types.ID) (*object.Task, error) {
	res, err := methods.AttachDisk_Task(d.Context(), d.client.Client, &types.AttachDisk_Task{This: vm.Reference(), DiskId: id, Datastore: d.store.Reference()})
	if err != nil {
		return nil, err
	}
	return object.NewTask(d.client.Client, res.Returnval), nil
}

func (d *disks) detaching(vm *object.VirtualMachine, id types.ID) (*object.Task, error) {
	res, err := methods.DetachDisk_Task(d.Context(), d.client.Client, &types.DetachDisk_Task{This: vm.Reference(), DiskId: id})
	if err != nil {
		return nil, err
	}
	return object.NewTask(d.client.Client, res.Returnval), nil
}

func TestAFirstClassDiskIsAFileOfItsSize(t *testing.T) {
	d := newDisks(t)
	made := d.volume("data", types.KeyValue{Key: "color", Value: "red"})
	if made.Config.CapacityInMB != 64 || !*made.Config.KeepAfterDeleteVm || made.Config.Metadata[0].Value != "red" {
		t.Errorf("created: %+v", made.Config)
	}
	if !strings.HasPrefix(filePath(made), "[shared0] fcd/") {
		t.Errorf("the file is %s", filePath(made))
	}
	d.result(d.ExtendDisk(t.Context(), d.store, made.Config.Id.Id, 96))
	if now := d.now(made.Config.Id); now.Config.CapacityInMB != 96 {
		t.Errorf("extended to %d MB", now.Config.CapacityInMB)
	}
	place, _ := d.server.place(filePath(made))
	if disk, err := d.server.stores.Disk(place); err != nil || disk.Capacity != 96*mib {
		t.Errorf("the file has %d bytes, %v", disk.Capacity, err)
	}
	isFault[types.InvalidArgument](d.lab, d.refusal(d.ExtendDisk(t.Context(), d.store, made.Config.Id.Id, 32)))
	d.result(d.Delete(t.Context(), d.store, made.Config.Id.Id))
	if listed := must(d.List(t.Context(), d.store))(t); len(listed) != 0 {
		t.Errorf("listed after the removal: %v", listed)
	}
	isFault[types.NotFound](d.lab, d.refusal(d.Delete(t.Context(), d.store, made.Config.Id.Id)))
	d.expectFiles()
}

func TestSnapshotsOfAFirstClassDisk(t *testing.T) {
	d := newDisks(t)
	id := d.volume("data").Config.Id
	var taken []types.ID
	for _, name := range []string{"one", "two", "three"} {
		taken = append(taken, d.result(d.CreateSnapshot(t.Context(), d.store, id.Id, name)).(types.ID))
	}
	isFault[types.InvalidState](d.lab, d.refusal(d.ExtendDisk(t.Context(), d.store, id.Id, 96)))
	isFault[types.InvalidState](d.lab, d.refusal(d.Delete(t.Context(), d.store, id.Id)))
	names := func() (shown []string) {
		for _, one := range must(d.RetrieveSnapshotInfo(t.Context(), d.store, id.Id))(t).Snapshots {
			shown = append(shown, one.Description)
		}
		return shown
	}
	d.result(d.DeleteSnapshot(t.Context(), d.store, id.Id, taken[0].Id))
	if shown := names(); !slices.Equal(shown, []string{"two", "three"}) {
		t.Errorf("after the removal of the first: %v", shown)
	}
	chain := func() int {
		place, _ := d.server.place(filePath(d.now(id)))
		return len(must(d.server.stores.Chain(place))(t))
	}
	if chain() != 3 {
		t.Errorf("the chain has %d files", chain())
	}
	revert := must(methods.RevertVStorageObject_Task(t.Context(), d.client.Client, &types.RevertVStorageObject_Task{
		This: *d.client.ServiceContent.VStorageObjectManager, Id: id, Datastore: d.store.Reference(), SnapshotId: taken[1]}))(t)
	d.result(object.NewTask(d.client.Client, revert.Returnval), nil)
	if shown := names(); !slices.Equal(shown, []string{"two"}) || chain() != 2 {
		t.Errorf("after the revert: %v, a chain of %d files", shown, chain())
	}
	copy := must(methods.CreateDiskFromSnapshot_Task(t.Context(), d.client.Client, &types.CreateDiskFromSnapshot_Task{
		This: *d.client.ServiceContent.VStorageObjectManager, Id: id, Datastore: d.store.Reference(), SnapshotId: taken[1], Name: "copy"}))(t)
	copied := d.result(object.NewTask(d.client.Client, copy.Returnval), nil).(types.VStorageObject)
	if copied.Config.CapacityInMB != 64 || copied.Config.Id == id || len(copied.Config.Metadata) != 0 || *copied.Config.KeepAfterDeleteVm {
		t.Errorf("copied: %+v", copied.Config)
	}
	d.result(d.DeleteSnapshot(t.Context(), d.store, id.Id, taken[1].Id))
	if chain() != 1 {
		t.Errorf("without snapshots the chain has %d files", chain())
	}
	d.result(d.Delete(t.Context(), d.store, id.Id))
	d.result(d.Delete(t.Context(), d.store, copied.Config.Id.Id))
	d.expectFiles()
}

func TestASnapshotOfAFirstClassDiskWhileItsVMRuns(t *testing.T) {
	d := newDisks(t)
	id := d.volume("data").Config.Id
	vm := d.create(d.spec("one", scsi()))
	d.attach(vm, id)
	d.result(vm.PowerOn(t.Context()))
	before := filePath(d.now(id))
	taken := d.result(d.CreateSnapshot(t.Context(), d.store, id.Id, "one")).(types.ID)
	after := filePath(d.now(id))
	if shown := backing(d.disk(vm)); shown.FileName != after || after == before || shown.Parent == nil || shown.Parent.FileName != before {
		t.Errorf("the VM continues with %s on %+v; before: %s", shown.FileName, shown.Parent, before)
	}
	spec, fault := d.server.machineSpec(d.server.vm(vm.Reference()))
	if fault != nil {
		t.Fatal(faultText(fault))
	}
	place, _ := d.server.place(after)
	if top := must(d.server.stores.Disk(place))(t); len(spec.Disks) != 1 || spec.Disks[0].Path != top.Data {
		t.Errorf("the guest's disks: %+v", spec.Disks)
	}
	if state := must(vm.PowerState(t.Context()))(t); state != types.VirtualMachinePowerStatePoweredOn {
		t.Errorf("the VM is %s", state)
	}
	// The lab removes a snapshot only while the VM is off.
	isFault[types.NotSupported](d.lab, d.refusal(d.DeleteSnapshot(t.Context(), d.store, id.Id, taken.Id)))
	d.result(vm.PowerOff(t.Context()))
	d.result(d.DeleteSnapshot(t.Context(), d.store, id.Id, taken.Id))
	if now := filePath(d.now(id)); now != before || backing(d.disk(vm)).FileName != before {
		t.Errorf("without the snapshot: %s", now)
	}
}

func TestAFirstClassDiskIsADeviceOfOneVM(t *testing.T) {
	d := newDisks(t)
	id := d.volume("data").Config.Id
	one, other := d.create(d.spec("one", scsi())), d.create(d.spec("other", scsi()))
	d.attach(one, id)
	disk := d.disk(one)
	if disk.VDiskId == nil || *disk.VDiskId != id || disk.CapacityInBytes != 64*mib || backing(disk).FileName != filePath(d.now(id)) {
		t.Errorf("the device: %+v", disk)
	}
	if users := d.now(id).Config.ConsumerId; len(users) != 1 || users[0].Id != d.read(one).Config.InstanceUuid {
		t.Errorf("consumers: %v", users)
	}
	isFault[types.ResourceInUse](d.lab, d.refusal(d.attaching(other, id)))
	isFault[types.InvalidState](d.lab, d.refusal(d.Delete(t.Context(), d.store, id.Id)))
	// The size of the device follows.
	d.result(d.ExtendDisk(t.Context(), d.store, id.Id, 96))
	if disk := d.disk(one); disk.CapacityInBytes != 96*mib {
		t.Errorf("the device has %d bytes", disk.CapacityInBytes)
	}
	// A snapshot of the VM holds the disk.
	d.result(one.CreateSnapshot(t.Context(), "before", "", false, false))
	isFault[types.InvalidDeviceSpec](d.lab, d.refusal(d.detaching(one, id)))
	if now := filePath(d.now(id)); !strings.HasPrefix(now, "[shared0] one/") {
		t.Errorf("with a snapshot of the VM, the file is %s", now)
	}
	d.result(one.RemoveAllSnapshot(t.Context(), types.NewBool(true)))
	d.result(d.detaching(one, id))
	isFault[types.NotFound](d.lab, d.refusal(d.detaching(one, id)))
	d.attach(other, id)
	if users := d.now(id).Config.ConsumerId; len(users) != 1 || users[0].Id != d.read(other).Config.InstanceUuid {
		t.Errorf("consumers: %v", users)
	}
	// A copy of the VM has an ordinary disk.
	copied := d.clone(other, "copy", types.VirtualMachineCloneSpec{})
	if disk := d.disk(copied); disk.VDiskId != nil {
		t.Errorf("the copy's disk is %s", disk.VDiskId.Id)
	}
}

func TestAttachingCanBeSlow(t *testing.T) {
	d := newDisks(t)
	id := d.volume("data").Config.Id
	vm := d.create(d.spec("one", scsi()))
	if err := d.server.Behave(strings.NewReader(`{"attach_seconds": 3600}`)); err != nil {
		t.Fatal(err)
	}
	must(d.attaching(vm, id))(t)
	if users := d.now(id).Config.ConsumerId; len(users) != 0 {
		t.Errorf("already attached to %v", users)
	}
	d.eventually("the task waits", func() bool { return d.server.clock.Advance(time.Hour) == nil && len(d.now(id).Config.ConsumerId) == 1 })
}

func TestADiskOutlivesItsVMOnlyIfItIsToBeKept(t *testing.T) {
	d := newDisks(t)
	kept, removed := d.volume("kept").Config.Id, d.volume("removed").Config.Id
	if _, err := methods.ClearVStorageObjectControlFlags(t.Context(), d.client.Client, &types.ClearVStorageObjectControlFlags{
		This: *d.client.ServiceContent.VStorageObjectManager, Id: removed, Datastore: d.store.Reference(),
		ControlFlags: []string{string(types.VslmVStorageObjectControlFlagKeepAfterDeleteVm)}}); err != nil {
		t.Fatal(err)
	}
	vm := d.create(d.spec("one", scsi()))
	d.attach(vm, kept)
	d.attach(vm, removed)
	d.result(vm.CreateSnapshot(t.Context(), "before", "", false, false))
	d.result(vm.Destroy(t.Context()))
	if listed := must(d.List(t.Context(), d.store))(t); len(listed) != 1 || listed[0] != kept {
		t.Errorf("after the removal of the VM: %v", listed)
	}
	if users := d.now(kept).Config.ConsumerId; len(users) != 0 {
		t.Errorf("consumers: %v", users)
	}
	other := d.create(d.spec("other", scsi()))
	d.attach(other, kept)
	d.result(other.Destroy(t.Context()))
	d.result(d.Delete(t.Context(), d.store, kept.Id))
	d.expectFiles()
}

func TestStorageVMotionChangesTheFileOfAFirstClassDisk(t *testing.T) {
	d := newDisks(t, func(c *config.Config) {
		c.Inventory.Datastores = append(c.Inventory.Datastores, config.Datastore{Name: "other", CapacityBytes: gib})
	})
	id := d.volume("data").Config.Id
	vm := d.create(d.spec("one", scsi()))
	d.attach(vm, id)
	other := must(d.finder.Datastore(t.Context(), "other"))(t).Reference()
	move := types.VirtualMachineRelocateSpec{Datastore: &other}
	second := d.volume("second").Config.Id
	d.attach(vm, second)
	isFault[types.NotSupported](d.lab, d.refusal(vm.Relocate(t.Context(), move, types.VirtualMachineMovePriorityDefaultPriority)))
	d.result(d.detaching(vm, second))
	d.result(vm.Relocate(t.Context(), move, types.VirtualMachineMovePriorityDefaultPriority))
	if listed := must(d.List(t.Context(), d.store))(t); !slices.Equal(listed, []types.ID{second}) {
		t.Errorf("on the old datastore: %v", listed)
	}
	moved := must(d.Retrieve(t.Context(), object.NewDatastore(d.client.Client, other), id.Id))(t)
	if !strings.HasPrefix(filePath(*moved), "[other] one/") {
		t.Errorf("the file is %s", filePath(*moved))
	}
}

func TestTheGlobalCatalogReadsManyDisksAtOnce(t *testing.T) {
	d := newDisks(t)
	red := d.volume("red", types.KeyValue{Key: "color", Value: "red"}).Config.Id
	blue := d.volume("blue", types.KeyValue{Key: "color", Value: "blue"}, types.KeyValue{Key: "size", Value: "red"}).Config.Id
	vm := d.create(d.spec("one", scsi()))
	d.attach(vm, red)
	catalog := must(vslm.NewClient(t.Context(), d.client.Client))(t)
	list := func(most int32, criteria ...vslmtypes.VslmVsoVStorageObjectQuerySpec) *vslmtypes.VslmVsoVStorageObjectQueryResult {
		t.Helper()
		return must(vslmmethods.VslmListVStorageObjectForSpec(t.Context(), catalog, &vslmtypes.VslmListVStorageObjectForSpec{
			This: catalog.ServiceContent.VStorageObjectManager, Query: criteria, MaxResult: most}))(t).Returnval
	}
	criterion := func(field, operator, value string) vslmtypes.VslmVsoVStorageObjectQuerySpec {
		return vslmtypes.VslmVsoVStorageObjectQuerySpec{QueryField: field, QueryOperator: operator, QueryValue: []string{value}}
	}
	// Key and value may be of different pairs.
	if found := list(10, criterion("metadataKey", "equals", "color"), criterion("metadataValue", "equals", "red")); len(found.Id) != 2 {
		t.Errorf("by metadata: %v", found.Id)
	}
	first := list(1)
	if first.AllRecordsReturned || len(first.Id) != 1 || first.Id[0].Id != min(red.Id, blue.Id) {
		t.Errorf("the first page: %+v", first)
	}
	if rest := list(10, criterion("id", "greaterThan", first.Id[0].Id)); !rest.AllRecordsReturned || len(rest.Id) != 1 {
		t.Errorf("the second page: %+v", rest)
	}
	one := must(vslmmethods.VslmRetrieveVStorageObject(t.Context(), catalog, &vslmtypes.VslmRetrieveVStorageObject{
		This: catalog.ServiceContent.VStorageObjectManager, Id: blue}))(t).Returnval
	if one.Config.Name != "blue" {
		t.Errorf("retrieved: %+v", one.Config)
	}
	found := must(vslmmethods.VslmRetrieveVStorageObjects(t.Context(), catalog, &vslmtypes.VslmRetrieveVStorageObjects{
		This: catalog.ServiceContent.VStorageObjectManager, Ids: []types.ID{red, {Id: "gone"}}}))(t).Returnval
	if found[0].DiskPath != filePath(d.now(red)) || found[0].Metadata[0].Value != "red" || found[1].Error == nil {
		t.Errorf("retrieved: %+v", found)
	}
	users := must(vslmmethods.VslmRetrieveVStorageObjectAssociations(t.Context(), catalog, &vslmtypes.VslmRetrieveVStorageObjectAssociations{
		This: catalog.ServiceContent.VStorageObjectManager, Ids: []types.ID{red, blue}}))(t).Returnval
	if len(users[0].VmDiskAssociation) != 1 || users[0].VmDiskAssociation[0].VmId != vm.Reference().Value || len(users[1].VmDiskAssociation) != 0 {
		t.Errorf("associations: %+v", users)
	}
	// It hears of new disks late.
	if err := d.server.Behave(strings.NewReader(`{"catalog_seconds": 3600}`)); err != nil {
		t.Fatal(err)
	}
	if late := list(10); len(late.Id) != 0 {
		t.Errorf("the catalog has already heard of %v", late.Id)
	}
}

func TestReconcilingForgetsDisksWithoutFiles(t *testing.T) {
	d := newDisks(t)
	made := d.volume("data")
	d.result(object.NewVirtualDiskManager(d.client.Client).DeleteVirtualDisk(t.Context(), filePath(made), d.dc))
	_, err := d.Retrieve(t.Context(), d.store, made.Config.Id.Id)
	isFault[types.NotFound](d.lab, d.faultOf(err))
	d.result(d.ReconcileDatastoreInventory(t.Context(), d.store))
	if listed := must(d.List(t.Context(), d.store))(t); len(listed) != 0 {
		t.Errorf("listed: %v", listed)
	}
}
