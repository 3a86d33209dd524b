// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"testing"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/machine"
)

func (l *lab) write(file, pattern, offset string) {
	l.Helper()
	format := "qcow2"
	if file[len(file)-10:] == "-flat.vmdk" {
		format = "raw"
	}
	l.run("qemu-io", "-f", format, "-c", "write -P "+pattern+" "+offset+" 4096", l.path(file))
}

// expectAt reads a VM's disk as its guest does.
func (l *lab) expectAt(vm *object.VirtualMachine, pattern, offset string) {
	l.Helper()
	chain, err := l.server.stores.Chain(diskPath(l.disk(vm)))
	if err != nil {
		l.Fatal(err)
	}
	l.run("qemu-io", "-f", chain[0].Format, "-c", "read -P "+pattern+" "+offset+" 4096", chain[0].Data)
}

func TestASnapshotFreezesTheDisk(t *testing.T) {
	l := newLab(t)
	vm, _ := l.image("web")
	read := l.read(vm)
	if file := backing(l.disk(vm)).FileName; file != "[shared0] web/web-000001.vmdk" {
		t.Errorf("the current disk is %s", file)
	}
	if read.Snapshot == nil || read.Snapshot.RootSnapshotList[0].Name != "base" || len(read.RootSnapshot) != 1 {
		t.Errorf("snapshots %+v", read.Snapshot)
	}
	l.result(vm.CreateSnapshot(t.Context(), "second", "", false, false))
	tree := l.read(vm).Snapshot.RootSnapshotList
	if len(tree) != 1 || len(tree[0].ChildSnapshotList) != 1 || tree[0].ChildSnapshotList[0].Id != 2 {
		t.Errorf("snapshots %+v", tree)
	}
	if parent := backing(l.disk(vm)).Parent; parent.FileName != "[shared0] web/web-000001.vmdk" || parent.Parent.FileName != "[shared0] web/web.vmdk" {
		t.Errorf("the chain is %+v", parent)
	}
}

func TestRevertingDiscardsWrittenData(t *testing.T) {
	l := newLab(t)
	vm := l.create(l.spec("web", scsi(), newDisk(64*mib)))
	l.write("web/web-flat.vmdk", "1", "0")
	l.result(vm.CreateSnapshot(t.Context(), "base", "", false, false))
	l.write("web/web-000001-delta.vmdk", "2", "0")
	l.result(vm.Reconfigure(t.Context(), types.VirtualMachineConfigSpec{MemoryMB: 512}))
	l.expectAt(vm, "2", "0")
	l.result(vm.RevertToSnapshot(t.Context(), "base", true))
	l.expectAt(vm, "1", "0")
	if memory := l.read(vm).Config.Hardware.MemoryMB; memory != 256 {
		t.Errorf("memory is %d", memory)
	}
	l.expectFiles(filesOfVM("web", "web.vmdk", "web-flat.vmdk", "web-000002.vmdk", "web-000002-delta.vmdk")...)
}

func TestRemovingASnapshotKeepsWrittenData(t *testing.T) {
	l := newLab(t)
	vm := l.create(l.spec("web", scsi(), newDisk(64*mib)))
	for n, delta := range []string{"web/web-000001-delta.vmdk", "web/web-000002-delta.vmdk"} {
		l.result(vm.CreateSnapshot(t.Context(), []string{"first", "second"}[n], "", false, false))
		l.write(delta, []string{"1", "2"}[n], []string{"0", "1048576"}[n])
	}
	l.result(vm.RemoveSnapshot(t.Context(), "first", false, nil))
	l.expectAt(vm, "1", "0")
	l.expectAt(vm, "2", "1048576")
	tree := l.read(vm).Snapshot.RootSnapshotList
	if len(tree) != 1 || tree[0].Name != "second" || len(tree[0].ChildSnapshotList) != 0 {
		t.Errorf("snapshots %+v", tree)
	}
	l.result(vm.RemoveAllSnapshot(t.Context(), nil))
	l.expectAt(vm, "1", "0")
	l.expectAt(vm, "2", "1048576")
	l.expectFiles(filesOfVM("web", "web.vmdk", "web-flat.vmdk")...)
	if read := l.read(vm); read.Snapshot != nil || backing(l.disk(vm)).FileName != "[shared0] web/web.vmdk" {
		t.Errorf("snapshot %v, disk %+v", read.Snapshot, backing(l.disk(vm)))
	}
}

func TestRemovingASnapshotWithLinkedClonesKeepsItsDisk(t *testing.T) {
	l := newLab(t)
	image, snapshot := l.image("image")
	clone := l.clone(image, "web", linked(l, snapshot))
	l.write("image/image-000001-delta.vmdk", "5", "0")
	l.result(image.RemoveSnapshot(t.Context(), "base", false, nil))
	l.expectAt(image, "5", "0")
	l.expectAt(clone, "0", "0")
	l.result(image.Destroy(t.Context()))
	l.expectAt(clone, "0", "0")
	l.result(clone.Destroy(t.Context()))
	l.expectFiles()
}

func TestSnapshotsAreRenamedAndRequirePoweredOffVMs(t *testing.T) {
	l := newLab(t)
	vm, snapshot := l.image("web")
	if _, err := methods.RenameSnapshot(t.Context(), l.client.Client, &types.RenameSnapshot{This: snapshot, Name: "other"}); err != nil {
		t.Fatal(err)
	}
	if name := l.read(vm).Snapshot.RootSnapshotList[0].Name; name != "other" {
		t.Errorf("it is called %s", name)
	}
	l.result(vm.PowerOn(t.Context()))
	isFault[types.NotSupported](l, l.refusal(vm.CreateSnapshot(t.Context(), "now", "", false, false)))
	isFault[types.NotSupported](l, l.refusal(vm.RevertToSnapshot(t.Context(), "other", true)))
}

func TestAQuiescedSnapshotFailsIfTheToolsRefuse(t *testing.T) {
	l := newLab(t)
	vm, _ := l.image("web")
	l.result(vm.CreateSnapshot(t.Context(), "off", "", false, true))
	l.result(vm.PowerOn(t.Context()))
	isFault[types.NotSupported](l, l.refusal(vm.CreateSnapshot(t.Context(), "no tools", "", false, true)))
	l.server.Guest(vm.Reference().Value, machine.GuestInfo{})
	isFault[types.ApplicationQuiesceFault](l, l.refusal(vm.CreateSnapshot(t.Context(), "tools", "", false, true)))
	isFault[types.ApplicationQuiesceFault](l, l.refusal(vm.CreateSnapshotEx(t.Context(), "tools", "", false, &types.VirtualMachineGuestQuiesceSpec{})))
	isFault[types.NotSupported](l, l.refusal(vm.CreateSnapshot(t.Context(), "not quiesced", "", false, false)))
}

func TestDisksOfSnapshotsAreNotResizedOrDestroyed(t *testing.T) {
	l := newLab(t)
	vm, _ := l.image("web")
	disk := l.disk(vm)
	larger := *disk
	larger.CapacityInBytes, larger.CapacityInKB = 2*gib, 2*gib/1024
	edit := &types.VirtualDeviceConfigSpec{Operation: types.VirtualDeviceConfigSpecOperationEdit, Device: &larger}
	remove := &types.VirtualDeviceConfigSpec{Operation: types.VirtualDeviceConfigSpecOperationRemove, Device: disk,
		FileOperation: types.VirtualDeviceConfigSpecFileOperationDestroy}
	for _, change := range []types.BaseVirtualDeviceConfigSpec{edit, remove} {
		spec := types.VirtualMachineConfigSpec{DeviceChange: []types.BaseVirtualDeviceConfigSpec{change}}
		isFault[types.InvalidDeviceOperation](l, l.refusal(vm.Reconfigure(t.Context(), spec)))
	}
}
