// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// CPU and memory statistics of VMs and hosts, as the hypervisor measures them, also for DRS's balancing.

package vsim

import (
	"sync"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/drs"
)

const (
	// measuredEvery is how often the statistics are renewed; a real vCenter's are of every 20 seconds.
	measuredEvery = 10 * time.Second
	// shortest is the least time that says something about a VM's use of CPU.
	shortest = 200 * time.Millisecond
)

// sample is what a VM had used at a time, and what it was using until then.
type sample struct {
	at         time.Time
	cpuSeconds float64
	cpuMHz     float64
}

// meter has the last sample of each running VM.
type meter struct {
	once sync.Once
	mu   sync.Mutex
	byVM map[ref]sample
}

// measureUntilClosed renews the statistics for as long as the server is there.
func (s *Server) measureUntilClosed() {
	ticker := time.NewTicker(measuredEvery)
	defer ticker.Stop()
	for {
		select {
		case <-s.closing:
			return
		case <-ticker.C:
			s.measure()
		}
	}
}

// measure takes a sample of each running VM, and gives the MHz that each uses.
func (s *Server) measure() map[ref]float64 {
	s.meter.mu.Lock()
	defer s.meter.mu.Unlock()
	on := s.occupancy()
	used := map[ref]float64{}
	samples := make(map[ref]sample, len(on))
	for reference, place := range on {
		vm, there := s.registry.Get(reference).(*simulator.VirtualMachine)
		host, known := s.registry.Get(place).(*simulator.HostSystem)
		if !there || !known {
			continue
		}
		if info, runs := s.hypervisor.Info(reference.Value); runs {
			samples[reference] = s.meter.byVM[reference].next(info.CPUSeconds, s.bootTime(vm), float64(host.Hardware.CpuInfo.Hz)/1e6)
			used[reference] = samples[reference].cpuMHz
		}
		s.showUse(vm, used[reference])
	}
	s.meter.byVM = samples
	s.showHosts(on, used)
	return used
}

// next is the sample after this one. A VM that has moved may count again from nothing.
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

func (s *Server) bootTime(vm *simulator.VirtualMachine) time.Time {
	booted := time.Now()
	s.locked(vm, func(*simulator.Context) {
		if vm.Runtime.BootTime != nil {
			booted = *vm.Runtime.BootTime
		}
	})
	return booted
}

// showUse sets a VM's statistics: "changes in QuickStats do not generate property collector updates" (API). What the
// guest does with its memory the lab doesn't know.
func (s *Server) showUse(vm *simulator.VirtualMachine, cpuMHz float64) {
	s.locked(vm, func(*simulator.Context) {
		stats := &vm.Summary.QuickStats
		stats.OverallCpuUsage, stats.OverallCpuDemand = int32(cpuMHz), int32(cpuMHz)
		stats.GrantedMemory = vm.Config.Hardware.MemoryMB
		stats.ConsumedOverheadMemory = int32(overheadMB(vm.Config))
		stats.HostMemoryUsage = stats.GrantedMemory + stats.ConsumedOverheadMemory
		if vm.Runtime.BootTime != nil {
			stats.UptimeSeconds = int32(time.Since(*vm.Runtime.BootTime).Seconds())
		}
	})
}

// clearUse is for a VM that is powered off. The caller has it locked.
func clearUse(vm *simulator.VirtualMachine) {
	vm.Summary.QuickStats = types.VirtualMachineQuickStats{GuestHeartbeatStatus: vm.Summary.QuickStats.GuestHeartbeatStatus}
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
