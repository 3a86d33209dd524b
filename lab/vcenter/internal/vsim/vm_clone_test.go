// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"fmt"
	"strings"
	"testing"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/types"
)

func option(key, value string) types.BaseOptionValue {
	return &types.OptionValue{Key: key, Value: value}
}

func TestALinkedClonesDiskIsAChildOfTheSnapshotsDisk(t *testing.T) {
	l := newLab(t)
	image, snapshot := l.image("image")
	l.run("qemu-io", "-f", "raw", "-c", "write -P 7 1048576 4096", l.path("image/image-flat.vmdk"))
	clone := l.clone(image, "web", linked(l, snapshot))
	disk := l.disk(clone)
	if backing(disk).FileName != "[shared0] web/web.vmdk" || backing(disk).Parent == nil ||
		backing(disk).Parent.FileName != "[shared0] image/image.vmdk" || disk.CapacityInBytes != 64*mib {
		t.Errorf("disk %+v", backing(disk))
	}
	if backing(disk).Uuid == backing(l.disk(image)).Uuid {
		t.Error("the clone's disk has its source's id")
	}
	l.run("qemu-io", "-f", "qcow2", "-c", "read -P 7 1048576 4096", l.path("web/web-delta.vmdk"))
	// Data written by the clone does not change its parent.
	l.run("qemu-io", "-f", "qcow2", "-c", "write -P 9 1048576 4096", l.path("web/web-delta.vmdk"))
	l.run("qemu-io", "-f", "raw", "-c", "read -P 7 1048576 4096", l.path("image/image-flat.vmdk"))
}

func TestACloneKeepsTheConfigurationAsInVCenter(t *testing.T) {
	l := newLab(t)
	image, snapshot := l.image("image")
	before := l.read(image)
	spec := linked(l, snapshot)
	spec.Config = &types.VirtualMachineConfigSpec{MemoryMB: 512, NumCPUs: 2, ExtraConfig: []types.BaseOptionValue{
		option("gantry.kind", "container"), option("new", "1")},
		DeviceChange: []types.BaseVirtualDeviceConfigSpec{card("Backend", "")}}
	clone := l.read(l.clone(image, "web", spec))
	c := clone.Config
	if c.Firmware != "efi" || c.Annotation != "an image" || c.GuestId != "other5xLinux64Guest" || c.Version != before.Config.Version {
		t.Errorf("firmware %s, annotation %q, guest %s, version %s", c.Firmware, c.Annotation, c.GuestId, c.Version)
	}
	if c.Hardware.MemoryMB != 512 || c.Hardware.NumCPU != 2 || optionValue(c.ExtraConfig, "gantry.kind") != "container" ||
		optionValue(c.ExtraConfig, "new") != "1" {
		t.Errorf("memory %d, CPUs %d, options %v", c.Hardware.MemoryMB, c.Hardware.NumCPU, c.ExtraConfig)
	}
	if c.Uuid == before.Config.Uuid || c.InstanceUuid == before.Config.InstanceUuid || c.Name != "web" || clone.Name != "web" {
		t.Error("the clone has its source's identity")
	}
	cards, old := cardsOf(c.Hardware.Device), cardsOf(before.Config.Hardware.Device)
	if len(cards) != 2 || cards[0].MacAddress == old[0].MacAddress || clone.Snapshot != nil {
		t.Errorf("cards %d, snapshot %v", len(cards), clone.Snapshot)
	}
}

func TestACloneOfASnapshotHasTheSnapshotsConfiguration(t *testing.T) {
	l := newLab(t)
	image, snapshot := l.image("image")
	l.result(image.Reconfigure(t.Context(), types.VirtualMachineConfigSpec{MemoryMB: 1024,
		ExtraConfig: []types.BaseOptionValue{option("later", "1")}}))
	c := l.read(l.clone(image, "web", linked(l, snapshot))).Config
	if c.Hardware.MemoryMB != 256 || optionValue(c.ExtraConfig, "later") != "" {
		t.Errorf("memory %d, options %v", c.Hardware.MemoryMB, c.ExtraConfig)
	}
}

func TestAFullCloneCopiesTheData(t *testing.T) {
	l := newLab(t)
	image, snapshot := l.image("image")
	l.run("qemu-io", "-f", "raw", "-c", "write -P 7 1048576 4096", l.path("image/image-flat.vmdk"))
	l.run("qemu-io", "-f", "qcow2", "-c", "write -P 8 2097152 4096", l.path("image/image-000001-delta.vmdk"))
	pool := l.pool.Reference()
	// A clone of the current state has the data written since the snapshot; a clone of the snapshot does not.
	now := types.VirtualMachineCloneSpec{Location: types.VirtualMachineRelocateSpec{Pool: &pool}}
	l.clone(image, "now", now)
	then := now
	then.Snapshot = &snapshot
	l.clone(image, "then", then)
	l.result(image.Destroy(t.Context()))
	for name, second := range map[string]int{"now": 8, "then": 0} {
		file := l.path(name, name+"-flat.vmdk")
		l.run("qemu-io", "-f", "raw", "-c", "read -P 7 1048576 4096", "-c", fmt.Sprintf("read -P %d 2097152 4096", second), file)
	}
}

func TestInvalidCloneSpecsAreRefused(t *testing.T) {
	l := newLab(t)
	image, snapshot := l.image("image")
	other, _ := l.image("other")
	if err := image.MarkAsTemplate(t.Context()); err != nil {
		t.Fatal(err)
	}
	otherSnapshot := l.read(other).Snapshot.CurrentSnapshot
	pool := l.pool.Reference()
	before := l.files()
	for name, test := range map[string]struct {
		change func(*types.VirtualMachineCloneSpec)
		name   string
		want   string
	}{
		"linked without a snapshot":  {func(s *types.VirtualMachineCloneSpec) { s.Snapshot = nil }, "web", "spec.snapshot"},
		"another machine's snapshot": {func(s *types.VirtualMachineCloneSpec) { s.Snapshot = otherSnapshot }, "web", "spec.snapshot"},
		"template without a pool":    {func(s *types.VirtualMachineCloneSpec) { s.Location.Pool = nil }, "web", "spec.location.pool"},
		"unknown way":                {func(s *types.VirtualMachineCloneSpec) { s.Location.DiskMoveType = "x" }, "web", "spec.location.diskMoveType"},
		"taken name":                 {func(*types.VirtualMachineCloneSpec) {}, "other", "DuplicateName"},
		"broken change": {func(s *types.VirtualMachineCloneSpec) {
			s.Config = &types.VirtualMachineConfigSpec{DeviceChange: []types.BaseVirtualDeviceConfigSpec{card("Nowhere", "")}}
		}, "web", "InvalidDeviceSpec"},
		"customization": {func(s *types.VirtualMachineCloneSpec) { s.Customization = &types.CustomizationSpec{} }, "web", "NotSupported"},
	} {
		t.Run(name, func(t *testing.T) {
			spec := linked(l, snapshot)
			spec.Location.Pool = &pool
			test.change(&spec)
			fault := l.refusal(image.Clone(t.Context(), l.folder, test.name, spec))
			if text := fmt.Sprintf("%T %+v", fault, fault); !strings.Contains(text, test.want) {
				t.Errorf("got %s", text)
			}
			l.expectFiles(before...)
		})
	}
}

func TestAFailedCloneLeavesNoFiles(t *testing.T) {
	l := newLab(t)
	image, snapshot := l.image("image")
	before := l.files()
	if err := l.server.SetFree("shared0", 4096); err != nil {
		t.Fatal(err)
	}
	fault := isFault[types.NoDiskSpace](l, l.refusal(image.Clone(t.Context(), l.folder, "web", linked(l, snapshot))))
	if fault.Datastore != "shared0" {
		t.Errorf("fault %+v", fault)
	}
	l.expectFiles(before...)
}

func TestATemplateIsNotPoweredOnAndCloned(t *testing.T) {
	l := newLab(t)
	image, snapshot := l.image("image")
	if err := image.MarkAsTemplate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if read := l.read(image); !read.Config.Template || !read.Summary.Config.Template || read.ResourcePool != nil {
		t.Errorf("template %v, pool %v", read.Config.Template, read.ResourcePool)
	}
	isFault[types.NotSupported](l, l.refusal(image.PowerOn(t.Context())))
	isFault[types.NotSupported](l, l.refusal(image.Reconfigure(t.Context(), types.VirtualMachineConfigSpec{MemoryMB: 512})))
	spec := linked(l, snapshot)
	spec.PowerOn = true
	if read := l.read(l.clone(image, "web", spec)); read.Runtime.PowerState != types.VirtualMachinePowerStatePoweredOn || read.Config.Template {
		t.Errorf("the clone is %s, template %v", read.Runtime.PowerState, read.Config.Template)
	}
	if err := image.MarkAsVirtualMachine(t.Context(), *l.pool, nil); err != nil {
		t.Fatal(err)
	}
	if read := l.read(image); read.Config.Template || *read.ResourcePool != l.pool.Reference() {
		t.Errorf("template %v, pool %v", read.Config.Template, read.ResourcePool)
	}
}

func TestDestroyingRemovesOnlyTheVMsOwnFiles(t *testing.T) {
	l := newLab(t)
	image, snapshot := l.image("image")
	clones := []*object.VirtualMachine{l.clone(image, "a", linked(l, snapshot)), l.clone(image, "b", linked(l, snapshot))}
	l.result(clones[0].Destroy(t.Context()))
	l.expectFiles(append(filesOfVM("image", "image.vmdk", "image-flat.vmdk", "image-000001.vmdk", "image-000001-delta.vmdk"),
		filesOfVM("b", "b.vmdk", "b-delta.vmdk")...)...)
	// The base that clones depend on is kept until the last clone is destroyed.
	l.result(image.Destroy(t.Context()))
	l.expectFiles(append(filesOfVM("b", "b.vmdk", "b-delta.vmdk"), "image/image.vmdk", "image/image-flat.vmdk")...)
	l.run("qemu-img", "check", "-q", l.path("b/b-delta.vmdk"))
	l.result(clones[1].Destroy(t.Context()))
	l.expectFiles()
	if free := l.server.stores.Named("shared0").Free(); free != 64*gib {
		t.Errorf("%d bytes are free", free)
	}
}

// The edits of govc have the address and its type from the source (vm.clone -net).
func TestACloneHasAddressesOfItsOwn(t *testing.T) {
	l := newLab(t)
	source := l.create(l.spec("web", card("VM Network", ""), card("VM Network", "00:50:56:00:00:01")))
	assigned, manual := cardsOf(l.read(source).Config.Hardware.Device)[0], cardsOf(l.read(source).Config.Hardware.Device)[1]
	edit := func(change func(*types.VirtualVmxnet3)) []types.BaseVirtualDeviceConfigSpec {
		device := &types.VirtualVmxnet3{}
		device.VirtualEthernetCard = copied(*assigned)
		change(device)
		return []types.BaseVirtualDeviceConfigSpec{&types.VirtualDeviceConfigSpec{Operation: types.VirtualDeviceConfigSpecOperationEdit, Device: device}}
	}
	for name, c := range map[string]struct {
		change func(*types.VirtualVmxnet3)
		kind   string
		want   string // empty: one that neither VM has had
	}{
		"duplicate":    {func(*types.VirtualVmxnet3) {}, "assigned", ""},
		"generated":    {func(d *types.VirtualVmxnet3) { d.AddressType = "Generated" }, "assigned", ""},
		"out of range": {func(d *types.VirtualVmxnet3) { d.MacAddress = "00:0c:29:01:02:03" }, "assigned", ""},
		"free":         {func(d *types.VirtualVmxnet3) { d.MacAddress = "00:50:56:BF:ff:01" }, "assigned", "00:50:56:BF:ff:01"},
		"manual": {func(d *types.VirtualVmxnet3) { d.MacAddress, d.AddressType = "00:50:56:00:00:02", "manual" },
			"manual", "00:50:56:00:00:02"},
	} {
		clone := l.clone(source, name, types.VirtualMachineCloneSpec{Location: types.VirtualMachineRelocateSpec{DeviceChange: edit(c.change)}})
		got := cardsOf(l.read(clone).Config.Hardware.Device)
		if got[0].AddressType != c.kind || c.want != "" && got[0].MacAddress != c.want ||
			c.want == "" && (got[0].MacAddress == assigned.MacAddress || !strings.HasPrefix(got[0].MacAddress, "00:50:56:")) {
			t.Errorf("%s: %s address %s", name, got[0].AddressType, got[0].MacAddress)
		}
		if got[1].MacAddress != manual.MacAddress || got[1].AddressType != "manual" {
			t.Errorf("%s: the manual address became %s", name, got[1].MacAddress)
		}
		l.result(clone.PowerOn(t.Context()))
	}
}
