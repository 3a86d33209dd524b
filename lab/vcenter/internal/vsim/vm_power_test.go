// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/config"
	"gantry.invalid/lab/vcenter/internal/machine"
)

func TestAVMIsStartedFromItsFiles(t *testing.T) {
	l := newLab(t)
	image, snapshot := l.image("image")
	l.upload("gantry/boot.iso", "iso")
	spec := linked(l, snapshot)
	spec.Config = &types.VirtualMachineConfigSpec{DeviceChange: []types.BaseVirtualDeviceConfigSpec{
		cd("[shared0] gantry/boot.iso"), card("Backend", "00:50:56:00:00:07")},
		ExtraConfig: []types.BaseOptionValue{option("guestinfo.gantry.spec", "{}"), option("gantry.id", "1")}}
	vm := l.clone(image, "web", spec)
	l.result(vm.PowerOn(t.Context()))
	got := l.guests.lastStarted()
	disk := machine.Disk{Path: l.path("web/web-delta.vmdk"), Format: "qcow2", UUID: backing(l.disk(vm)).Uuid}
	if got.ID != vm.Reference().Value || got.Name != "web" || got.CPUs != 1 || got.MemoryMB != 256 || got.Firmware != "efi" ||
		got.ISO != l.path("gantry/boot.iso") || len(got.Disks) != 1 || got.Disks[0] != disk {
		t.Errorf("started %+v", got)
	}
	if len(got.NICs) != 2 || got.NICs[1] != (machine.NIC{MAC: "00:50:56:00:00:07", Network: "Backend", Connected: true}) {
		t.Errorf("cards %+v", got.NICs)
	}
	if fmt.Sprint(got.GuestInfo) != "map[guestinfo.gantry.spec:{}]" {
		t.Errorf("guest info %v", got.GuestInfo)
	}
	read := l.read(vm)
	if read.Runtime.PowerState != types.VirtualMachinePowerStatePoweredOn || read.Runtime.BootTime == nil ||
		!cardsOf(read.Config.Hardware.Device)[0].Connectable.Connected {
		t.Errorf("it shows as %+v", read.Runtime)
	}
	isFault[types.InvalidPowerState](l, l.refusal(vm.PowerOn(t.Context())))
	isFault[types.InvalidPowerState](l, l.refusal(vm.Destroy(t.Context())))
	l.result(vm.PowerOff(t.Context()))
	isFault[types.InvalidPowerState](l, l.refusal(vm.PowerOff(t.Context())))
	if read := l.read(vm); read.Runtime.PowerState != types.VirtualMachinePowerStatePoweredOff || read.Runtime.BootTime != nil {
		t.Errorf("it shows as %+v", read.Runtime)
	}
}

func TestAMissingISOIsReportedAtPowerOn(t *testing.T) {
	l := newLab(t)
	vm := l.create(l.spec("web", scsi(), newDisk(gib), cd("[shared0] boot.iso")))
	fault := isFault[types.FileNotFound](l, l.refusal(vm.PowerOn(t.Context())))
	if fault.File != "[shared0] boot.iso" {
		t.Errorf("missing %s", fault.File)
	}
	l.upload("boot.iso", "iso")
	l.result(vm.PowerOn(t.Context()))
	l.result(vm.PowerOff(t.Context()))
	l.guests.refuse = errors.New("no free memory")
	isFault[types.GenericVmConfigFault](l, l.refusal(vm.PowerOn(t.Context())))
	if len(l.server.load.admitted) != 0 {
		t.Error("a machine that did not start has a place")
	}
}

func TestReportsOfTheGuestReachClients(t *testing.T) {
	l := newLab(t)
	vm := l.create(l.spec("web", card("VM Network", "")))
	id := vm.Reference().Value
	_, err := methods.ShutdownGuest(t.Context(), l.client.Client, &types.ShutdownGuest{This: vm.Reference()})
	isFault[types.InvalidPowerState](l, l.faultOf(err))
	l.result(vm.PowerOn(t.Context()))
	isFault[types.ToolsUnavailable](l, l.faultOf(vm.ShutdownGuest(t.Context())))

	// A waiting client is notified of the key and of the whole list.
	type update struct{ name, value string }
	updates := make(chan update, 100)
	ready := make(chan struct{})
	go func() {
		pc := property.DefaultCollector(l.connect().Client)
		first := true
		_ = property.Wait(t.Context(), pc, vm.Reference(), []string{"config.extraConfig", "guest.ipAddress", "runtime.powerState"},
			func(changes []types.PropertyChange) bool {
				if first {
					first = false
					close(ready)
					return false
				}
				for _, c := range changes {
					value := fmt.Sprint(c.Val)
					if list, ok := c.Val.(types.ArrayOfOptionValue); ok {
						value = optionValue(list.OptionValue, machine.StatusKey)
					}
					updates <- update{c.Name, value}
				}
				return false
			})
	}()
	<-ready
	mac := cardsOf(l.read(vm).Config.Hardware.Device)[0].MacAddress
	l.server.Guest(id, machine.GuestInfo{Hostname: "web", NICs: []machine.GuestNIC{{MAC: mac, Addresses: []string{"fe80::1/64", "10.77.0.9/20"}}}})
	l.server.Set(id, machine.StatusKey, "running")
	l.server.Set(id, "gantry.id", "stolen")
	expect := func(want update) {
		t.Helper()
		for deadline := time.After(10 * time.Second); ; {
			select {
			case got := <-updates:
				if got == want {
					return
				}
			case <-deadline:
				t.Fatalf("no update %v", want)
			}
		}
	}
	expect(update{"guest.ipAddress", "10.77.0.9"})
	expect(update{"config.extraConfig", "running"})
	read := l.read(vm)
	if read.Guest.HostName != "web" || read.Guest.ToolsRunningStatus != "guestToolsRunning" || read.Guest.ToolsStatus != "toolsOk" ||
		read.Summary.Guest.IpAddress != "10.77.0.9" || read.Guest.Net[0].Network != "VM Network" || read.Guest.Net[0].DeviceConfigId != 4000 {
		t.Errorf("guest %+v", read.Guest)
	}
	if read.GuestHeartbeatStatus != types.ManagedEntityStatusGreen || read.Summary.QuickStats.GuestHeartbeatStatus != types.ManagedEntityStatusGreen ||
		!*read.Guest.GuestStateChangeSupported || *read.Guest.GuestOperationsReady {
		t.Errorf("heartbeat %s, guest %+v", read.GuestHeartbeatStatus, read.Guest)
	}
	if read.Runtime.MaxCpuUsage != 2000 || read.Runtime.MaxMemoryUsage != read.Config.Hardware.MemoryMB || read.Summary.Runtime.MaxCpuUsage != 2000 {
		t.Errorf("runtime %+v", read.Runtime)
	}
	if l.option(vm, "gantry.id") != "" {
		t.Error("a guest has set what is not its own")
	}
	if err := vm.ShutdownGuest(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect(update{"runtime.powerState", "poweredOff"})
	if read := l.read(vm); read.GuestHeartbeatStatus != types.ManagedEntityStatusGray || read.Runtime.MaxCpuUsage != 0 {
		t.Errorf("off: heartbeat %s, runtime %+v", read.GuestHeartbeatStatus, read.Runtime)
	}
	if read := l.read(vm); read.Guest.IpAddress != "" || read.Guest.ToolsRunningStatus != "guestToolsNotRunning" || l.option(vm, machine.StatusKey) != "" {
		t.Errorf("guest %+v", read.Guest)
	}
}

func TestAVMStaysPoweredOnDuringAReset(t *testing.T) {
	l := newLab(t)
	vm := l.create(l.spec("web"))
	l.result(vm.PowerOn(t.Context()))
	l.result(vm.Reset(t.Context()))
	if len(l.guests.started) != 2 || l.read(vm).Runtime.PowerState != types.VirtualMachinePowerStatePoweredOn {
		t.Errorf("started %d times", len(l.guests.started))
	}
	l.result(vm.PowerOff(t.Context()))
}

func TestDRSSpreadsVMsOverHosts(t *testing.T) {
	l := newLab(t)
	var machines []ref
	for n := range 6 {
		machines = append(machines, l.create(l.spec(fmt.Sprintf("vm%d", n))).Reference())
	}
	started, err := l.dc.PowerOnVM(t.Context(), machines)
	result := l.result(started, err).(types.ClusterPowerOnVmResult)
	if len(result.Attempted) != 6 {
		t.Fatalf("attempted %+v", result)
	}
	for _, attempt := range result.Attempted {
		l.result(object.NewTask(l.client.Client, *attempt.Task), nil)
	}
	on := map[string]int{}
	for _, spec := range l.guests.started {
		on[spec.Host]++
	}
	if fmt.Sprint(on) != "map[esx1:2 esx2:2 esx3:2]" {
		t.Errorf("they are on %v", on)
	}
	for _, host := range l.server.site.hosts {
		count := 0
		for _, vm := range machines {
			if l.server.hostOf(l.server.vm(vm)) == host.Self {
				count++
			}
		}
		if count != 2 || len(host.Vm) != 2 {
			t.Errorf("%s shows %d and lists %d", host.Name, count, len(host.Vm))
		}
	}
	again := l.result(l.dc.PowerOnVM(t.Context(), machines[:1])).(types.ClusterPowerOnVmResult)
	if len(again.NotAttempted) != 1 {
		t.Errorf("attempted again: %+v", again)
	}
}

func TestPowerOnMultiMayAnswerWithoutTasks(t *testing.T) {
	l := newLab(t)
	for answer, attempted := range map[string]int{AnswerNoTask: 1, AnswerUnlisted: 0, AnswerTask: 1} {
		l.behave(`{"power_on_answer": "` + answer + `"}`)
		vm := l.create(l.spec(answer))
		result := l.result(l.dc.PowerOnVM(t.Context(), []ref{vm.Reference()})).(types.ClusterPowerOnVmResult)
		if len(result.Attempted) != attempted || len(result.NotAttempted) != 0 {
			t.Errorf("%s: %+v", answer, result)
		}
		for _, attempt := range result.Attempted {
			if (attempt.Task != nil) != (answer == AnswerTask) {
				t.Errorf("%s: %+v", answer, attempt)
			}
		}
		l.eventually("it is on", func() bool { return l.read(vm).Runtime.PowerState == types.VirtualMachinePowerStatePoweredOn })
	}
}

func TestHostsAndPoolsRefuseVMsWithoutResources(t *testing.T) {
	l := newLab(t)
	large := l.spec("large")
	large.MemoryMB = 5000
	isFault[types.InsufficientMemoryResourcesFault](l, l.refusal(l.create(large).PowerOn(t.Context())))
	wide := l.spec("wide")
	wide.NumCPUs = 9
	isFault[types.NumVirtualCpusExceedsLimit](l, l.refusal(l.create(wide).PowerOn(t.Context())))

	small := types.DefaultResourceConfigSpec()
	small.MemoryAllocation.Limit = types.NewInt64(400)
	pool := must(l.pool.Create(t.Context(), "small", small))(t)
	reserved := func(name string) *object.VirtualMachine {
		spec := l.spec(name)
		spec.MemoryAllocation = &types.ResourceAllocationInfo{Reservation: types.NewInt64(200)}
		created := l.result(l.folder.CreateVM(t.Context(), spec, pool, nil)).(ref)
		return object.NewVirtualMachine(l.client.Client, created)
	}
	first, second := reserved("first"), reserved("second")
	l.result(first.PowerOn(t.Context()))
	fault := isFault[types.InsufficientMemoryResourcesFault](l, l.refusal(second.PowerOn(t.Context())))
	if fault.Requested <= 200*mib || fault.Unreserved >= 200*mib {
		t.Errorf("fault %+v", fault)
	}
	l.result(first.PowerOff(t.Context()))
	l.result(second.PowerOn(t.Context()))
}

func TestNoVMStartsOnAHostInMaintenanceMode(t *testing.T) {
	l := newLab(t, func(c *config.Config) { c.Hosts.Names = []string{"esx1", "esx2"} })
	host := must(l.finder.HostSystem(t.Context(), "esx1"))(t)
	l.result(host.EnterMaintenanceMode(t.Context(), 0, false, nil))
	for n := range 3 {
		vm := l.create(l.spec(fmt.Sprintf("vm%d", n)))
		l.result(vm.PowerOn(t.Context()))
		if on := l.guests.lastStarted().Host; on != "esx2" {
			t.Errorf("started on %s", on)
		}
	}
	only := host.Reference()
	vm := l.create(l.spec("web"))
	isFault[types.InvalidHostState](l, l.refusal(vm.Relocate(t.Context(), types.VirtualMachineRelocateSpec{Host: &only}, "")))
}

func TestPlacementRecommendsAHostWithResources(t *testing.T) {
	l := newLab(t)
	busy := l.create(l.spec("busy"))
	l.result(busy.PowerOn(t.Context()))
	taken := l.guests.lastStarted().Host
	spec := l.spec("web")
	place := func(change func(*types.PlacementSpec)) types.PlacementResult {
		t.Helper()
		placement := types.PlacementSpec{PlacementType: string(types.PlacementSpecPlacementTypeCreate), ConfigSpec: &spec}
		change(&placement)
		cluster := l.server.site.cluster.Self
		answer, err := methods.PlaceVm(t.Context(), l.client.Client, &types.PlaceVm{This: cluster, PlacementSpec: placement})
		return must(answer, err)(t).Returnval
	}
	action := place(func(*types.PlacementSpec) {}).Recommendations[0].Action[0].(*types.PlacementAction)
	if name := l.server.nameOf(*action.TargetHost); name == taken || *action.RelocateSpec.Datastore != l.store.Reference() {
		t.Errorf("recommended %s, where %s is taken", name, taken)
	}
	reference := busy.Reference()
	action = place(func(p *types.PlacementSpec) { p.PlacementType, p.Vm = "relocate", &reference }).Recommendations[0].Action[0].(*types.PlacementAction)
	if *action.Vm != reference {
		t.Errorf("recommended for %v", action.Vm)
	}
	spec.MemoryMB = 8192
	if result := place(func(*types.PlacementSpec) {}); len(result.Recommendations) != 0 || result.DrsFault == nil {
		t.Errorf("recommended %+v", result)
	}
}

func TestTheNoneHypervisorReportsAHealthyContainer(t *testing.T) {
	l := newLab(t)
	none := must(machine.NewNone(map[string]string{"VM Network": "10.77.0.0/20"}, "", l.server))(t)
	l.server.UseHypervisor(none)
	l.upload("boot.iso", "an image")
	spec := l.spec("web", card("VM Network", ""), cd("[shared0] boot.iso"))
	spec.ExtraConfig = []types.BaseOptionValue{option(machine.SpecKey, `{"version":1,"id":"7","hostname":"h","healthcheck":{"test":["CMD","x"]},"networks":[{"dhcp":true}]}`)}
	vm := l.create(spec)
	l.result(vm.PowerOn(t.Context()))
	l.eventually("healthy", func() bool { return l.option(vm, machine.StatusKey) != "" })
	if read := l.read(vm); read.Guest.IpAddress != "10.77.0.10" || read.Guest.HostName != "h" {
		t.Errorf("guest %+v", read.Guest)
	}
	if err := vm.ShutdownGuest(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.eventually("off", func() bool { return l.read(vm).Runtime.PowerState == types.VirtualMachinePowerStatePoweredOff })
}

// container returns the spec of a container VM with a CD drive with the backing, connected at power-on or not.
func (l *lab) container(name string, drive types.BaseVirtualDeviceBackingInfo, startConnected bool) types.VirtualMachineConfigSpec {
	added := cd("[shared0] boot.iso")
	device := added.GetVirtualDeviceConfigSpec().Device.GetVirtualDevice()
	device.Backing, device.Connectable = drive, &types.VirtualDeviceConnectInfo{StartConnected: startConnected, AllowGuestControl: true}
	spec := l.spec(name, added)
	spec.ExtraConfig = []types.BaseOptionValue{option(machine.SpecKey, `{"version":1,"id":"7","hostname":"h"}`)}
	return spec
}

func isoBacking() types.BaseVirtualDeviceBackingInfo {
	return &types.VirtualCdromIsoBackingInfo{VirtualDeviceFileBackingInfo: types.VirtualDeviceFileBackingInfo{FileName: "[shared0] boot.iso"}}
}

func emptyDrive() types.BaseVirtualDeviceBackingInfo {
	return &types.VirtualCdromRemotePassthroughBackingInfo{}
}

// drive changes the VM's CD drive.
func (l *lab) drive(vm *object.VirtualMachine, change func(*types.VirtualCdrom)) {
	l.Helper()
	for _, device := range l.read(vm).Config.Hardware.Device {
		if drive, ok := device.(*types.VirtualCdrom); ok {
			change(drive)
			l.result(vm.Reconfigure(l.Context(), types.VirtualMachineConfigSpec{DeviceChange: []types.BaseVirtualDeviceConfigSpec{
				&types.VirtualDeviceConfigSpec{Operation: types.VirtualDeviceConfigSpecOperationEdit, Device: drive}}}))
			return
		}
	}
	l.Fatal("it has no drive")
}

func TestNothingBootsWithoutAConnectedISO(t *testing.T) {
	l := newLab(t)
	l.server.UseHypervisor(must(machine.NewNone(map[string]string{"VM Network": "10.77.0.0/20"}, "", l.server))(t))
	l.upload("boot.iso", "an image")
	without := l.spec("none")
	without.ExtraConfig = []types.BaseOptionValue{option(machine.SpecKey, `{"version":1,"id":"7","hostname":"h"}`)}
	var silent []*object.VirtualMachine
	for _, spec := range []types.VirtualMachineConfigSpec{without, l.container("disconnected", isoBacking(), false), l.container("empty", emptyDrive(), true)} {
		vm := l.create(spec)
		l.result(vm.PowerOn(t.Context()))
		silent = append(silent, vm)
	}
	web := l.create(l.container("web", isoBacking(), true))
	l.result(web.PowerOn(t.Context()))
	l.eventually("it reports a status", func() bool { return l.option(web, machine.StatusKey) != "" })
	for _, vm := range silent {
		read := l.read(vm)
		if read.Runtime.PowerState != types.VirtualMachinePowerStatePoweredOn || l.option(vm, machine.StatusKey) != "" || read.Guest.ToolsRunningStatus != "guestToolsNotRunning" {
			t.Errorf("%s is %s, with the status %q", read.Name, read.Runtime.PowerState, l.option(vm, machine.StatusKey))
		}
	}
	// A drive that has been reconnected boots at the next power-on.
	l.result(silent[1].PowerOff(t.Context()))
	l.drive(silent[1], func(drive *types.VirtualCdrom) { drive.Connectable.StartConnected = true })
	l.result(silent[1].PowerOn(t.Context()))
	l.eventually("it reports a status", func() bool { return l.option(silent[1], machine.StatusKey) != "" })
}

func TestTheHypervisorGetsOnlyAConnectedISO(t *testing.T) {
	l := newLab(t)
	l.upload("boot.iso", "an image")
	vm := l.create(l.container("web", isoBacking(), true))
	iso := func() bool { return l.guests.lastStarted().ISO != "" }
	l.result(vm.PowerOn(t.Context()))
	if !iso() {
		t.Error("it has not got its ISO")
	}
	// If the ISO is disconnected while the VM is on, a reset does not boot from it, but the next power-on does.
	l.drive(vm, func(drive *types.VirtualCdrom) { drive.Connectable.Connected = false })
	l.result(vm.Reset(t.Context()))
	if iso() {
		t.Error("after a reset it has an ISO that was disconnected")
	}
	l.result(vm.PowerOff(t.Context()))
	l.result(vm.PowerOn(t.Context()))
	if !iso() {
		t.Error("at power on it has not got the ISO that it starts with")
	}
	for name, change := range map[string]func(*types.VirtualCdrom){
		"disconnected at power on": func(drive *types.VirtualCdrom) { drive.Connectable.StartConnected = false },
		"emptied":                  func(drive *types.VirtualCdrom) { drive.Backing, drive.Connectable.StartConnected = emptyDrive(), true },
	} {
		l.result(vm.PowerOff(t.Context()))
		l.drive(vm, change)
		l.result(vm.PowerOn(t.Context()))
		if iso() {
			t.Errorf("%s, it has an ISO", name)
		}
	}
}

func TestManualMACAddressesInTheRangesOfVMwareAreRefusedAtPowerOn(t *testing.T) {
	l := newLab(t)
	for number, mac := range []string{"00:50:56:40:00:00", "00:50:56:bf:00:01", "00:0c:29:e7:c9:ec"} {
		vm := l.create(l.spec(fmt.Sprintf("refused%d", number), card("VM Network", mac)))
		if fault := isFault[types.GenericVmConfigFault](l, l.refusal(vm.PowerOn(t.Context()))); !strings.Contains(fault.Reason, mac) {
			t.Errorf("fault %+v", fault)
		}
	}
	// Without an address, vCenter assigns one of the same range.
	for number, mac := range []string{"00:50:56:00:00:00", "00:50:56:3f:ff:ff", "02:00:00:00:00:01", ""} {
		l.result(l.create(l.spec(fmt.Sprintf("web%d", number), card("VM Network", mac))).PowerOn(t.Context()))
	}
}

func TestBIOSTriesTheDiskBeforeTheCDWithoutABootOrder(t *testing.T) {
	l := newLab(t)
	image, snapshot := l.image("image")
	l.upload("gantry/boot.iso", "iso")
	disk := must(os.OpenFile(l.path("image", "image-flat.vmdk"), os.O_WRONLY, 0))(t)
	if _, err := disk.WriteAt([]byte{0x55, 0xaa}, 510); err != nil {
		t.Fatal(err)
	}
	if err := disk.Close(); err != nil {
		t.Fatal(err)
	}
	cdFirst := []types.BaseVirtualMachineBootOptionsBootableDevice{&types.VirtualMachineBootOptionsBootableCdromDevice{}}
	diskFirst := append([]types.BaseVirtualMachineBootOptionsBootableDevice{&types.VirtualMachineBootOptionsBootableDiskDevice{}}, cdFirst...)
	for number, c := range []struct {
		firmware string
		order    []types.BaseVirtualMachineBootOptionsBootableDevice
		boots    bool
	}{{"bios", nil, false}, {"bios", diskFirst, false}, {"bios", cdFirst, true}, {"efi", nil, true}} {
		spec := linked(l, snapshot)
		spec.Config = &types.VirtualMachineConfigSpec{Firmware: c.firmware, BootOptions: &types.VirtualMachineBootOptions{BootOrder: c.order},
			DeviceChange: []types.BaseVirtualDeviceConfigSpec{cd("[shared0] gantry/boot.iso")}}
		l.result(l.clone(image, fmt.Sprintf("web%d", number), spec).PowerOn(t.Context()))
		if started := l.guests.lastStarted(); started.BootsISO() != c.boots {
			t.Errorf("%s %v: %+v", c.firmware, c.order, started)
		}
	}
}
