// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/vmware/govmomi/vim25/types"
)

func TestANewVMHasRealFiles(t *testing.T) {
	l := newLab(t)
	vm := l.create(l.spec("web", scsi(), newDisk(2*gib), card("VM Network", ""), cd("[shared0] boot.iso")))
	l.expectFiles(filesOfVM("web", "web.vmdk", "web-flat.vmdk")...)
	info, err := os.Stat(l.path("web/web-flat.vmdk"))
	if err != nil || info.Size() != 2*gib {
		t.Errorf("the disk's file: %v, %v", info, err)
	}
	read := l.read(vm)
	disk := l.disk(vm)
	if backing(disk).FileName != "[shared0] web/web.vmdk" || disk.CapacityInBytes != 2*gib || disk.Key != 2000 ||
		!strings.HasPrefix(backing(disk).Uuid, "6000c29") || backing(disk).Parent != nil {
		t.Errorf("disk %+v %+v", disk, backing(disk))
	}
	if read.Config.Files.VmPathName != "[shared0] web/web.vmx" || read.Config.Hardware.MemoryMB != 256 ||
		read.Runtime.PowerState != types.VirtualMachinePowerStatePoweredOff || read.Summary.Config.NumVirtualDisks != 1 {
		t.Errorf("machine %+v", read.Summary)
	}
	if len(read.Network) != 1 || read.Network[0] != l.network.Reference() || read.Datastore[0] != l.store.Reference() {
		t.Errorf("networks %v, datastores %v", read.Network, read.Datastore)
	}
}

func TestAFailedCreationLeavesNoFiles(t *testing.T) {
	l := newLab(t)
	disk := func(adjust func(*types.VirtualDisk)) types.BaseVirtualDeviceConfigSpec {
		spec := newDisk(gib)
		adjust(spec.GetVirtualDeviceConfigSpec().Device.(*types.VirtualDisk))
		return spec
	}
	with := func(change func(*types.VirtualMachineConfigSpec)) types.VirtualMachineConfigSpec {
		spec := l.spec("web", scsi(), newDisk(gib))
		change(&spec)
		return spec
	}
	for name, test := range map[string]struct {
		spec types.VirtualMachineConfigSpec
		want string
	}{
		"disk that is not there":   {l.spec("web", scsi(), newDisk(gib), existingDisk("[shared0] base/base.vmdk")), "*types.FileNotFound"},
		"unknown datastore":        {with(func(s *types.VirtualMachineConfigSpec) { s.Files.VmPathName = "[other]" }), "*types.InvalidDatastorePath"},
		"path out of datastore":    {l.spec("web", scsi(), existingDisk("[shared0] ../../x.vmdk")), "*types.FileNotFound"},
		"unknown network":          {l.spec("web", scsi(), newDisk(gib), card("Nowhere", "")), "*types.InvalidDeviceSpec"},
		"no controller":            {l.spec("web", newDisk(gib)), "*types.InvalidDeviceSpec"},
		"unit taken":               {l.spec("web", scsi(), newDisk(gib), disk(func(d *types.VirtualDisk) { d.UnitNumber = types.NewInt32(0) })), "*types.InvalidDeviceSpec"},
		"controller's unit":        {l.spec("web", scsi(), disk(func(d *types.VirtualDisk) { d.UnitNumber = types.NewInt32(7) })), "*types.InvalidDeviceSpec"},
		"two controllers of a bus": {l.spec("web", scsi(), scsi()), "*types.InvalidDeviceSpec"},
		"too large a disk":         {l.spec("web", scsi(), newDisk(63<<40)), "*types.InvalidDeviceSpec"},
		"thick disk without space": {l.spec("web", scsi(), disk(func(d *types.VirtualDisk) {
			d.CapacityInBytes = 65 * gib
			backing(d).ThinProvisioned = nil
		})), "*types.NoDiskSpace"},
		"multicast address": {l.spec("web", card("VM Network", "01:00:5e:00:00:01")), "*types.InvalidDeviceSpec"},
		"guest id":          {with(func(s *types.VirtualMachineConfigSpec) { s.GuestId = "no such" }), "*types.InvalidArgument"},
		"too many CPUs":     {with(func(s *types.VirtualMachineConfigSpec) { s.NumCPUs = 5000 }), "*types.InvalidArgument"},
		"odd memory":        {with(func(s *types.VirtualMachineConfigSpec) { s.MemoryMB = 255 }), "*types.InvalidArgument"},
		"no name":           {with(func(s *types.VirtualMachineConfigSpec) { s.Name = "" }), "*types.InvalidName"},
		"no files":          {with(func(s *types.VirtualMachineConfigSpec) { s.Files = nil }), "*types.InvalidVmConfig"},
		"hardware version":  {with(func(s *types.VirtualMachineConfigSpec) { s.Version = "vmx-999" }), "*types.NotSupported"},
		"encryption":        {with(func(s *types.VirtualMachineConfigSpec) { s.Crypto = &types.CryptoSpecEncrypt{} }), "*types.NotSupported"},
	} {
		t.Run(name, func(t *testing.T) {
			fault := l.refusal(l.folder.CreateVM(t.Context(), test.spec, l.pool, nil))
			if got := fmt.Sprintf("%T", fault); got != test.want {
				t.Errorf("got %s %+v", got, fault)
			}
			l.expectFiles()
			if children := l.server.children(l.folder.Reference()); len(children) != 0 {
				t.Errorf("machines are left: %v", children)
			}
			if free := l.server.stores.Named("shared0").Free(); free != 64*gib {
				t.Errorf("%d bytes are free", free)
			}
		})
	}
}

func TestOnlyOneOfConcurrentCreationsWithTheSameNameSucceeds(t *testing.T) {
	l := newLab(t)
	var group sync.WaitGroup
	var mu sync.Mutex
	made := 0
	for range 20 {
		group.Go(func() {
			created, err := l.folder.CreateVM(t.Context(), l.spec("web", scsi(), newDisk(gib)), l.pool, nil)
			if err == nil {
				_, err = created.WaitForResult(t.Context())
			}
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				made++
			} else if fault, ok := l.faultOf(err).(*types.DuplicateName); !ok || fault.Name != "web" {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if made != 1 {
		t.Errorf("%d were made", made)
	}
	l.expectFiles(filesOfVM("web", "web.vmdk", "web-flat.vmdk")...)
}

func TestAFolderWithATakenNameGetsANumber(t *testing.T) {
	l := newLab(t)
	if err := os.Mkdir(l.path("web"), 0o700); err != nil {
		t.Fatal(err)
	}
	vm := l.create(l.spec("web", scsi(), newDisk(gib)))
	if file := backing(l.disk(vm)).FileName; file != "[shared0] web_1/web.vmdk" {
		t.Errorf("the disk is %s", file)
	}
}

func TestAddressesAreUniqueAndManualOnesKept(t *testing.T) {
	l := newLab(t)
	seen := map[string]bool{}
	for number := range 5 {
		vm := l.create(l.spec(fmt.Sprintf("vm%d", number), card("VM Network", ""), card("Backend", ""),
			card("VM Network", fmt.Sprintf("00:50:56:00:00:%02x", number))))
		cards := cardsOf(l.read(vm).Config.Hardware.Device)
		for n, c := range cards {
			if _, err := net.ParseMAC(c.MacAddress); err != nil || seen[c.MacAddress] || !strings.HasPrefix(c.MacAddress, "00:50:56:") {
				t.Errorf("card %d has %q", n, c.MacAddress)
			}
			seen[c.MacAddress] = true
		}
		if want := fmt.Sprintf("00:50:56:00:00:%02x", number); cards[2].MacAddress != want || cards[2].AddressType != "manual" {
			t.Errorf("the manual address became %s %s", cards[2].MacAddress, cards[2].AddressType)
		}
	}
}

func TestADistributedPortGroupIsANetwork(t *testing.T) {
	l := newLab(t)
	network := must(l.finder.Network(t.Context(), "DPG0"))(t)
	info := must(network.EthernetCardBackingInfo(t.Context()))(t)
	spec := card("", "")
	spec.GetVirtualDeviceConfigSpec().Device.GetVirtualDevice().Backing = info
	vm := l.create(l.spec("web", spec))
	l.result(vm.PowerOn(t.Context()))
	if nics := l.guests.lastStarted().NICs; len(nics) != 1 || nics[0].Network != "DVS0 VLAN 0" {
		t.Errorf("started with %+v", nics)
	}
}

func TestADiskOfAnotherVMCanBeAttached(t *testing.T) {
	l := newLab(t)
	first := l.create(l.spec("first", scsi(), newDisk(gib)))
	second := l.create(l.spec("second", scsi(), existingDisk("[shared0] first/first.vmdk")))
	if disk := l.disk(second); disk.CapacityInBytes != gib || backing(disk).Uuid != backing(l.disk(first)).Uuid {
		t.Errorf("attached as %+v", disk)
	}
	// Destroying either VM must not remove the disk of the other.
	l.result(first.Destroy(t.Context()))
	l.expectFiles(append(filesOfVM("second"), "first/first.vmdk", "first/first-flat.vmdk")...)
	l.result(second.Destroy(t.Context()))
	l.expectFiles()
}
