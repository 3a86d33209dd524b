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
