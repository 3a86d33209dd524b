// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"testing"

	"github.com/vmware/govmomi/vim25/types"
)

func TestDeviceAllocationsAreShownAndMerged(t *testing.T) {
	l := newLab(t)
	asked := card("Backend", "")
	asked.GetVirtualDeviceConfigSpec().Device.(*types.VirtualVmxnet3).ResourceAllocation = &types.VirtualEthernetCardResourceAllocation{
		Limit: types.NewInt64(100), Share: types.SharesInfo{Level: types.SharesLevelHigh}}
	vm := l.create(l.spec("web", scsi(), newDisk(16*mib), card("VM Network", ""), asked))
	devices := l.read(vm).Config.Hardware.Device
	cards, disk := cardsOf(devices), disksOf(devices)[0]
	for n, want := range []types.VirtualEthernetCardResourceAllocation{
		{Reservation: types.NewInt64(0), Limit: types.NewInt64(-1), Share: types.SharesInfo{Level: types.SharesLevelNormal, Shares: 50}},
		{Reservation: types.NewInt64(0), Limit: types.NewInt64(100), Share: types.SharesInfo{Level: types.SharesLevelHigh, Shares: 100}},
	} {
		got := cards[n].ResourceAllocation
		if got == nil || *got.Reservation != *want.Reservation || *got.Limit != *want.Limit || got.Share != want.Share {
			t.Errorf("card %d has %+v", n, got)
		}
	}
	expect := func(disk *types.VirtualDisk, want types.SharesInfo, limit int64) {
		t.Helper()
		io := disk.StorageIOAllocation
		if io == nil || *io.Limit != limit || *io.Reservation != 0 || *io.Shares != want || disk.Shares == nil || *disk.Shares != want {
			t.Errorf("the disk has %+v and the shares %+v", io, disk.Shares)
		}
	}
	expect(disk, types.SharesInfo{Level: types.SharesLevelNormal, Shares: 1000}, -1)
	edit := func(change func(*types.VirtualDisk)) *types.VirtualDisk {
		t.Helper()
		edited := l.disk(vm)
		change(edited)
		l.result(vm.Reconfigure(t.Context(), types.VirtualMachineConfigSpec{DeviceChange: []types.BaseVirtualDeviceConfigSpec{
			&types.VirtualDeviceConfigSpec{Operation: types.VirtualDeviceConfigSpecOperationEdit, Device: edited}}}))
		return l.disk(vm)
	}
	low := types.SharesInfo{Level: types.SharesLevelLow, Shares: 500}
	expect(edit(func(d *types.VirtualDisk) {
		d.StorageIOAllocation.Shares = &types.SharesInfo{Level: types.SharesLevelLow}
		d.StorageIOAllocation.Limit = types.NewInt64(300)
	}), low, 300)
	expect(edit(func(d *types.VirtualDisk) { d.StorageIOAllocation, d.Shares = nil, nil }), low, 300)
	custom := types.SharesInfo{Level: types.SharesLevelCustom, Shares: 700}
	expect(edit(func(d *types.VirtualDisk) { d.Shares = &custom }), custom, 300)
	// A clone has the allocation of its source.
	l.result(vm.CreateSnapshot(t.Context(), "s", "", false, false))
	clone := l.clone(vm, "clone", linked(l, *l.read(vm).Snapshot.CurrentSnapshot))
	expect(l.disk(clone), custom, 300)
}

func TestTheSharesOfAVMDependOnItsSize(t *testing.T) {
	l := newLab(t)
	vm := l.create(l.spec("web"))
	expect := func(cpu, memory types.SharesInfo) {
		t.Helper()
		read := l.read(vm)
		if got := read.Config.CpuAllocation.Shares; *got != cpu {
			t.Errorf("CPU shares: %+v, want %+v", *got, cpu)
		}
		if got := read.Config.MemoryAllocation.Shares; *got != memory {
			t.Errorf("memory shares: %+v, want %+v", *got, memory)
		}
		resources := read.ResourceConfig
		if resources == nil || *resources.Entity != vm.Reference() || *resources.CpuAllocation.Shares != cpu ||
			*resources.MemoryAllocation.Shares != memory || resources.ChangeVersion != read.Config.ChangeVersion {
			t.Errorf("the resource configuration is %+v", resources)
		}
	}
	change := func(spec types.VirtualMachineConfigSpec) {
		t.Helper()
		l.result(vm.Reconfigure(t.Context(), spec))
	}
	normal := func(shares int32) types.SharesInfo {
		return types.SharesInfo{Level: types.SharesLevelNormal, Shares: shares}
	}
	expect(normal(1000), normal(2560))
	change(types.VirtualMachineConfigSpec{NumCPUs: 4, MemoryMB: 512})
	expect(normal(4000), normal(5120))
	low, high := types.SharesInfo{Level: types.SharesLevelLow}, types.SharesInfo{Level: types.SharesLevelHigh}
	change(types.VirtualMachineConfigSpec{CpuAllocation: &types.ResourceAllocationInfo{Shares: &low},
		MemoryAllocation: &types.ResourceAllocationInfo{Shares: &high}})
	low.Shares, high.Shares = 2000, 10240
	expect(low, high)
	custom := types.SharesInfo{Level: types.SharesLevelCustom, Shares: 4000}
	change(types.VirtualMachineConfigSpec{CpuAllocation: &types.ResourceAllocationInfo{Shares: &custom}})
	expect(normal(4000), high)
	custom.Shares = 4001
	change(types.VirtualMachineConfigSpec{CpuAllocation: &types.ResourceAllocationInfo{Shares: &custom}})
	change(types.VirtualMachineConfigSpec{NumCPUs: 2})
	expect(custom, high)
}

func TestTheLimitOfARunningVMIsShown(t *testing.T) {
	l := newLab(t)
	spec := l.spec("web")
	spec.NumCPUs = 2
	vm := l.create(spec)
	l.result(vm.PowerOn(t.Context()))
	l.result(vm.Reconfigure(t.Context(), types.VirtualMachineConfigSpec{CpuAllocation: &types.ResourceAllocationInfo{Limit: types.NewInt64(100)}}))
	l.server.measure()
	if read := l.read(vm); *read.Config.CpuAllocation.Limit != 100 || read.Runtime.MaxCpuUsage != 100 {
		t.Errorf("the limit is %d MHz, and at most %d MHz are used", *read.Config.CpuAllocation.Limit, read.Runtime.MaxCpuUsage)
	}
}
