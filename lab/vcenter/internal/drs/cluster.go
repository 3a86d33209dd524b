// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package drs makes the decisions of DRS and HA: which rules are in effect, which host a VM starts on, which VMs are to be
// moved, and what the configuration of a cluster is after a change. It is pure: it reads snapshots and returns decisions,
// configurations and faults. It uses the data objects of the vSphere API, and neither the inventory nor the hypervisor.
//
// "API" in comments is the vSphere Web Services API reference. "Unconfirmed" means that the reference does not document
// which fault a real vCenter returns, or whether it returns one.
package drs

import (
	"cmp"
	"slices"

	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/vim"
)

// Ref refers to a managed object.
type Ref = vim.Ref

// Occupancy maps each VM that runs to its host.
type Occupancy map[Ref]Ref

// Names returns the name of an object in the inventory.
type Names func(Ref) string

// Claim is the resource usage on its host of a VM that runs or is being started.
type Claim struct {
	VM         Ref // empty for a VM that does not exist yet
	Host       Ref
	MemoryMB   int64 // configured
	ReservedMB int64 // with the overhead of running the VM
	CPUMHz     int64 // reserved
}

// Host is a host of a cluster.
type Host struct {
	Ref         Ref
	MemoryMB    int64
	CPUMHz      float64 // of all its cores
	Maintenance bool    // in maintenance mode, or entering it: no VM may be moved to the host
	Connected   bool
}

// VM is a VM that runs.
type VM struct {
	Claim
	UsedMHz float64
	Managed bool // DRS manages it
}

// Cluster is a snapshot of a cluster, which is changed as moves are planned.
type Cluster struct {
	Hosts []Host
	VMs   []*VM
	Names Names
	// Reaches returns why a host cannot run a VM, apart from rules and memory: its connection, datastores and networks.
	Reaches func(vm, host Ref) types.BaseMethodFault

	rules Rulebook
	rate  int32
	on    Occupancy
}

// Prepare binds the rules of a cluster's configuration to the snapshot.
func (c *Cluster) Prepare(config *types.ClusterConfigInfoEx) {
	c.rules, c.rate, c.on = Bind(config), config.DrsConfig.VmotionRate, Occupancy{}
	slices.SortFunc(c.VMs, func(a, b *VM) int { return cmp.Compare(a.VM.Value, b.VM.Value) })
	for _, vm := range c.VMs {
		c.on[vm.VM] = vm.Host
		_, vm.Managed = Automation(config, vm.VM)
	}
}

// HostOf returns the host of a VM after the planned moves.
func (c *Cluster) HostOf(vm Ref) (host Ref, runs bool) {
	host, runs = c.on[vm]
	return host, runs
}

// Usage returns the sums of the VMs' demands and of the hosts' capacities.
func (c *Cluster) Usage() types.ClusterUsageSummary {
	var usage types.ClusterUsageSummary
	var capacity float64
	for _, host := range c.Hosts {
		capacity += host.CPUMHz
		usage.TotalMemCapacityMB += int32(host.MemoryMB)
	}
	usage.TotalCpuCapacityMhz = int32(capacity)
	for _, vm := range c.VMs {
		usage.CpuDemandMhz += int32(vm.UsedMHz)
		usage.MemDemandMB += int32(vm.MemoryMB)
		usage.CpuReservationMhz += int32(vm.CPUMHz)
		usage.MemReservationMB += int32(vm.ReservedMB)
	}
	usage.CpuEntitledMhz, usage.MemEntitledMB = usage.CpuDemandMhz, usage.MemDemandMB
	return usage
}

// Automation returns the automation level of a VM. managed is false for a VM that DRS does not manage (API,
// ClusterDrsVmConfigInfo.enabled).
func Automation(config *types.ClusterConfigInfoEx, vm Ref) (behavior types.DrsBehavior, managed bool) {
	if !vim.IsTrue(config.DrsConfig.Enabled) {
		return types.DrsBehaviorManual, false
	}
	behavior = config.DrsConfig.DefaultVmBehavior
	if !vim.IsTrue(config.DrsConfig.EnableVmBehaviorOverrides) {
		return behavior, true
	}
	for _, override := range config.DrsVmConfig {
		if override.Key != vm {
			continue
		}
		if override.Enabled != nil && !*override.Enabled {
			return types.DrsBehaviorManual, false
		}
		return cmp.Or(override.Behavior, behavior), true
	}
	return behavior, true
}
