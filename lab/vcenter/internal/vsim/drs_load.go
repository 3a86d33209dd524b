// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// CPU and memory statistics of VMs and hosts, measured by the hypervisor. DRS balances by them.

package vsim

import (
	"sync"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/drs"
)

const (
	// measuredEvery is the interval of the statistics; a real vCenter has one of 20 seconds.
	measuredEvery = 10 * time.Second
	// shortest is the minimum time over which a VM's CPU usage is computed.
	shortest = 200 * time.Millisecond
)

// sample is the CPU time that a VM had used at a point in time, and its CPU usage until then.
type sample struct {
	at         time.Time
	cpuSeconds float64
	cpuMHz     float64
}

// use is what a running VM, or what is in a resource pool, uses. consumedMB includes the overhead.
type use struct {
	cpuMHz, grantedMB, consumedMB, overheadMB int64
}

func (u use) plus(v use) use {
	return use{u.cpuMHz + v.cpuMHz, u.grantedMB + v.grantedMB, u.consumedMB + v.consumedMB, u.overheadMB + v.overheadMB}
}

// meter holds the last sample of each running VM, and what it used then.
type meter struct {
	once sync.Once
	mu   sync.Mutex
	byVM map[ref]sample
	uses map[ref]use
}

// uses returns what each running VM used when it was measured last.
func (s *Server) uses() map[ref]use {
	s.meter.mu.Lock()
	defer s.meter.mu.Unlock()
	return s.meter.uses
}

// measureUntilClosed updates the statistics until the server is closed.
func (s *Server) measureUntilClosed() {
	ticker, sampling := time.NewTicker(measuredEvery), time.NewTicker(sampledEvery)
	defer ticker.Stop()
	defer sampling.Stop()
	for {
		s.showUsage()
		select {
		case <-s.closing:
			return
		case <-ticker.C:
			s.measure()
		case <-sampling.C:
			s.SamplePerformance()
		}
	}
}

// measure takes a sample of each running VM, and returns the CPU usage of each in MHz.
func (s *Server) measure() map[ref]float64 {
	s.meter.mu.Lock()
	defer s.meter.mu.Unlock()
	on := s.occupancy()
	used, uses := map[ref]float64{}, map[ref]use{}
	samples := make(map[ref]sample, len(on))
	for reference, place := range on {
		vm, there := s.registry.Get(reference).(*simulator.VirtualMachine)
		host, known := s.registry.Get(place).(*simulator.HostSystem)
		if !there || !known {
			continue
		}
		info, runs := s.hypervisor.Info(reference.Value)
		if runs {
			samples[reference] = s.meter.byVM[reference].next(info.CPUSeconds, s.bootTime(vm), float64(host.Hardware.CpuInfo.Hz)/1e6)
			used[reference] = samples[reference].cpuMHz
			s.watchHeartbeat(vm, info.Heartbeat)
		}
		uses[reference] = s.showUse(vm, used[reference], info.ResidentBytes)
	}
	s.meter.byVM, s.meter.uses = samples, uses
	s.showHosts(on, used)
	return used
}

// next returns the sample after this one. The counter of a VM that has moved may start again at zero.
func (last sample) next(cpuSeconds float64, booted time.Time, hostMHz float64) sample {
	if last.at.IsZero() {
		last = sample{at: booted}
	}
	elapsed := time.Since(last.at)
	if elapsed < shortest {
		return last
	}
	next := sample{at: time.Now(), cpuSeconds: cpuSeconds}
	if cpuSeconds > last.cpuSeconds {
		next.cpuMHz = (cpuSeconds - last.cpuSeconds) / elapsed.Seconds() * hostMHz
	}
	return next
}

// bootTime returns when a VM was powered on, by the machine's clock.
func (s *Server) bootTime(vm *simulator.VirtualMachine) time.Time {
	booted := time.Now()
	s.locked(vm, func(*simulator.Context) {
		if vm.Runtime.BootTime != nil {
			booted = s.clock.Machine(*vm.Runtime.BootTime)
		}
	})
	return booted
}

// showUse sets a VM's statistics: "changes in QuickStats do not generate property collector updates" (API). The lab does not
// measure the guest's memory usage. Without a process, all of the VM's memory is used.
func (s *Server) showUse(vm *simulator.VirtualMachine, cpuMHz float64, residentBytes int64) (used use) {
	s.locked(vm, func(*simulator.Context) {
		showMost(vm, int64(s.config.Hosts.CPUMHz))
		stats := &vm.Summary.QuickStats
		stats.OverallCpuUsage, stats.OverallCpuDemand = int32(cpuMHz), int32(cpuMHz)
		stats.GrantedMemory = vm.Config.Hardware.MemoryMB
		stats.ConsumedOverheadMemory = int32(overheadMB(vm.Config))
		stats.HostMemoryUsage = stats.GrantedMemory + stats.ConsumedOverheadMemory
		if residentBytes > 0 {
			stats.HostMemoryUsage = max(min(stats.HostMemoryUsage, int32(residentBytes>>20)), stats.ConsumedOverheadMemory)
		}
		if vm.Runtime.BootTime != nil {
			stats.UptimeSeconds = int32(s.clock.Since(*vm.Runtime.BootTime).Seconds())
		}
		used = use{int64(stats.OverallCpuUsage), int64(stats.GrantedMemory), int64(stats.HostMemoryUsage), int64(stats.ConsumedOverheadMemory)}
	})
	return used
}

// clearUse clears the statistics of a VM that is powered off. The caller holds its lock.
func clearUse(vm *simulator.VirtualMachine) {
	vm.Summary.QuickStats = types.VirtualMachineQuickStats{GuestHeartbeatStatus: vm.Summary.QuickStats.GuestHeartbeatStatus}
	vm.Runtime.MaxCpuUsage, vm.Runtime.MaxMemoryUsage = 0, 0
	vm.Summary.Runtime.MaxCpuUsage, vm.Summary.Runtime.MaxMemoryUsage = 0, 0
}

// showMost sets the most that a running VM can use: "based on the host the virtual machine is current running on, as well as
// limits configured on the virtual machine itself or any parent resource pool" (maxCpuUsage). Limits of pools are left out. The
// caller holds the VM's lock.
func showMost(vm *simulator.VirtualMachine, hostMHz int64) {
	cpu := atMost(int64(vm.Config.Hardware.NumCPU)*hostMHz, vm.Config.CpuAllocation)
	memory := atMost(int64(vm.Config.Hardware.MemoryMB), vm.Config.MemoryAllocation)
	vm.Runtime.MaxCpuUsage, vm.Runtime.MaxMemoryUsage = cpu, memory
	vm.Summary.Runtime.MaxCpuUsage, vm.Summary.Runtime.MaxMemoryUsage = cpu, memory
}

func atMost(most int64, allocation *types.ResourceAllocationInfo) int32 {
	if allocation != nil && allocation.Limit != nil && *allocation.Limit >= 0 {
		most = min(most, *allocation.Limit)
	}
	return int32(most)
}

func (s *Server) showHosts(on drs.Occupancy, used map[ref]float64) {
	cpu := map[ref]float64{}
	for vm, host := range on {
		cpu[host] += used[vm]
	}
	for _, host := range s.site.hosts {
		s.load.mu.Lock()
		memoryMB := s.memoryOn(host.Self)
		s.load.mu.Unlock()
		s.locked(host, func(*simulator.Context) {
			stats := &host.Summary.QuickStats
			stats.OverallCpuUsage, stats.OverallMemoryUsage = int32(cpu[host.Self]), int32(memoryMB)
		})
	}
}

// resourceUsage returns what the hosts of a cluster have and use, and its datastores. (API, ClusterComputeResource.GetResourceUsage.)
func (s *Server) resourceUsage(_ *simulator.Context, request *types.GetResourceUsage) (soap.HasFault, types.BaseMethodFault) {
	cluster := s.registry.Get(request.This).(*simulator.ClusterComputeResource)
	var usage types.ClusterResourceUsageSummary
	for _, reference := range cluster.Host {
		host := s.registry.Get(reference).(*simulator.HostSystem)
		s.locked(host, func(*simulator.Context) {
			hardware, stats := host.Summary.Hardware, host.Summary.QuickStats
			usage.CpuCapacityMHz += hardware.CpuMhz * int32(hardware.NumCpuCores)
			usage.MemCapacityMB += int32(hardware.MemorySize >> 20)
			usage.CpuUsedMHz += stats.OverallCpuUsage
			usage.MemUsedMB += stats.OverallMemoryUsage
		})
	}
	for _, reference := range cluster.Datastore {
		store := s.registry.Get(reference).(*simulator.Datastore)
		s.locked(store, func(*simulator.Context) {
			usage.StorageCapacityMB += store.Summary.Capacity >> 20
			usage.StorageUsedMB += (store.Summary.Capacity - store.Summary.FreeSpace) >> 20
		})
	}
	return &methods.GetResourceUsageBody{Res: &types.GetResourceUsageResponse{Returnval: usage}}, nil
}
