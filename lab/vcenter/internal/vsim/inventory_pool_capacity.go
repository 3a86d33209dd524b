// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// What resource pools have left: for VMs that start or change, and for the reservations of pools in them.

package vsim

import (
	"math"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/vim"
)

// amounts are reserved or free.
type amounts struct {
	memoryMB, cpuMHz int64
}

func (a amounts) plus(b amounts) amounts {
	return amounts{a.memoryMB + b.memoryMB, a.cpuMHz + b.cpuMHz}
}

func (a amounts) minus(b amounts) amounts {
	return amounts{a.memoryMB - b.memoryMB, a.cpuMHz - b.cpuMHz}
}

// reserved is what a VM takes of its pool.
func (c claim) reserved() amounts {
	return amounts{c.ReservedMB, c.CPUMHz}
}

// capacity is what the running VMs have reserved, by pool. It is right as long as the load is held.
type capacity struct {
	server *Server
	byPool map[ref]amounts
}

func (s *Server) capacity() capacity {
	return capacity{s, s.load.byPool}
}

func (c capacity) pool(reference ref) *simulator.ResourcePool {
	pool, _ := c.server.registry.Get(reference).(*simulator.ResourcePool)
	return pool
}

// used sums up what the VMs of a pool have reserved, and what the pools in it take: "used to satisfy the reservation requirements
// of all descendants" (API, ResourcePoolResourceUsage).
func (c capacity) used(pool *simulator.ResourcePool) amounts {
	used := c.byPool[pool.Self]
	for _, reference := range pool.ResourcePool.ResourcePool {
		if child := c.pool(reference); child != nil {
			used = used.plus(c.taken(&child.Config, c.used(child)))
		}
	}
	return used
}

// usedByVMs is what the VMs of a pool and of the pools in it have reserved.
func (c capacity) usedByVMs(pool *simulator.ResourcePool) amounts {
	used := c.byPool[pool.Self]
	for _, reference := range pool.ResourcePool.ResourcePool {
		if child := c.pool(reference); child != nil {
			used = used.plus(c.usedByVMs(child))
		}
	}
	return used
}

// taken is what a pool takes of its parent's reservation: its own, and what it has grown beyond that: "with an expandable
// reservation, the reservation on a resource pool can grow beyond the specified value" (API, ResourceAllocationInfo).
func (c capacity) taken(config *types.ResourceConfigSpec, used amounts) amounts {
	return amounts{takenOf(&config.MemoryAllocation, used.memoryMB), takenOf(&config.CpuAllocation, used.cpuMHz)}
}

func takenOf(allocation *types.ResourceAllocationInfo, used int64) int64 {
	if *allocation.ExpandableReservation {
		return max(*allocation.Reservation, used)
	}
	return *allocation.Reservation
}

// free is what a pool has left for VMs and pools in it, with what it can get from the pools above.
func (c capacity) free(pool *simulator.ResourcePool) amounts {
	var above amounts
	if parent := c.pool(*pool.Parent); parent != nil {
		above = c.free(parent)
	}
	used := c.used(pool)
	return amounts{freeOf(&pool.Config.MemoryAllocation, used.memoryMB, above.memoryMB),
		freeOf(&pool.Config.CpuAllocation, used.cpuMHz, above.cpuMHz)}
}

func freeOf(allocation *types.ResourceAllocationInfo, used, above int64) int64 {
	free := max(*allocation.Reservation-used, 0)
	if *allocation.ExpandableReservation {
		free += above
	}
	if *allocation.Limit >= 0 {
		free = min(free, *allocation.Limit-used)
	}
	return max(free, 0)
}

// require returns the fault for a pool that has not as much left as is wanted.
func (free amounts) require(wanted amounts) types.BaseMethodFault {
	switch {
	case wanted.memoryMB > free.memoryMB && wanted.memoryMB > 0:
		return vim.NotEnoughMemory(free.memoryMB, wanted.memoryMB)
	case wanted.cpuMHz > free.cpuMHz && wanted.cpuMHz > 0:
		return &types.InsufficientCpuResourcesFault{Unreserved: free.cpuMHz, Requested: wanted.cpuMHz}
	}
	return nil
}

// poolAdmits checks that the VM's pool can reserve what the VM needs. The caller holds the load.
func (s *Server) poolAdmits(want claim) types.BaseMethodFault {
	capacity := s.capacity()
	pool := capacity.pool(want.pool)
	if pool == nil {
		return nil
	}
	return capacity.free(pool).require(want.reserved())
}

// poolAdmitsMove checks that the pool of a running VM's new claim can reserve what the VM has reserved. The caller holds the load.
func (s *Server) poolAdmitsMove(before, after claim) types.BaseMethodFault {
	if before.pool == after.pool {
		return nil
	}
	// A common parent pool must not count the VM twice.
	s.load.drop(after.VM)
	defer s.load.put(after.VM, before)
	return s.poolAdmits(after)
}

// poolAdmitsMore checks that the VM's pool can reserve what a running VM's new claim has more. The caller holds the load.
func (s *Server) poolAdmitsMore(before, after claim) types.BaseMethodFault {
	capacity := s.capacity()
	pool := capacity.pool(before.pool)
	if pool == nil {
		return nil
	}
	return capacity.free(pool).require(after.reserved().minus(before.reserved()))
}

// most is what can be reserved in a pool at most by its own configuration.
func most(config *types.ResourceConfigSpec) amounts {
	return amounts{mostOf(&config.MemoryAllocation), mostOf(&config.CpuAllocation)}
}

func mostOf(allocation *types.ResourceAllocationInfo) int64 {
	limit := *allocation.Limit
	if limit < 0 {
		limit = math.MaxInt64
	}
	if *allocation.ExpandableReservation {
		return limit
	}
	return min(limit, *allocation.Reservation)
}

// keeps returns the fault for a change of a pool after which it could not reserve what is already reserved in it. That vCenter
// refuses it, and with this fault, is unconfirmed.
func (used amounts) keeps(before, after *types.ResourceConfigSpec) types.BaseMethodFault {
	was, is := most(before), most(after)
	switch {
	case used.memoryMB > is.memoryMB && is.memoryMB < was.memoryMB:
		return vim.NotEnoughMemory(is.memoryMB, used.memoryMB)
	case used.cpuMHz > is.cpuMHz && is.cpuMHz < was.cpuMHz:
		return &types.InsufficientCpuResourcesFault{Unreserved: is.cpuMHz, Requested: used.cpuMHz}
	}
	return nil
}
