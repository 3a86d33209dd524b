// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"fmt"
	"os"
	"testing"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"
)

func TestOptionsAreMerged(t *testing.T) {
	l := newLab(t)
	spec := l.spec("web")
	spec.ExtraConfig = []types.BaseOptionValue{option("keep", "1"), option("change", "1"), option("remove", "1"), option("disk.EnableUUID", "TRUE")}
	vm := l.create(spec)
	l.result(vm.Reconfigure(t.Context(), types.VirtualMachineConfigSpec{ExtraConfig: []types.BaseOptionValue{
		option("change", "2"), option("remove", ""), option("new", "1"), option("never there", "")}}))
	read := l.read(vm)
	got := map[string]string{}
	for _, o := range read.Config.ExtraConfig {
		got[o.GetOptionValue().Key] = fmt.Sprint(o.GetOptionValue().Value)
	}
	want := map[string]string{"keep": "1", "change": "2", "new": "1", "disk.EnableUUID": "TRUE"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v", got)
	}
	if enabled := read.Config.Flags.DiskUuidEnabled; enabled == nil || !*enabled {
		t.Error("diskUuidEnabled is not set")
	}
}

func TestAnOutdatedChangeIsRefused(t *testing.T) {
	l := newLab(t)
	vm := l.create(l.spec("web"))
	version := l.read(vm).Config.ChangeVersion
	change := types.VirtualMachineConfigSpec{ChangeVersion: version, MemoryMB: 512}
	l.result(vm.Reconfigure(t.Context(), change))
	isFault[types.ConcurrentAccess](l, l.refusal(vm.Reconfigure(t.Context(), change)))
	if l.read(vm).Config.ChangeVersion == version {
		t.Error("the version did not change")
	}
}

func TestTheHardwareOfAPoweredOnVMCannotBeChanged(t *testing.T) {
	l := newLab(t)
	vm := l.create(l.spec("web", scsi(), newDisk(gib)))
	l.result(vm.PowerOn(t.Context()))
	for want, spec := range map[string]types.VirtualMachineConfigSpec{
		"*types.MemoryHotPlugNotSupported": {MemoryMB: 512},
		"*types.CpuHotPlugNotSupported":    {NumCPUs: 2},
		"*types.InvalidPowerState":         {Firmware: "efi"},
		"*types.InvalidDeviceOperation":    {DeviceChange: []types.BaseVirtualDeviceConfigSpec{card("VM Network", "")}},
	} {
		if fault := l.refusal(vm.Reconfigure(t.Context(), spec)); fmt.Sprintf("%T", fault) != want {
			t.Errorf("want %s, got %T", want, fault)
		}
	}
	// Unchanged values, the annotation, the name and options are accepted.
	l.result(vm.Reconfigure(t.Context(), types.VirtualMachineConfigSpec{MemoryMB: 256, NumCPUs: 1, Annotation: "new", Name: "other",
		ExtraConfig: []types.BaseOptionValue{option("k", "v")}}))
	if read := l.read(vm); read.Name != "other" || read.Config.Annotation != "new" || l.option(vm, "k") != "v" {
		t.Errorf("it became %s, %q", read.Name, read.Config.Annotation)
	}
}

func TestNamesAreUniqueInAFolder(t *testing.T) {
	l := newLab(t)
	l.create(l.spec("web"))
	vm := l.create(l.spec("db"))
	isFault[types.DuplicateName](l, l.refusal(vm.Rename(t.Context(), "web")))
	isFault[types.DuplicateName](l, l.refusal(vm.Reconfigure(t.Context(), types.VirtualMachineConfigSpec{Name: "web"})))
	l.result(vm.Rename(t.Context(), "a/b"))
	if name := l.read(vm).Name; name != "a%2fb" {
		t.Errorf("it is called %q", name)
	}
	sub := must(l.folder.CreateFolder(t.Context(), "sub"))(t)
	_, err := l.folder.CreateFolder(t.Context(), "web")
	isFault[types.DuplicateName](l, l.faultOf(err))
	other := l.result(sub.CreateVM(t.Context(), l.spec("web"), l.pool, nil)).(ref)
	isFault[types.DuplicateName](l, l.refusal(l.folder.MoveInto(t.Context(), []ref{other})))
}

func TestDisksAreAddedGrownAndRemoved(t *testing.T) {
	l := newLab(t)
	vm := l.create(l.spec("web", scsi(), newDisk(gib)))
	extra := newDisk(2 * gib)
	extra.GetVirtualDeviceConfigSpec().Device.GetVirtualDevice().ControllerKey = 1000
	change := func(changes ...types.BaseVirtualDeviceConfigSpec) types.VirtualMachineConfigSpec {
		return types.VirtualMachineConfigSpec{DeviceChange: changes}
	}
	l.result(vm.Reconfigure(t.Context(), change(extra)))
	l.expectFiles(filesOfVM("web", "web.vmdk", "web-flat.vmdk", "web_1.vmdk", "web_1-flat.vmdk")...)

	grown := *l.disk(vm)
	grown.CapacityInKB = 3 * gib / 1024 // pyVmomi users often set only this property
	edit := &types.VirtualDeviceConfigSpec{Operation: types.VirtualDeviceConfigSpecOperationEdit, Device: &grown}
	l.result(vm.Reconfigure(t.Context(), change(edit)))
	if disk := l.disk(vm); disk.CapacityInBytes != 3*gib {
		t.Errorf("it is %d bytes large", disk.CapacityInBytes)
	}
	if info := must(os.Stat(l.path("web/web-flat.vmdk")))(t); info.Size() != 3*gib {
		t.Errorf("the file is %d bytes large", info.Size())
	}
	grown.CapacityInKB, grown.CapacityInBytes = gib/1024, gib
	isFault[types.InvalidDeviceSpec](l, l.refusal(vm.Reconfigure(t.Context(), change(edit))))

	second := disksOf(l.read(vm).Config.Hardware.Device)[1]
	destroy := &types.VirtualDeviceConfigSpec{Operation: types.VirtualDeviceConfigSpecOperationRemove, Device: second,
		FileOperation: types.VirtualDeviceConfigSpecFileOperationDestroy}
	l.result(vm.Reconfigure(t.Context(), change(destroy)))
	keep := &types.VirtualDeviceConfigSpec{Operation: types.VirtualDeviceConfigSpecOperationRemove, Device: l.disk(vm)}
	l.result(vm.Reconfigure(t.Context(), change(keep)))
	if disks := disksOf(l.read(vm).Config.Hardware.Device); len(disks) != 0 {
		t.Errorf("it has %d disks", len(disks))
	}
	l.expectFiles(filesOfVM("web", "web.vmdk", "web-flat.vmdk")...)
}

func TestAFailedChangeHasNoEffect(t *testing.T) {
	l := newLab(t)
	vm := l.create(l.spec("web", scsi(), newDisk(gib)))
	before := l.read(vm)
	extra := newDisk(gib)
	extra.GetVirtualDeviceConfigSpec().Device.GetVirtualDevice().ControllerKey = 1000
	isFault[types.InvalidDeviceSpec](l, l.refusal(vm.Reconfigure(t.Context(), types.VirtualMachineConfigSpec{MemoryMB: 512,
		DeviceChange: []types.BaseVirtualDeviceConfigSpec{extra, card("Nowhere", "")}})))
	after := l.read(vm)
	if after.Config.Hardware.MemoryMB != 256 || after.Config.ChangeVersion != before.Config.ChangeVersion ||
		len(after.Config.Hardware.Device) != len(before.Config.Hardware.Device) {
		t.Error("the configuration changed")
	}
	l.expectFiles(filesOfVM("web", "web.vmdk", "web-flat.vmdk")...)
}

func TestACardMovesToAnotherNetwork(t *testing.T) {
	l := newLab(t)
	vm := l.create(l.spec("web", card("VM Network", "")))
	old := cardsOf(l.read(vm).Config.Hardware.Device)[0]
	changed := &types.VirtualVmxnet3{}
	changed.Key, changed.MacAddress, changed.AddressType = old.Key, old.MacAddress, old.AddressType
	changed.Backing = &types.VirtualEthernetCardNetworkBackingInfo{
		VirtualDeviceDeviceBackingInfo: types.VirtualDeviceDeviceBackingInfo{DeviceName: "Backend"}}
	l.result(vm.Reconfigure(t.Context(), types.VirtualMachineConfigSpec{DeviceChange: []types.BaseVirtualDeviceConfigSpec{
		&types.VirtualDeviceConfigSpec{Operation: types.VirtualDeviceConfigSpecOperationEdit, Device: changed}}}))
	read := l.read(vm)
	now := cardsOf(read.Config.Hardware.Device)[0]
	backend := must(l.finder.Network(t.Context(), "Backend"))(t).Reference()
	if now.MacAddress != old.MacAddress || now.AddressType != "assigned" || len(read.Network) != 1 || read.Network[0] != backend {
		t.Errorf("card %+v, networks %v", now, read.Network)
	}
}

func TestFoldersAreDestroyedWithTheirVMs(t *testing.T) {
	l := newLab(t)
	sub := must(l.folder.CreateFolder(t.Context(), "sub"))(t)
	inner := must(sub.CreateFolder(t.Context(), "inner"))(t)
	created := l.result(inner.CreateVM(t.Context(), l.spec("web", scsi(), newDisk(gib)), l.pool, nil)).(ref)
	on := types.PowerOnVM_Task{This: created}
	if _, err := methods.PowerOnVM_Task(t.Context(), l.client.Client, &on); err != nil {
		t.Fatal(err)
	}
	vm := l.server.vm(created)
	l.eventually("on", func() bool { return l.server.powerState(vm) == types.VirtualMachinePowerStatePoweredOn })
	isFault[types.InvalidPowerState](l, l.refusal(sub.Destroy(t.Context())))
	isFault[types.InvalidArgument](l, l.refusal(inner.MoveInto(t.Context(), []ref{sub.Reference()})))
	if err := l.guests.Kill(created.Value); err != nil {
		t.Fatal(err)
	}
	l.eventually("off", func() bool { return l.server.powerState(vm) == types.VirtualMachinePowerStatePoweredOff })
	l.result(sub.Destroy(t.Context()))
	l.expectFiles()
	if left := l.server.children(l.folder.Reference()); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func TestAFolderCanBeDestroyedWithoutTheFilesOfItsVMs(t *testing.T) {
	l := newLab(t)
	sub := must(l.folder.CreateFolder(t.Context(), "sub"))(t)
	created := l.result(sub.CreateVM(t.Context(), l.spec("web", scsi(), newDisk(gib)), l.pool, nil)).(ref)
	vm := object.NewVirtualMachine(l.client.Client, created)
	destroy := func() (*object.Task, error) {
		response, err := methods.UnregisterAndDestroy_Task(t.Context(), l.client.Client, &types.UnregisterAndDestroy_Task{This: sub.Reference()})
		if err != nil {
			return nil, err
		}
		return object.NewTask(l.client.Client, response.Returnval), nil
	}
	l.result(vm.PowerOn(t.Context()))
	isFault[types.InvalidPowerState](l, l.refusal(destroy()))
	l.result(vm.PowerOff(t.Context()))
	l.result(destroy())
	l.expectFiles(filesOfVM("web", "web.vmdk", "web-flat.vmdk")...)
	if left := l.server.children(l.folder.Reference()); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func TestEscapeSequencesInNamesAreKept(t *testing.T) {
	for name, stored := range map[string]string{"a/b": "a%2fb", "a%2Fb": "a%2fb", "50%": "50%25", "50%25": "50%25", "%41b": "Ab", `a\b`: "a%5cb",
		"50%252f": "50%252f", "%c3%a4": "ä"} {
		if got := escaped(name); got != stored {
			t.Errorf("%s is stored as %s, not as %s", name, got, stored)
		}
	}
}

func TestVMsMoveBetweenPools(t *testing.T) {
	l := newLab(t)
	child := must(l.pool.Create(t.Context(), "small", types.DefaultResourceConfigSpec()))(t)
	vm := l.create(l.spec("web"))
	move := types.MoveIntoResourcePool{This: child.Reference(), List: []ref{vm.Reference()}}
	if _, err := methods.MoveIntoResourcePool(t.Context(), l.client.Client, &move); err != nil {
		t.Fatal(err)
	}
	if pool := l.read(vm).ResourcePool; *pool != child.Reference() {
		t.Errorf("it is in %v", pool)
	}
}

func TestAChangeKeepsKeysThatTheGuestSetsMeanwhile(t *testing.T) {
	l := newLab(t)
	l.behave(`{"guest_info_at_power_off": "kept"}`)
	spec := l.spec("web", card("VM Network", ""))
	spec.ExtraConfig = []types.BaseOptionValue{option("old", "1"), option("guestinfo.status", "booting"), option("guestinfo.log", "none")}
	reference := l.create(spec)
	l.result(reference.PowerOn(t.Context()))
	vm := l.server.vm(reference.Reference())
	d := l.server.draftOf(vm)
	if fault := d.apply(&types.VirtualMachineConfigSpec{ExtraConfig: []types.BaseOptionValue{option("new", "1"), option("old", "")}}); fault != nil {
		t.Fatal(fault)
	}
	l.server.Set(vm.Self.Value, "guestinfo.status", "exited")
	l.server.Set(vm.Self.Value, "guestinfo.log", "bye")
	if err := l.guests.Kill(vm.Self.Value); err != nil {
		t.Fatal(err)
	}
	l.eventually("off", func() bool { return l.server.powerState(vm) == types.VirtualMachinePowerStatePoweredOff })
	l.server.publishChange(vm, d)
	for key, want := range map[string]string{"new": "1", "old": "", "guestinfo.status": "exited", "guestinfo.log": "bye"} {
		if got := l.option(reference, key); got != want {
			t.Errorf("%s is %q", key, got)
		}
	}
	if cardsOf(l.read(reference).Config.Hardware.Device)[0].Connectable.Connected {
		t.Error("a card of a machine that is off is connected")
	}
}
