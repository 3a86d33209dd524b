// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Shares, reservations and limits of VMs, network cards and disks. Pools and hosts admit reservations (inventory_pool_capacity.go).
// The lab enforces nothing else, but shows vCenter's defaults and what was requested, which clients read back.

package vsim

import (
	"reflect"
	"time"

	"github.com/vmware/govmomi/vim25/types"
)

const unlimited = int64(-1)

// levels maps the levels with a fixed number of shares (API, SharesLevel).
type levels map[types.SharesLevel]int32

var (
	cardLevels = levels{types.SharesLevelLow: 25, types.SharesLevelNormal: 50, types.SharesLevelHigh: 100}
	diskLevels = levels{types.SharesLevelLow: 500, types.SharesLevelNormal: 1000, types.SharesLevelHigh: 2000}
	// Of a VM, for each virtual CPU and for each MB of memory.
	cpuLevels    = levels{types.SharesLevelLow: 500, types.SharesLevelNormal: 1000, types.SharesLevelHigh: 2000}
	memoryLevels = levels{types.SharesLevelLow: 5, types.SharesLevelNormal: 10, types.SharesLevelHigh: 20}
)

// times returns the shares of something that has this many units.
func (l levels) times(units int32) levels {
	all := levels{}
	for level, shares := range l {
		all[level] = shares * units
	}
	return all
}

// shares returns the shares of a level. Custom shares have the requested number.
func (l levels) shares(asked *types.SharesInfo) types.SharesInfo {
	if asked == nil || asked.Level == "" {
		return types.SharesInfo{Level: types.SharesLevelNormal, Shares: l[types.SharesLevelNormal]}
	}
	if shares, fixed := l[asked.Level]; fixed {
		return types.SharesInfo{Level: asked.Level, Shares: shares}
	}
	return *asked
}

// named gives shares whose number is that of a level this level: "If the shares value does not map to a predefined size, then the
// level is set as custom" (API, SharesInfo).
func (l levels) named(asked *types.SharesInfo) *types.SharesInfo {
	shares := l.shares(asked)
	for level, number := range l {
		if shares.Shares == number {
			shares.Level = level
		}
	}
	return &shares
}

// shareOut sets the numbers of shares of a VM. Those of a level depend on the size of the VM.
func shareOut(config *types.VirtualMachineConfigInfo) {
	cpu, memory := cpuLevels.times(config.Hardware.NumCPU), memoryLevels.times(config.Hardware.MemoryMB)
	config.CpuAllocation.Shares = cpu.named(config.CpuAllocation.Shares)
	config.MemoryAllocation.Shares = memory.named(config.MemoryAllocation.Shares)
}

// resourceConfigOf returns the resource configuration of a VM, which its configuration has too.
func resourceConfigOf(vm ref, config *types.VirtualMachineConfigInfo, modified time.Time) *types.ResourceConfigSpec {
	return &types.ResourceConfigSpec{Entity: &vm, ChangeVersion: config.ChangeVersion, LastModified: &modified,
		CpuAllocation: *config.CpuAllocation, MemoryAllocation: *config.MemoryAllocation}
}

// orElse returns the first value that is set.
func orElse[T any](values ...*T) *T {
	for _, value := range values {
		if value != nil {
			return value
		}
	}
	return nil
}

// allocateDevice sets the allocation of a network card or a disk: the requested one, the old one, or vCenter's default.
func allocateDevice(device, old types.BaseVirtualDevice) {
	switch d := device.(type) {
	case types.BaseVirtualEthernetCard:
		was, _ := old.(types.BaseVirtualEthernetCard)
		allocateCard(d.GetVirtualEthernetCard(), was)
	case *types.VirtualDisk:
		was, _ := old.(*types.VirtualDisk)
		allocateDisk(d, was)
	}
}

func allocateCard(card *types.VirtualEthernetCard, old types.BaseVirtualEthernetCard) {
	asked := card.ResourceAllocation
	if asked == nil && old != nil {
		asked = old.GetVirtualEthernetCard().ResourceAllocation
	}
	if asked == nil {
		asked = &types.VirtualEthernetCardResourceAllocation{}
	}
	card.ResourceAllocation = &types.VirtualEthernetCardResourceAllocation{Reservation: orElse(asked.Reservation, types.NewInt64(0)),
		Share: cardLevels.shares(&asked.Share), Limit: orElse(asked.Limit, types.NewInt64(unlimited))}
}

// allocateDisk sets the allocation of a disk. "shares: Deprecated as of vSphere API 4.1, use storageIOAllocation" (API,
// VirtualDisk): both are kept equal. If they differ in an edit, the changed one is used.
func allocateDisk(disk, old *types.VirtualDisk) {
	asked, shares := disk.StorageIOAllocation, disk.Shares
	if old != nil {
		if asked == nil || reflect.DeepEqual(asked, old.StorageIOAllocation) {
			asked = old.StorageIOAllocation
		} else {
			shares = nil
		}
		if shares != nil && reflect.DeepEqual(shares, old.Shares) {
			shares = nil
		}
	}
	if asked == nil {
		asked = &types.StorageIOAllocationInfo{}
	}
	given := diskLevels.shares(orElse(shares, asked.Shares))
	disk.StorageIOAllocation = &types.StorageIOAllocationInfo{Limit: orElse(asked.Limit, types.NewInt64(unlimited)),
		Shares: &given, Reservation: orElse(asked.Reservation, types.NewInt32(0))}
	alike := given
	disk.Shares = &alike
}
