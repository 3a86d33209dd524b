// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"errors"
	"testing"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/machine"
)

func (l *lab) instantClone(source *object.VirtualMachine, spec types.VirtualMachineInstantCloneSpec) (*object.Task, error) {
	response, err := methods.InstantClone_Task(l.Context(), l.client.Client, &types.InstantClone_Task{This: source.Reference(), Spec: spec})
	if err != nil {
		return nil, err
	}
	return object.NewTask(l.client.Client, response.Returnval), nil
}

func (l *lab) running(name string) *object.VirtualMachine {
	l.Helper()
	vm := l.create(l.spec(name, scsi(), newDisk(64*mib), card("VM Network", "")))
	l.result(vm.PowerOn(l.Context()))
	l.guests.events.Guest(vm.Reference().Value, machine.GuestInfo{Hostname: name})
	l.guests.events.Set(vm.Reference().Value, "guestinfo.said", "before")
	return vm
}

func TestARunningVMIsForked(t *testing.T) {
	l := newLab(t)
	source := l.running("web")
	was := l.read(source)
	base := backing(l.disk(source)).FileName
	spec := types.VirtualMachineInstantCloneSpec{Name: "twin", BiosUuid: "11111111-2222-3333-4444-555555555555",
		Config: []types.BaseOptionValue{&types.OptionValue{Key: "guestinfo.who", Value: "twin"}}}
	created := l.result(l.instantClone(source, spec)).(ref)
	twin := object.NewVirtualMachine(l.client.Client, created)
	is := l.read(twin)
	if is.Name != "twin" || is.Runtime.PowerState != types.VirtualMachinePowerStatePoweredOn || *is.Runtime.Host != *was.Runtime.Host {
		t.Errorf("got %s %s on %s", is.Name, is.Runtime.PowerState, is.Runtime.Host.Value)
	}
	if is.Config.Uuid != spec.BiosUuid || is.Config.InstanceUuid == was.Config.InstanceUuid {
		t.Errorf("its ids are %s and %s", is.Config.Uuid, is.Config.InstanceUuid)
	}
	if l.option(twin, "guestinfo.who") != "twin" || l.option(twin, "guestinfo.said") != "before" || l.option(source, "guestinfo.who") != "" {
		t.Errorf("its options are %+v", is.Config.ExtraConfig)
	}
	mine, others := cardsOf(is.Config.Hardware.Device)[0].MacAddress, cardsOf(was.Config.Hardware.Device)[0].MacAddress
	if mine == others || mine == "" {
		t.Errorf("its address is %s, its source's %s", mine, others)
	}
	// The disks of both are children of the source's previous disk.
	for _, vm := range []*object.VirtualMachine{source, twin} {
		if disk := backing(l.disk(vm)); disk.Parent == nil || disk.Parent.FileName != base {
			t.Errorf("%s's disk is %+v", vm.Reference().Value, disk)
		}
	}
	if l.guests.forks != 1 || l.guests.on[source.Reference().Value].Disks[0].Path == l.guests.on[created.Value].Disks[0].Path {
		t.Errorf("what runs: %+v", l.guests.on)
	}
	l.guests.events.Set(created.Value, "guestinfo.said", "after")
	if l.option(twin, "guestinfo.said") != "after" || l.option(source, "guestinfo.said") != "before" {
		t.Error("the two guests are mixed up")
	}
	// The base is kept when the source is destroyed.
	l.result(source.PowerOff(t.Context()))
	l.result(source.Destroy(t.Context()))
	l.result(twin.PowerOff(t.Context()))
	l.result(twin.PowerOn(t.Context()))
	l.result(twin.PowerOff(t.Context()))
	l.result(twin.Destroy(t.Context()))
	l.expectFiles()
}

func TestInvalidInstantClonesAreRefused(t *testing.T) {
	l := newLab(t)
	off := l.create(l.spec("off", scsi(), newDisk(mib)))
	spec := types.VirtualMachineInstantCloneSpec{Name: "twin"}
	fault := isFault[types.InvalidPowerState](l, l.refusal(l.instantClone(off, spec)))
	if fault.RequestedState != types.VirtualMachinePowerStatePoweredOn || fault.ExistingState != types.VirtualMachinePowerStatePoweredOff {
		t.Errorf("got %+v", fault)
	}
	source := l.running("web")
	host := l.read(source).Runtime.Host
	isFault[types.DuplicateName](l, l.refusal(l.instantClone(source, types.VirtualMachineInstantCloneSpec{Name: "off"})))
	for what, location := range map[string]types.VirtualMachineRelocateSpec{
		"a host":         {Host: host},
		"a way of disks": {DiskMoveType: string(types.VirtualMachineRelocateDiskMoveOptionsMoveChildMostDiskBacking)},
		"a new disk":     {DeviceChange: []types.BaseVirtualDeviceConfigSpec{newDisk(mib)}},
	} {
		l.Log(what)
		isFault[types.NotSupported](l, l.refusal(l.instantClone(source, types.VirtualMachineInstantCloneSpec{Name: "twin", Location: location})))
	}
	before := l.files()
	l.guests.refuse = errors.New("no room")
	isFault[types.SystemError](l, l.refusal(l.instantClone(source, spec)))
	l.expectFiles(before...)
	if disk := backing(l.disk(source)); disk.Parent != nil {
		t.Errorf("its disk is %+v", disk)
	}
	l.guests.events.Set(source.Reference().Value, "guestinfo.said", "still here")
	if l.option(source, "guestinfo.said") != "still here" {
		t.Error("reports of the source do not arrive any more")
	}
	l.lacks("twin")
}
