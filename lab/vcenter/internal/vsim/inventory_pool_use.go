// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// What clients see of the reservations and the use of resource pools and clusters.

package vsim

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/drs"
)

// consumption is the capacity of pools with what their VMs use.
type consumption struct {
	capacity
	uses map[ref]use
}

// readsPools returns whether a call reads resource pools.
func readsPools(call *simulator.Method) bool {
	var specs []types.PropertyFilterSpec
	switch request := call.Body.(type) {
	case *Fetch:
		return request.This.Type == "ResourcePool"
	case *types.RetrievePropertiesEx:
		specs = request.SpecSet
	case *types.RetrieveProperties:
		specs = request.SpecSet
	}
	for _, spec := range specs {
		for _, set := range spec.PropSet {
			if set.Type == "ResourcePool" || set.Type == "ManagedEntity" || set.Type == "ExtensibleManagedObject" || set.Type == "ManagedObject" {
				return true
			}
		}
	}
	return false
}

// showPools sets what clients see of the pools' use, before they look.
func (s *Server) showPools() {
	uses := s.uses()
	s.load.mu.Lock()
	defer s.load.mu.Unlock()
	c := consumption{s.capacity(), map[ref]use{}}
	for vm, claimed := range s.load.admitted {
		c.uses[claimed.pool] = c.uses[claimed.pool].plus(uses[vm])
	}
	for _, entity := range s.registry.All("ResourcePool") {
		if pool, ok := entity.(*simulator.ResourcePool); ok {
			c.show(pool)
		}
	}
}

// consumed is what the VMs of a pool and of the pools in it use.
func (c consumption) consumed(pool *simulator.ResourcePool) use {
	total := c.uses[pool.Self]
	for _, reference := range pool.ResourcePool.ResourcePool {
		if child := c.pool(reference); child != nil {
			total = total.plus(c.consumed(child))
		}
	}
	return total
}

func (c consumption) show(pool *simulator.ResourcePool) {
	reserved, byVMs, free, most := c.used(pool), c.usedByVMs(pool), c.free(pool), c.limit(pool)
	consumed := c.consumed(pool)
	c.server.locked(pool, func(ctx *simulator.Context) {
		runtime := pool.Runtime
		// "Values are in bytes" and "in MHz" (API, ResourcePoolRuntimeInfo).
		runtime.Memory = usage(reserved.memoryMB<<20, byVMs.memoryMB<<20, free.memoryMB<<20, consumed.consumedMB<<20, most.memoryMB<<20)
		runtime.Cpu = usage(reserved.cpuMHz, byVMs.cpuMHz, free.cpuMHz, consumed.cpuMHz, most.cpuMHz)
		summary := *pool.Summary.GetResourcePoolSummary()
		summary.QuickStats = &types.ResourcePoolQuickStats{OverallCpuUsage: consumed.cpuMHz, OverallCpuDemand: consumed.cpuMHz,
			HostMemoryUsage: consumed.consumedMB, PrivateMemory: consumed.grantedMB, OverheadMemory: consumed.overheadMB,
			ConsumedOverheadMemory: consumed.overheadMB}
		if runtime.Memory == pool.Runtime.Memory && runtime.Cpu == pool.Runtime.Cpu {
			pool.Summary = &summary // "changes in QuickStats do not generate property collector updates" (API)
			return
		}
		summary.Runtime = runtime
		ctx.Update(pool, []types.PropertyChange{set("runtime", runtime), set("summary", &summary)})
	})
}

func usage(reserved, byVMs, free, consumed, most int64) types.ResourcePoolResourceUsage {
	return types.ResourcePoolResourceUsage{ReservationUsed: reserved, ReservationUsedForVm: byVMs, UnreservedForPool: free,
		UnreservedForVm: free, OverallUsage: consumed, MaxUsage: most}
}

// limit is "based on the limit configured on this resource pool, as well as limits configured on any parent resource pool" (API,
// ResourcePoolResourceUsage).
func (c capacity) limit(pool *simulator.ResourcePool) amounts {
	memory, cpu := *pool.Config.MemoryAllocation.Limit, *pool.Config.CpuAllocation.Limit
	parent := c.pool(*pool.Parent)
	if parent == nil {
		return amounts{memory, cpu}
	}
	above := c.limit(parent)
	return amounts{lowest(memory, above.memoryMB), lowest(cpu, above.cpuMHz)}
}

func lowest(limit, above int64) int64 {
	if limit < 0 {
		return above
	}
	return min(limit, above)
}

// showUsage publishes the use of each cluster in its summary.
func (s *Server) showUsage() {
	measured := map[ref]float64{}
	for vm, used := range s.uses() {
		measured[vm] = float64(used.cpuMHz)
	}
	for _, entity := range s.registry.All("ClusterComputeResource") {
		cluster := entity.(*simulator.ClusterComputeResource)
		usage := s.usageOf(cluster, s.drsSnapshot(cluster, s.clusterConfig(cluster), measured))
		if !s.shows(cluster, usage) {
			s.changeSummary(cluster, func(summary *types.ClusterComputeResourceSummary) { summary.UsageSummary = &usage })
		}
	}
}

// shows returns whether a cluster already shows a use, so that clients need not be notified.
func (s *Server) shows(cluster *simulator.ClusterComputeResource, usage types.ClusterUsageSummary) (same bool) {
	s.locked(cluster, func(*simulator.Context) {
		summary, ok := cluster.Summary.(*types.ClusterComputeResourceSummary)
		if ok && summary.UsageSummary != nil {
			shown := *summary.UsageSummary
			shown.StatsGenNumber = usage.StatsGenNumber
			same = shown == usage
		}
	})
	return same
}

// usageOf returns the use of a cluster: what its VMs demand, the "sum of CPU reservation of all the Resource Pools and powered-on
// VMs" (API, ClusterUsageSummary), and those of the VMs that are off.
func (s *Server) usageOf(cluster *simulator.ClusterComputeResource, snapshot *drs.Cluster) types.ClusterUsageSummary {
	usage := snapshot.Usage()
	usage.StatsGenNumber = s.clock.Now().Unix()
	s.load.mu.Lock()
	reserved := amounts{}
	capacity := s.capacity()
	if root := capacity.pool(*cluster.ResourcePool); root != nil {
		reserved = capacity.used(root)
	}
	s.load.mu.Unlock()
	usage.CpuReservationMhz, usage.MemReservationMB = int32(reserved.cpuMHz), int32(reserved.memoryMB)
	for _, entity := range s.registry.All("VirtualMachine") {
		vm := entity.(*simulator.VirtualMachine)
		if s.clusterOf(s.hostOf(vm)) != cluster {
			continue
		}
		usage.TotalVmCount++
		s.locked(vm, func(*simulator.Context) {
			if vm.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOff {
				usage.PoweredOffVmCount++
				usage.PoweredOffCpuReservationMhz += vm.Summary.Config.CpuReservation
				usage.PoweredOffMemReservationMB += vm.Summary.Config.MemoryReservation
			}
		})
	}
	return usage
}
