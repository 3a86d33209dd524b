// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/config"
	"gantry.invalid/lab/vcenter/internal/machine"
)

// sites configures two clusters, two shared datastores, one datastore of esx1 only, and a network that esx3 lacks.
func sites(c *config.Config) {
	c.Hosts.Names = []string{"esx1", "esx2", "esx3"}
	c.Clusters = []config.Cluster{{Name: "C1", Hosts: []string{"esx4"}}}
	c.Datastores = []config.Datastore{{Name: "shared0", CapacityBytes: 64 * gib}, {Name: "shared1", CapacityBytes: gib},
		{Name: "local1", CapacityBytes: gib, Hosts: []string{"esx1"}}}
	c.Networks[1].Hosts = []string{"esx1", "esx2"}
}

func (l *lab) host(name string) *ref {
	l.Helper()
	host := must(l.finder.HostSystem(l.Context(), name))(l).Reference()
	return &host
}

func (l *lab) storeNamed(name string) *ref {
	l.Helper()
	store := must(l.finder.Datastore(l.Context(), name))(l).Reference()
	return &store
}

func (l *lab) poolOf(cluster string) *ref {
	l.Helper()
	pool := must(l.finder.ResourcePool(l.Context(), cluster+"/Resources"))(l).Reference()
	return &pool
}

func (l *lab) move(vm *object.VirtualMachine, spec types.VirtualMachineRelocateSpec) {
	l.Helper()
	l.result(vm.Relocate(l.Context(), spec, types.VirtualMachineMovePriorityDefaultPriority))
}

// refuse expects a fault of a relocation, and the same fault from the check before it.
func refuse[F any](l *lab, vm *object.VirtualMachine, spec types.VirtualMachineRelocateSpec) *F {
	l.Helper()
	result := l.checkRelocate(vm, spec) // for the host of the spec, or for any host
	if len(result.Error) == 0 {
		l.Errorf("the check found nothing against %+v", spec)
	} else if _, same := any(result.Error[0].Fault).(*F); !same {
		l.Errorf("the check found %T: %s", result.Error[0].Fault, result.Error[0].LocalizedMessage)
	}
	return isFault[F](l, l.refusal(vm.Relocate(l.Context(), spec, types.VirtualMachineMovePriorityDefaultPriority)))
}

func (l *lab) checkRelocate(vm *object.VirtualMachine, spec types.VirtualMachineRelocateSpec, tests ...string) types.CheckResult {
	l.Helper()
	checker := *l.client.ServiceContent.VmProvisioningChecker
	answer, err := methods.CheckRelocate_Task(l.Context(), l.client.Client,
		&types.CheckRelocate_Task{This: checker, Vm: vm.Reference(), Spec: spec, TestType: tests})
	task := must(answer, err)(l).Returnval
	results := l.result(object.NewTask(l.client.Client, task), nil).(types.ArrayOfCheckResult).CheckResult
	return results[0]
}

// lists returns the objects whose list of VMs contains the VM.
func (l *lab) lists(vm object.Reference) []string {
	l.Helper()
	var lists []string
	for _, kind := range []string{"HostSystem", "Datastore", "ResourcePool", "Network"} {
		for _, entity := range l.server.registry.All(kind) {
			var machines []ref
			switch e := entity.(type) {
			case *simulator.HostSystem:
				machines = e.Vm
			case *simulator.Datastore:
				machines = e.Vm
			case *simulator.ResourcePool:
				machines = e.Vm
			case *mo.Network:
				machines = e.Vm
			}
			if slices.Contains(machines, vm.Reference()) {
				lists = append(lists, entity.Entity().Name)
			}
		}
	}
	return lists
}

func TestAVMIsMovedBetweenHosts(t *testing.T) {
	for _, on := range []bool{false, true} {
		l := newLab(t, sites)
		vm := l.create(l.spec("web", scsi(), newDisk(gib), card("VM Network", "")))
		if on {
			l.result(vm.PowerOn(t.Context()))
		}
		for _, name := range []string{"esx2", "esx3", "esx3", "esx1"} {
			l.move(vm, types.VirtualMachineRelocateSpec{Host: l.host(name)})
			read := l.read(vm)
			if *read.Runtime.Host != *l.host(name) || *read.Summary.Runtime.Host != *l.host(name) {
				t.Errorf("it is on %v, want %s", read.Runtime.Host, name)
			}
			if got := l.lists(vm); !slices.Equal(got, []string{name, "shared0", "Resources", "VM Network"}) {
				t.Errorf("on %s it is in the lists of %v", name, got)
			}
			if claimed, there := l.server.load.admitted[vm.Reference()]; there != on || on && claimed.Host != *l.host(name) {
				t.Errorf("on %s its claim is %+v", name, claimed)
			}
			if on && l.guests.on[vm.Reference().Value].Host != name {
				t.Errorf("the guest runs on %s", l.guests.on[vm.Reference().Value].Host)
			}
		}
		info := must(l.server.Machine("web"))(t)
		if !on && len(info.Moves) != 0 {
			t.Errorf("moves of a machine that was off: %+v", info.Moves)
		}
		if on {
			got := info.Moves[len(info.Moves)-1]
			if got != (MoveRecord{"esx3", "esx1", machine.MoveStopCopy, 0.25}) || len(info.Moves) < 3 {
				t.Errorf("moves %+v", info.Moves)
			}
			l.result(vm.PowerOff(t.Context()))
		}
	}
}

func TestAFailedMoveLeavesTheVMUnchanged(t *testing.T) {
	l := newLab(t, sites)
	vm := l.create(l.spec("web", scsi(), newDisk(64*mib)))
	l.move(vm, types.VirtualMachineRelocateSpec{Host: l.host("esx1")})
	l.result(vm.PowerOn(t.Context()))
	from := *l.read(vm).Runtime.Host
	target := l.host("esx2")
	if from == *target {
		target = l.host("esx1")
	}
	files := l.files()
	l.guests.refuse = errors.New("the connection is lost")
	for _, spec := range []types.VirtualMachineRelocateSpec{{Host: target}, {Host: target, Datastore: l.storeNamed("shared1")}} {
		fault := isFault[types.MigrationFault](l, l.refusal(vm.Relocate(t.Context(), spec, "")))
		if !strings.Contains(faultText(fault), "the connection is lost") {
			t.Errorf("the fault has the message %q", faultText(fault))
		}
		if read := l.read(vm); *read.Runtime.Host != from || l.server.load.admitted[vm.Reference()].Host != from {
			t.Errorf("it is on %v", read.Runtime.Host)
		}
		if got := l.files(); !slices.Equal(got, files) {
			t.Errorf("files %v", got)
		}
	}
	if entries := must(os.ReadDir(filepath.Join(l.server.config.StateDir, "datastores", "shared1")))(t); len(entries) != 0 {
		t.Errorf("left on the other datastore: %v", entries)
	}
}

func TestMovesThatARealVCenterRefusesAreRefused(t *testing.T) {
	l := newLab(t, sites)
	l.upload("boot.iso", "iso")
	vm := l.create(l.spec("web", scsi(), newDisk(64*mib), card("Backend", "")))
	to := func(name string) types.VirtualMachineRelocateSpec {
		return types.VirtualMachineRelocateSpec{Host: l.host(name)}
	}
	l.move(vm, to("esx1"))

	if fault := refuse[types.InvalidArgument](l, vm, to("esx4")); fault.InvalidProperty != "spec.pool" {
		t.Errorf("another cluster's host: %s", fault.InvalidProperty)
	}
	refuse[types.InvalidArgument](l, vm, types.VirtualMachineRelocateSpec{Host: l.host("esx2"), Pool: l.poolOf("C1")})
	refuse[types.InvalidArgument](l, vm, types.VirtualMachineRelocateSpec{Disk: []types.VirtualMachineRelocateSpecDiskLocator{
		{DiskId: 4711, Datastore: *l.storeNamed("shared1")}}})
	refuse[types.InvalidArgument](l, vm, types.VirtualMachineRelocateSpec{Datastore: l.storeNamed("shared1"), DiskMoveType: "teleport"})
	network := refuse[types.CannotAccessNetwork](l, vm, to("esx3"))
	if l.server.nameOf(*network.Network) != "Backend" {
		t.Errorf("fault %+v", network)
	}

	host := must(l.finder.HostSystem(t.Context(), "esx2"))(t)
	l.result(host.Disconnect(t.Context()))
	refuse[types.HostNotConnected](l, vm, to("esx2"))
	l.result(host.Reconnect(t.Context(), nil, nil))
	l.result(host.EnterMaintenanceMode(t.Context(), 0, false, nil))
	refuse[types.InvalidHostState](l, vm, to("esx2"))
	l.result(host.ExitMaintenanceMode(t.Context(), 0))

	// Files on a local datastore bind the VM to its host unless they are moved with it.
	l.move(vm, types.VirtualMachineRelocateSpec{Datastore: l.storeNamed("local1")})
	disk := refuse[types.CannotAccessVmConfig](l, vm, to("esx2"))
	if _, known := disk.Reason.Fault.(*types.InvalidDatastore); !known {
		t.Errorf("fault %+v", disk)
	}
	l.move(vm, types.VirtualMachineRelocateSpec{Host: l.host("esx2"), Datastore: l.storeNamed("shared0")})
	refuse[types.InvalidDatastore](l, vm, types.VirtualMachineRelocateSpec{Datastore: l.storeNamed("local1")})

	if err := l.server.SetFree("shared1", 10); err != nil {
		t.Fatal(err)
	}
	full := types.VirtualMachineRelocateSpec{Datastore: l.storeNamed("shared1"), Transform: types.VirtualMachineRelocateTransformationFlat}
	if fault := refuse[types.NoDiskSpace](l, vm, full); fault.Datastore != "shared1" {
		t.Errorf("fault %+v", fault)
	}
	l.expectFiles(append(filesOfVM("web", "web.vmdk", "web-flat.vmdk"), "boot.iso")...)
}

func TestDevicesThatBindAVMToItsHostBlockAMove(t *testing.T) {
	l := newLab(t, sites)
	if err := os.WriteFile(filepath.Join(l.server.config.StateDir, "datastores", "local1", "boot.iso"), []byte("iso"), 0o600); err != nil {
		t.Fatal(err)
	}
	serial := &types.VirtualSerialPort{VirtualDevice: types.VirtualDevice{Key: -5,
		Backing: &types.VirtualSerialPortURIBackingInfo{VirtualDeviceURIBackingInfo: types.VirtualDeviceURIBackingInfo{
			ServiceURI: "tcp://logs:514", Direction: "client"}},
		Connectable: &types.VirtualDeviceConnectInfo{StartConnected: true}}}
	passthrough := &types.VirtualPCIPassthrough{VirtualDevice: types.VirtualDevice{Key: -6}}
	esx1 := func() types.VirtualMachineRelocateSpec { return types.VirtualMachineRelocateSpec{Host: l.host("esx1")} }
	esx2 := types.VirtualMachineRelocateSpec{Host: l.host("esx2")}
	for name, device := range map[string]types.BaseVirtualDeviceConfigSpec{"cd": cd("[local1] boot.iso"), "serial": addition(serial),
		"pci": addition(passthrough)} {
		vm := l.create(l.spec(name))
		l.move(vm, esx1())
		l.reconfigure(vm, device)
		if result := l.checkRelocate(vm, esx2); len(result.Error) != 0 {
			t.Errorf("%s, off: %+v", name, result.Error)
		}
		l.result(vm.PowerOn(t.Context()))
		l.move(vm, esx1())
		switch name {
		case "cd":
			fault := refuse[types.CannotAccessVmDevice](l, vm, esx2)
			if fault.Backing != "[local1] boot.iso" || !fault.Connected {
				t.Errorf("fault %+v", fault)
			}
		case "serial":
			refuse[types.RemoteDeviceNotSupported](l, vm, esx2)
		case "pci":
			refuse[types.DeviceNotSupported](l, vm, esx2)
		}
		if only := l.checkRelocate(vm, esx2, string(types.CheckTestTypeNetworkTests)); len(only.Error) != 0 {
			t.Errorf("%s, by the network's tests: %+v", name, only.Error)
		}
		l.result(vm.PowerOff(t.Context()))
	}
}

func TestDevicesThatOtherHostsTakeOverDoNotBlockAMove(t *testing.T) {
	pci := func(backing types.BaseVirtualDeviceBackingInfo) types.BaseVirtualDevice {
		return &types.VirtualPCIPassthrough{VirtualDevice: types.VirtualDevice{Key: -6, Backing: backing}}
	}
	usb := func(connected bool, backing types.BaseVirtualDeviceBackingInfo) types.BaseVirtualDevice {
		return &types.VirtualUSB{VirtualDevice: types.VirtualDevice{Key: -6, Backing: backing}, Connected: connected}
	}
	for name, test := range map[string]struct {
		device types.BaseVirtualDevice
		moves  bool
	}{
		"vgpu":             {pci(&types.VirtualPCIPassthroughVmiopBackingInfo{MigrateSupported: types.NewBool(true)}), true},
		"vgpu, unknown":    {pci(&types.VirtualPCIPassthroughVmiopBackingInfo{}), true},
		"vgpu, bound":      {pci(&types.VirtualPCIPassthroughVmiopBackingInfo{MigrateSupported: types.NewBool(false)}), false},
		"dvx":              {pci(&types.VirtualPCIPassthroughDvxBackingInfo{DeviceClass: "c"}), true},
		"dynamic":          {pci(&types.VirtualPCIPassthroughDynamicBackingInfo{}), false},
		"usb":              {usb(true, &types.VirtualUSBUSBBackingInfo{}), false},
		"usb, unconnected": {usb(false, &types.VirtualUSBUSBBackingInfo{}), true},
		"usb, remote host": {usb(true, &types.VirtualUSBRemoteHostBackingInfo{Hostname: "esx1"}), true},
	} {
		if fault := boundDevice(test.device); (fault == nil) != test.moves {
			t.Errorf("%s: %T", name, fault)
		}
	}
}

// pathOn returns the absolute path of a file on a datastore.
func (l *lab) pathOn(store string, elements ...string) string {
	return filepath.Join(append([]string{l.server.config.StateDir, "datastores", store}, elements...)...)
}

func (l *lab) reconfigure(vm *object.VirtualMachine, devices ...types.BaseVirtualDeviceConfigSpec) {
	l.Helper()
	l.result(vm.Reconfigure(l.Context(), types.VirtualMachineConfigSpec{DeviceChange: devices}))
}

func TestMovingAPoweredOnVMRequiresResourcesAtTheDestination(t *testing.T) {
	l := newLab(t, sites)
	heavy := func(name string) *object.VirtualMachine {
		spec := l.spec(name)
		spec.MemoryMB = 3000
		spec.MemoryAllocation = &types.ResourceAllocationInfo{Reservation: types.NewInt64(3000)}
		return l.create(spec)
	}
	first, second := heavy("first"), heavy("second")
	l.result(first.PowerOn(t.Context()))
	l.result(second.PowerOn(t.Context()))
	taken := *l.read(first).Runtime.Host
	refuse[types.InsufficientMemoryResourcesFault](l, second, types.VirtualMachineRelocateSpec{Host: &taken})
	// With only a pool of another cluster in the spec, the host is chosen automatically.
	l.move(second, types.VirtualMachineRelocateSpec{Pool: l.poolOf("C1")})
	if read := l.read(second); *read.Runtime.Host != *l.host("esx4") || *read.ResourcePool != *l.poolOf("C1") {
		t.Errorf("it is on %v in %v", read.Runtime.Host, read.ResourcePool)
	}
	if claimed := l.server.load.admitted[second.Reference()]; claimed.pool != *l.poolOf("C1") || claimed.Host != *l.host("esx4") {
		t.Errorf("its claim is %+v", claimed)
	}
}

func TestMandatoryRulesPreventMovesAndEvacuations(t *testing.T) {
	d := newDRSLab(t, types.DrsBehaviorFullyAutomated)
	machine := d.vms("web")[0]
	vm := object.NewVirtualMachine(d.client.Client, machine)
	d.apply(&types.ClusterConfigSpecEx{
		GroupSpec: []types.ClusterGroupSpec{
			{ArrayUpdateSpec: types.ArrayUpdateSpec{Operation: types.ArrayUpdateOperationAdd}, Info: vmsGroup("vms", machine)},
			{ArrayUpdateSpec: types.ArrayUpdateSpec{Operation: types.ArrayUpdateOperationAdd}, Info: hostsGroup("hosts", d.hosts[:2]...)}},
		RulesSpec: []types.ClusterRuleSpec{{ArrayUpdateSpec: types.ArrayUpdateSpec{Operation: types.ArrayUpdateOperationAdd},
			Info: mandatory(runOn("licence", "vms", "hosts"))}}})
	d.powerOn(machine, d.hosts[0])
	refuse[types.VmHostAffinityRuleViolation](d.lab, vm, types.VirtualMachineRelocateSpec{Host: &d.hosts[2]})
	host := object.NewHostSystem(d.client.Client, d.hosts[0])
	d.result(host.EnterMaintenanceMode(t.Context(), 30, false, nil))
	if on := d.hostOfVM(machine); on != d.hosts[1] {
		t.Errorf("it went to %s", d.server.nameOf(on))
	}
}

func TestAStorageMoveMovesAllFiles(t *testing.T) {
	consolidate := string(types.VirtualMachineRelocateDiskMoveOptionsMoveAllDiskBackingsAndConsolidate)
	for _, test := range []struct {
		on   bool
		how  string
		base string // the new parent
		data string
	}{
		{false, "", "web-base_1", "web-delta.vmdk"}, {true, "", "web-base_1", "web-delta.vmdk"},
		{false, consolidate, "", "web-flat.vmdk"}, {true, consolidate, "", "web-flat.vmdk"},
	} {
		l := newLab(t, sites)
		image, snapshot := l.image("image")
		l.write("image/image-flat.vmdk", "5", "4096")
		vm := l.clone(image, "web", linked(l, snapshot))
		if test.on {
			l.result(vm.PowerOn(t.Context()))
		}
		uuid := backing(l.disk(vm)).Uuid
		l.run("qemu-io", "-f", "qcow2", "-c", "write -P 7 8192 512", l.path("web", "web-delta.vmdk"))
		l.move(vm, types.VirtualMachineRelocateSpec{Datastore: l.storeNamed("shared1"), Host: l.host("esx2"), DiskMoveType: test.how})

		read := l.read(vm)
		moved := backing(l.disk(vm))
		if read.Config.Files.VmPathName != "[shared1] web/web.vmx" || moved.FileName != "[shared1] web/web.vmdk" ||
			moved.Uuid != uuid || *moved.Datastore != *l.storeNamed("shared1") {
			t.Errorf("moved to %s, %+v", read.Config.Files.VmPathName, moved)
		}
		if !slices.Equal(l.lists(vm), []string{"esx2", "shared1", "Resources", "VM Network"}) {
			t.Errorf("it is in the lists of %v", l.lists(vm))
		}
		l.expectFiles(append(filesOfVM("image", "image.vmdk", "image-flat.vmdk"), "image/image-000001.vmdk", "image/image-000001-delta.vmdk")...)
		data, format := l.pathOn("shared1", "web", test.data), "raw"
		if test.base != "" {
			format = "qcow2"
			if moved.Parent == nil || moved.Parent.FileName != "[shared1] web/"+test.base+".vmdk" {
				t.Errorf("its parent is %+v", moved.Parent)
			}
		} else if moved.Parent != nil {
			t.Errorf("its parent is %+v", moved.Parent)
		}
		if test.on {
			running := l.guests.on[vm.Reference().Value]
			if running.Disks[0].Path != data || running.Disks[0].Format != format || running.Host != "esx2" {
				t.Errorf("it runs as %+v", running)
			}
			l.result(vm.PowerOff(t.Context()))
		}
		l.run("qemu-io", "-f", format, "-c", "read -P 5 4096 512", "-c", "read -P 7 8192 512", data)
		l.result(vm.Destroy(t.Context()))
		if left := must(os.ReadDir(l.pathOn("shared1")))(t); len(left) != 0 {
			t.Errorf("left: %v", left)
		}
		if free := l.server.stores.Named("shared1").Free(); free != gib {
			t.Errorf("%d bytes are free", free)
		}
	}
}

func TestAMovedDiskSharesAReadOnlyDiskOfTheSameContent(t *testing.T) {
	l := newLab(t, sites)
	image, snapshot := l.image("image")
	l.write("image/image-flat.vmdk", "5", "4096")
	there := l.clone(image, "copy", types.VirtualMachineCloneSpec{Location: types.VirtualMachineRelocateSpec{Datastore: l.storeNamed("shared1")}})
	sharing := types.VirtualMachineRelocateSpec{Datastore: l.storeNamed("shared1"),
		DiskMoveType: string(types.VirtualMachineRelocateDiskMoveOptionsMoveAllDiskBackingsAndAllowSharing)}
	vm := l.clone(image, "web", linked(l, snapshot))
	l.move(vm, sharing)
	if below := backing(l.disk(vm)).Parent; below == nil || below.FileName != "[shared1] web/web-base_1.vmdk" {
		t.Errorf("beside a disk that can be written, its parent is %+v", below)
	}
	l.result(there.CreateSnapshot(t.Context(), "base", "", false, false))
	other := l.clone(image, "other", linked(l, snapshot))
	l.move(other, sharing)
	if below := backing(l.disk(other)).Parent; below == nil || below.FileName != "[shared1] copy/copy.vmdk" {
		t.Errorf("its parent is %+v", below)
	}
	// Moved again, the copy of the parent is removed with its last user.
	l.move(vm, types.VirtualMachineRelocateSpec{Datastore: l.storeNamed("shared0"), DiskMoveType: sharing.DiskMoveType})
	if below := backing(l.disk(vm)).Parent; below == nil || below.FileName != "[shared0] image/image.vmdk" {
		t.Errorf("moved back, its parent is %+v", below)
	}
	if _, err := os.Stat(l.pathOn("shared1", "web")); !os.IsNotExist(err) {
		t.Errorf("its folder is left: %v", err)
	}
}

func TestAMoveOfALinkedCloneNeedsRoomForItsChainAndKeepsItsFormat(t *testing.T) {
	l := newLab(t, sites)
	image, snapshot := l.image("image")
	l.run("qemu-io", "-f", "raw", "-c", "write -P 5 0 1M", l.path("image", "image-flat.vmdk"))
	vm := l.clone(image, "web", linked(l, snapshot))
	disk := l.disk(vm)
	refuse[types.InvalidArgument](l, vm, types.VirtualMachineRelocateSpec{Disk: []types.VirtualMachineRelocateSpecDiskLocator{{DiskId: disk.Key,
		Datastore: *l.storeNamed("shared1"), DiskBackingInfo: &types.VirtualDiskFlatVer2BackingInfo{ThinProvisioned: types.NewBool(false)}}}})
	if err := l.server.SetFree("shared1", 512*1024); err != nil {
		t.Fatal(err)
	}
	refuse[types.NoDiskSpace](l, vm, types.VirtualMachineRelocateSpec{Datastore: l.storeNamed("shared1")})
}

func TestOnlyTheTopDiskIsMovedIfRequested(t *testing.T) {
	l := newLab(t, sites)
	image, snapshot := l.image("image")
	vm := l.clone(image, "web", linked(l, snapshot))
	l.run("qemu-io", "-f", "qcow2", "-c", "write -P 7 8192 512", l.path("web", "web-delta.vmdk"))
	disk := l.disk(vm)
	l.move(vm, types.VirtualMachineRelocateSpec{Disk: []types.VirtualMachineRelocateSpecDiskLocator{{DiskId: disk.Key,
		Datastore: *l.storeNamed("shared1"), DiskMoveType: string(types.VirtualMachineRelocateDiskMoveOptionsMoveChildMostDiskBacking)}}})
	moved := backing(l.disk(vm))
	if moved.FileName != "[shared1] web/web.vmdk" || moved.Parent == nil || moved.Parent.FileName != "[shared0] image/image.vmdk" {
		t.Fatalf("moved to %+v over %+v", moved, moved.Parent)
	}
	l.run("qemu-io", "-f", "qcow2", "-c", "read -P 7 8192 512", l.pathOn("shared1", "web", "web-delta.vmdk"))
	l.run("qemu-img", "check", "-q", l.pathOn("shared1", "web", "web-delta.vmdk"))
	if home := l.read(vm).Config.Files.VmPathName; home != "[shared0] web/web.vmx" {
		t.Errorf("its home is %s", home)
	}
	// The base is on the datastore that it returns to, so it is shared. The base's own VM has been destroyed.
	l.result(image.Destroy(t.Context()))
	l.move(vm, types.VirtualMachineRelocateSpec{Datastore: l.storeNamed("shared0"),
		DiskMoveType: string(types.VirtualMachineRelocateDiskMoveOptionsMoveAllDiskBackingsAndAllowSharing)})
	if back := backing(l.disk(vm)); back.FileName != "[shared0] web/web.vmdk" || back.Parent == nil {
		t.Errorf("moved back to %+v", back)
	}
	// The disk is consolidated on another datastore. It was the last user of its parent.
	l.move(vm, types.VirtualMachineRelocateSpec{Datastore: l.storeNamed("shared1")})
	l.expectFiles()
}

func TestSnapshotsAreMovedWithTheirVM(t *testing.T) {
	for _, on := range []bool{false, true} {
		l := newLab(t, sites)
		vm, snapshot := l.image("web")
		clone := l.clone(vm, "clone", linked(l, snapshot))
		l.write("web/web-flat.vmdk", "1", "0")
		l.write("web/web-000001-delta.vmdk", "2", "4096")
		disk := l.disk(vm)
		refuse[types.SnapshotMoveToNonHomeNotSupported](l, vm, types.VirtualMachineRelocateSpec{
			Disk: []types.VirtualMachineRelocateSpecDiskLocator{{DiskId: disk.Key, Datastore: *l.storeNamed("shared1")}}})
		// A clone depends on the disk that is moved, so the disk is kept.
		l.move(vm, types.VirtualMachineRelocateSpec{Datastore: l.storeNamed("shared1")})
		l.expectFiles(append(filesOfVM("clone", "clone.vmdk", "clone-delta.vmdk"), "web/web.vmdk", "web/web-flat.vmdk")...)
		l.result(clone.Destroy(t.Context()))
		l.expectFiles()

		vm = l.named("web")
		l.result(vm.CreateSnapshot(t.Context(), "second", "", false, false))
		if on {
			l.result(vm.PowerOn(t.Context()))
		}
		l.move(vm, types.VirtualMachineRelocateSpec{Datastore: l.storeNamed("shared0")})
		if left := must(os.ReadDir(l.pathOn("shared1")))(t); len(left) != 0 {
			t.Errorf("left: %v", left)
		}
		if on {
			if disk := l.guests.on[vm.Reference().Value].Disks[0]; disk.Format != "qcow2" || filepath.Dir(disk.Path) != l.path("web") {
				t.Errorf("it runs on %+v", disk)
			}
			l.result(vm.PowerOff(t.Context()))
		}
		l.expectAt(vm, "1", "0")
		l.expectAt(vm, "2", "4096")
		l.result(vm.RevertToSnapshot(t.Context(), "base", true))
		l.expectAt(vm, "1", "0")
		l.expectAt(vm, "0", "4096")
		l.result(vm.RemoveAllSnapshot(t.Context(), nil))
		l.expectAt(vm, "1", "0")
		l.result(vm.Destroy(t.Context()))
		l.expectFiles()
	}
}

func TestAMoveConnectsANetworkAdapterToAnotherNetwork(t *testing.T) {
	for name, where := range map[string]func(*lab) types.VirtualMachineRelocateSpec{
		"esx3": func(l *lab) types.VirtualMachineRelocateSpec {
			return types.VirtualMachineRelocateSpec{Host: l.host("esx3")}
		},
		"esx4": func(l *lab) types.VirtualMachineRelocateSpec {
			return types.VirtualMachineRelocateSpec{Pool: l.poolOf("C1")}
		},
	} {
		l := newLab(t, sites)
		vm := l.create(l.spec("web", card("Backend", "")))
		l.move(vm, types.VirtualMachineRelocateSpec{Host: l.host("esx1")})
		l.result(vm.PowerOn(t.Context()))
		device := object.VirtualDeviceList(l.read(vm).Config.Hardware.Device).SelectByType((*types.VirtualEthernetCard)(nil))[0]
		address := device.(types.BaseVirtualEthernetCard).GetVirtualEthernetCard().MacAddress
		device.GetVirtualDevice().Backing = &types.VirtualEthernetCardNetworkBackingInfo{
			VirtualDeviceDeviceBackingInfo: types.VirtualDeviceDeviceBackingInfo{DeviceName: "VM Network"}}
		spec := where(l)
		spec.DeviceChange = []types.BaseVirtualDeviceConfigSpec{
			&types.VirtualDeviceConfigSpec{Operation: types.VirtualDeviceConfigSpecOperationEdit, Device: device}}
		l.move(vm, spec)
		if nic := l.guests.on[vm.Reference().Value].NICs[0]; nic.Network != "VM Network" || nic.MAC != address {
			t.Errorf("the guest's card: %+v", nic)
		}
		if got := l.lists(vm); !slices.Equal(got, []string{name, "shared0", "Resources", "VM Network"}) {
			t.Errorf("it is in the lists of %v", got)
		}
	}
}

func TestATemplateIsNeitherMovedNorMigrated(t *testing.T) {
	l := newLab(t, sites)
	vm := l.create(l.spec("image", scsi(), newDisk(64*mib)))
	if err := vm.MarkAsTemplate(t.Context()); err != nil {
		t.Fatal(err)
	}
	refuse[types.NotSupported](l, vm, types.VirtualMachineRelocateSpec{Host: l.host("esx2")})
	refuse[types.NotSupported](l, vm, types.VirtualMachineRelocateSpec{Datastore: l.storeNamed("shared1")})
	migrated, err := methods.MigrateVM_Task(t.Context(), l.client.Client, &types.MigrateVM_Task{This: vm.Reference(), Host: l.host("esx1")})
	isFault[types.NotSupported](l, l.refusal(object.NewTask(l.client.Client, must(migrated, err)(t).Returnval), nil))
}

func TestDRSChoosesTheHostOfAMigrationWithoutOne(t *testing.T) {
	l := newLab(t, sites)
	vm := l.create(l.spec("web"))
	l.result(vm.PowerOn(t.Context()))
	from := *l.read(vm).Runtime.Host
	migrate := func(request types.MigrateVM_Task) *object.Task {
		request.This = vm.Reference()
		return object.NewTask(l.client.Client, must(methods.MigrateVM_Task(t.Context(), l.client.Client, &request))(t).Returnval)
	}
	isFault[types.InvalidPowerState](l, l.refusal(migrate(types.MigrateVM_Task{State: types.VirtualMachinePowerStatePoweredOff}), nil))
	l.result(migrate(types.MigrateVM_Task{State: types.VirtualMachinePowerStatePoweredOn}), nil)
	if now := *l.read(vm).Runtime.Host; now == from {
		t.Errorf("it stayed on %s", l.server.nameOf(now))
	}
}

func TestACheckWithoutAHostChecksAllHosts(t *testing.T) {
	l := newLab(t, sites)
	vm := l.create(l.spec("web", card("Backend", "")))
	l.result(vm.PowerOn(t.Context()))
	checker, content := vm.Reference(), l.client.ServiceContent
	migrate, err := methods.CheckMigrate_Task(t.Context(), l.client.Client, &types.CheckMigrate_Task{This: *content.VmProvisioningChecker, Vm: checker})
	results := l.result(object.NewTask(l.client.Client, must(migrate, err)(t).Returnval), nil).(types.ArrayOfCheckResult).CheckResult
	found := map[string]int{}
	for _, result := range results {
		found[l.server.nameOf(*result.Host)] = len(result.Error)
	}
	if len(found) != 3 || found["esx1"] != 0 || found["esx2"] != 0 || found["esx3"] != 1 {
		t.Errorf("errors by host: %v", found)
	}
	query, err := methods.QueryVMotionCompatibilityEx_Task(t.Context(), l.client.Client, &types.QueryVMotionCompatibilityEx_Task{
		This: *content.VmProvisioningChecker, Vm: []ref{checker}, Host: []ref{*l.host("esx2"), *l.host("esx3")}})
	results = l.result(object.NewTask(l.client.Client, must(query, err)(t).Returnval), nil).(types.ArrayOfCheckResult).CheckResult
	if len(results) != 2 || len(results[0].Error) != 0 || len(results[1].Error) != 1 {
		t.Errorf("results %+v", results)
	}
	_, err = methods.CheckMigrate_Task(t.Context(), l.client.Client, &types.CheckMigrate_Task{This: *content.VmProvisioningChecker,
		Vm: checker, TestType: []string{"smell"}})
	isFault[types.InvalidArgument](l, l.faultOf(err))
}
