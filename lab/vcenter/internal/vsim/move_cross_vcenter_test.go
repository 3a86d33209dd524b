// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"errors"
	"os"
	"testing"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/certificates"
	"gantry.invalid/lab/vcenter/internal/config"
	"gantry.invalid/lab/vcenter/internal/machine"
)

// pair is a pair of vCenters with one hypervisor.
type pair struct {
	first, second *lab
	guests        *guests
}

func newPair(t *testing.T) *pair {
	t.Helper()
	p := &pair{first: newLab(t), second: newLab(t, func(c *config.Config) {
		c.Datacenter = "DC1"
		c.Hosts.Names = []string{"remote1", "remote2"}
	})}
	shared := machine.NewShared()
	p.guests = &guests{events: shared, on: map[string]machine.Spec{}}
	shared.Use(p.guests)
	p.first.server.UseHypervisor(shared.Tenant("", p.first.server))
	p.second.server.UseHypervisor(shared.Tenant("vc2-", p.second.server))
	p.first.server.Link(p.second.server, p.second.http.TLS.Certificates[0])
	p.second.server.Link(p.first.server, p.first.http.TLS.Certificates[0])
	return p
}

// locator returns the service locator of a lab.
func locator(l *lab) *types.ServiceLocator {
	return &types.ServiceLocator{Url: "https://" + l.server.config.Listen, InstanceUuid: l.client.ServiceContent.About.InstanceUuid,
		SslThumbprint: certificates.Thumbprint(l.http.TLS.Certificates[0]),
		Credential:    &types.ServiceLocatorNamePassword{Username: testUser, Password: testPass}}
}

// to returns the spec of a move to a lab, with the VM's first adapter on its network.
func to(l *lab, vm *object.VirtualMachine, from *lab) types.VirtualMachineRelocateSpec {
	pool, store := l.pool.Reference(), l.store.Reference()
	spec := types.VirtualMachineRelocateSpec{Service: locator(l), Pool: &pool, Datastore: &store}
	for _, device := range from.read(vm).Config.Hardware.Device {
		if card, ok := device.(types.BaseVirtualEthernetCard); ok {
			network := l.network.Reference()
			card.GetVirtualEthernetCard().Backing = &types.VirtualEthernetCardNetworkBackingInfo{Network: &network,
				VirtualDeviceDeviceBackingInfo: types.VirtualDeviceDeviceBackingInfo{DeviceName: "VM Network"}}
			spec.DeviceChange = append(spec.DeviceChange, &types.VirtualDeviceConfigSpec{
				Operation: types.VirtualDeviceConfigSpecOperationEdit, Device: device})
		}
	}
	return spec
}

func (l *lab) relocate(vm *object.VirtualMachine, spec types.VirtualMachineRelocateSpec) (*object.Task, error) {
	return vm.Relocate(l.Context(), spec, types.VirtualMachineMovePriorityDefaultPriority)
}

func (l *lab) named(name string) *object.VirtualMachine {
	l.Helper()
	return must(l.finder.VirtualMachine(l.Context(), name))(l)
}

func (l *lab) lacks(name string) {
	l.Helper()
	if vm, err := l.finder.VirtualMachine(l.Context(), name); err == nil {
		l.Errorf("there is %s", vm.InventoryPath)
	}
}

func (l *lab) cdOf(vm *object.VirtualMachine) *types.VirtualCdrom {
	l.Helper()
	for _, device := range l.read(vm).Config.Hardware.Device {
		if drive, ok := device.(*types.VirtualCdrom); ok {
			return drive
		}
	}
	l.Fatal("it has no drive")
	return nil
}

func TestARunningVMMovesToAnotherVCenterAndBack(t *testing.T) {
	p := newPair(t)
	spec := p.first.spec("web", scsi(), newDisk(64*mib), card("VM Network", ""))
	spec.ExtraConfig = []types.BaseOptionValue{&types.OptionValue{Key: "gantry.kind", Value: "container"}}
	vm := p.first.create(spec)
	before := p.first.read(vm)
	if err := os.WriteFile(p.first.path("web", "web-flat.vmdk"), append([]byte("content"), make([]byte, 64*mib-7)...), 0o600); err != nil {
		t.Fatal(err)
	}
	p.first.result(vm.PowerOn(t.Context()))
	p.guests.events.Guest(vm.Reference().Value, machine.GuestInfo{Hostname: "web"})
	p.guests.events.Set(vm.Reference().Value, "guestinfo.said", "before")

	p.first.result(p.first.relocate(vm, to(p.second, vm, p.first)))
	p.first.lacks("web")
	p.first.expectFiles()
	moved := p.second.named("web")
	after := p.second.read(moved)
	if after.Config.InstanceUuid != before.Config.InstanceUuid || after.Config.Uuid != before.Config.Uuid {
		t.Errorf("the machine has other ids: %+v", after.Config)
	}
	if after.Runtime.PowerState != types.VirtualMachinePowerStatePoweredOn || after.Guest.HostName != "web" {
		t.Errorf("got %s, guest %q", after.Runtime.PowerState, after.Guest.HostName)
	}
	if p.second.option(moved, "gantry.kind") != "container" || p.second.option(moved, "guestinfo.said") != "before" {
		t.Errorf("its options are %+v", after.Config.ExtraConfig)
	}
	if network := after.Network; len(network) != 1 || network[0] != p.second.network.Reference() {
		t.Errorf("its networks are %v", network)
	}
	content, err := os.ReadFile(p.second.path("web", "web-flat.vmdk"))
	if err != nil || string(content[:7]) != "content" {
		t.Errorf("its disk begins %q, %v", content[:7], err)
	}

	// The hypervisor uses the old id, and the reports of the guest reach the target vCenter.
	p.guests.events.Set(vm.Reference().Value, "guestinfo.said", "after")
	if said := p.second.option(moved, "guestinfo.said"); said != "after" {
		t.Errorf("guestinfo.said is %q", said)
	}
	info, err := p.second.server.Machine("web")
	if err != nil || len(info.Moves) != 1 || info.Moves[0].To != p.second.server.nameOf(*after.Runtime.Host) {
		t.Errorf("%+v, %v", info, err)
	}
	p.second.result(p.second.relocate(moved, to(p.first, moved, p.second)))
	p.second.lacks("web")
	back := p.first.named("web")
	p.first.result(back.PowerOff(t.Context()))
	p.first.result(back.PowerOn(t.Context()))
	if id := p.guests.lastStarted().ID; id != back.Reference().Value {
		t.Errorf("started as %s", id)
	}
}

func TestAPoweredOffVMMovesToAnotherVCenterWithFullDisks(t *testing.T) {
	p := newPair(t)
	image, snapshot := p.first.image("image")
	vm := p.first.clone(image, "web", linked(p.first, snapshot))
	spec := to(p.second, vm, p.first)
	host := must(p.second.finder.HostSystem(t.Context(), "remote2"))(t).Reference()
	spec.Host = &host
	p.first.result(p.first.relocate(vm, spec))
	moved := p.second.named("web")
	if at := p.second.read(moved).Runtime.Host; *at != host {
		t.Errorf("it is on %s", at.Value)
	}
	if disk := backing(p.second.disk(moved)); disk.Parent != nil || disk.Uuid == "" {
		t.Errorf("its disk is %+v", disk)
	}
	p.first.lacks("web")
	p.second.result(moved.PowerOn(t.Context()))
	if id := p.guests.lastStarted().ID; id != "vc2-"+moved.Reference().Value {
		t.Errorf("started as %s", id)
	}
}

func TestVCenter9VerifiesTheOtherOneByItsCertificate(t *testing.T) {
	p := newPair(t)
	p.first.behave(`{"api": "9.0.0.0"}`)
	vm := p.first.create(p.first.spec("web", scsi(), newDisk(mib), card("VM Network", "")))
	move := func(certificate, thumbprint string) (*object.Task, error) {
		spec := to(p.second, vm, p.first)
		spec.Service.SslCertificate, spec.Service.SslThumbprint = certificate, thumbprint
		return p.first.relocate(vm, spec)
	}
	own, other := certificates.PEM(p.second.http.TLS.Certificates[0]), certificates.PEM(must(certificates.SelfSigned("other"))(t))
	thumbprint := locator(p.second).SslThumbprint
	refused := isFault[types.InvalidArgument](p.first, p.first.refusal(move("", thumbprint)))
	if refused.InvalidProperty != "spec.service.sslThumbprint" {
		t.Errorf("refused %s", refused.InvalidProperty)
	}
	isFault[types.InvalidArgument](p.first, p.first.refusal(move(own, "AA:BB")))
	isFault[types.SSLVerifyFault](p.first, p.first.refusal(move(other, "")))
	isFault[types.SSLVerifyFault](p.first, p.first.refusal(move("", "")))
	p.first.result(move(own, thumbprint))
}

func TestAVMIsNotMovedToAVCenterThatFailsVerification(t *testing.T) {
	p := newPair(t)
	vm := p.first.create(p.first.spec("web", scsi(), newDisk(mib), card("VM Network", "")))
	refused := func(change func(*types.VirtualMachineRelocateSpec)) types.BaseMethodFault {
		t.Helper()
		spec := to(p.second, vm, p.first)
		change(&spec)
		return p.first.refusal(p.first.relocate(vm, spec))
	}
	wrong := isFault[types.SSLVerifyFault](p.first, refused(func(s *types.VirtualMachineRelocateSpec) { s.Service.SslThumbprint = "AA:BB" }))
	if wrong.Thumbprint != locator(p.second).SslThumbprint {
		t.Errorf("it shows the thumbprint %s", wrong.Thumbprint)
	}
	isFault[types.SSLVerifyFault](p.first, refused(func(s *types.VirtualMachineRelocateSpec) { s.Service.SslThumbprint = "" }))
	isFault[types.InvalidLogin](p.first, refused(func(s *types.VirtualMachineRelocateSpec) {
		s.Service.Credential = &types.ServiceLocatorNamePassword{Username: testUser, Password: "a guess"}
	}))
	isFault[types.NoHost](p.first, refused(func(s *types.VirtualMachineRelocateSpec) { s.Service.Url = "https://127.0.0.1:1" }))
	for property, change := range map[string]func(*types.VirtualMachineRelocateSpec){
		"spec.service.url":          func(s *types.VirtualMachineRelocateSpec) { s.Service.Url = "127.0.0.1" },
		"spec.service.instanceUuid": func(s *types.VirtualMachineRelocateSpec) { s.Service.InstanceUuid = "other" },
		"spec.host":                 func(s *types.VirtualMachineRelocateSpec) { s.Pool = nil },
		"spec.datastore":            func(s *types.VirtualMachineRelocateSpec) { s.Datastore = nil },
	} {
		if fault := isFault[types.InvalidArgument](p.first, refused(change)); fault.InvalidProperty != property {
			t.Errorf("%s: got %s", property, fault.InvalidProperty)
		}
	}
	isFault[types.ManagedObjectNotFound](p.first, refused(func(s *types.VirtualMachineRelocateSpec) {
		s.Host = &ref{Type: "HostSystem", Value: "host-4711"}
	}))
	p.second.create(p.second.spec("web"))
	isFault[types.DuplicateName](p.first, refused(func(*types.VirtualMachineRelocateSpec) {}))
	if p.first.read(vm).Config == nil {
		t.Error("it is gone")
	}
}

func TestConnectedDevicesBlockACrossVCenterMoveUnlessTheyAreMapped(t *testing.T) {
	p := newPair(t)
	p.first.upload("boot.iso", "iso")
	vm := p.first.create(p.first.spec("web", scsi(), newDisk(mib), card("VM Network", ""), cd("[shared0] boot.iso")))
	p.first.result(vm.PowerOn(t.Context()))
	spec := to(p.second, vm, p.first)
	drive := isFault[types.CannotAccessVmDevice](p.first, p.first.refusal(p.first.relocate(vm, spec)))
	if drive.Backing != "[shared0] boot.iso" || !drive.Connected {
		t.Errorf("got %+v", drive)
	}
	other := p.first.create(p.first.spec("db", scsi(), newDisk(mib), card("Backend", "")))
	p.first.result(other.PowerOn(t.Context()))
	unmapped := to(p.second, other, p.first)
	unmapped.DeviceChange = nil
	network := isFault[types.CannotAccessNetwork](p.first, p.first.refusal(p.first.relocate(other, unmapped)))
	if network.Backing != "Backend" || network.Device != "Network adapter 1" {
		t.Errorf("got %+v", network)
	}

	// CheckRelocate_Task reports all blockers.
	p.second.create(p.second.spec("web"))
	both := spec
	both.DeviceChange = nil
	found := p.first.checkRelocate(vm, both).Error
	if len(found) != 3 {
		t.Fatalf("got %+v", found)
	}
	isFault[types.CannotAccessNetwork](p.first, found[0].Fault)
	isFault[types.CannotAccessVmDevice](p.first, found[1].Fault)
	isFault[types.DuplicateName](p.first, found[2].Fault)
	p.second.result(p.second.named("web").Destroy(t.Context()))

	// A disconnected ISO is not a blocker and is removed.
	held := p.first.cdOf(vm)
	held.Connectable.Connected = false
	p.first.result(vm.Reconfigure(t.Context(), types.VirtualMachineConfigSpec{DeviceChange: []types.BaseVirtualDeviceConfigSpec{
		&types.VirtualDeviceConfigSpec{Operation: types.VirtualDeviceConfigSpecOperationEdit, Device: held}}}))
	p.first.result(p.first.relocate(vm, spec))
	if ejected := p.second.cdOf(p.second.named("web")); ejected.Connectable.Connected {
		t.Error("it is connected to what is not there")
	}
	// The adapter of a powered-off VM is disconnected: the network of the same name is used.
	p.first.result(other.PowerOff(t.Context()))
	p.first.result(p.first.relocate(other, unmapped))
	if cards := cardsOf(p.second.read(p.second.named("db")).Config.Hardware.Device); len(cards) != 1 {
		t.Errorf("it has %d cards", len(cards))
	} else if _, name := p.second.server.networkOf(cards[0]); name != "Backend" {
		t.Errorf("its card is on %s", name)
	}
}

func TestAFailedMoveToAnotherVCenterLeavesTheVMUnchanged(t *testing.T) {
	p := newPair(t)
	vm := p.first.create(p.first.spec("web", scsi(), newDisk(mib), card("VM Network", "")))
	p.first.result(vm.PowerOn(t.Context()))
	p.guests.refuse = errors.New("no room")
	isFault[types.MigrationFault](p.first, p.first.refusal(p.first.relocate(vm, to(p.second, vm, p.first))))
	p.second.lacks("web")
	p.second.expectFiles()
	p.guests.events.Set(vm.Reference().Value, "guestinfo.said", "still here")
	p.first.eventually("the report of the guest arrives", func() bool { return p.first.option(vm, "guestinfo.said") == "still here" })
	if held := p.second.server.load.admitted; len(held) != 0 {
		t.Errorf("a place is still held: %v", held)
	}
}
