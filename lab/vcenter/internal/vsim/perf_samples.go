// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Real-time samples of the performance counters of running VMs and of hosts, as measured by the hypervisor.

package vsim

import (
	"sync"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/machine"
)

// "The performance counters of a host are sampled every 20 seconds" and kept for an hour (vSphere Monitoring and Performance).
const (
	sampledEvery = 20 * time.Second
	samplesKept  = int(time.Hour / sampledEvery)
)

// figure is one of the counters that the lab measures. Units: hundredths of a percent, MHz, KB, KB per second, seconds.
type figure int

const (
	cpuUsage figure = iota
	cpuUsageMHz
	cpuDemand
	memoryUsage
	memoryGranted
	memoryConsumed
	memoryOverhead
	diskUsage
	diskRead
	diskWrite
	netUsage
	netReceived
	netSent
	uptime
	figures
)

// The counters of the figures, and of which kinds of entities they are. The memory usage of a VM is that of its guest, which is
// not measured.
var figureNames = [figures]struct {
	counter string
	of      []string
}{
	cpuUsage:       {"cpu.usage.average", []string{"VirtualMachine", "HostSystem"}},
	cpuUsageMHz:    {"cpu.usagemhz.average", []string{"VirtualMachine", "HostSystem"}},
	cpuDemand:      {"cpu.demand.average", []string{"VirtualMachine"}},
	memoryUsage:    {"mem.usage.average", []string{"HostSystem"}},
	memoryGranted:  {"mem.granted.average", []string{"VirtualMachine"}},
	memoryConsumed: {"mem.consumed.average", []string{"VirtualMachine", "HostSystem"}},
	memoryOverhead: {"mem.overhead.average", []string{"VirtualMachine"}},
	diskUsage:      {"disk.usage.average", []string{"VirtualMachine", "HostSystem"}},
	diskRead:       {"disk.read.average", []string{"VirtualMachine", "HostSystem"}},
	diskWrite:      {"disk.write.average", []string{"VirtualMachine", "HostSystem"}},
	netUsage:       {"net.usage.average", []string{"VirtualMachine", "HostSystem"}},
	netReceived:    {"net.received.average", []string{"VirtualMachine", "HostSystem"}},
	netSent:        {"net.transmitted.average", []string{"VirtualMachine", "HostSystem"}},
	uptime:         {"sys.uptime.latest", []string{"VirtualMachine"}},
}

// perfSample is what was measured of an entity at a point in time.
type perfSample struct {
	at     time.Time
	values [figures]int64
}

// series are the samples of one run of a VM, or of a host, with the counters at the last one.
type series struct {
	booted  time.Time
	cpu     sample
	traffic machine.Traffic
	samples []perfSample
}

func (r *series) add(next perfSample) {
	if len(r.samples) == samplesKept {
		r.samples = append(r.samples[:0], r.samples[1:]...)
	}
	r.samples = append(r.samples, next)
}

// perf has the series of the VMs that run, and of all hosts.
type perf struct {
	mu       sync.Mutex
	byEntity map[ref]*series
}

// SamplePerformance takes a sample of all running VMs and their hosts.
func (s *Server) SamplePerformance() {
	s.measure()
	on := s.occupancy()
	s.perf.mu.Lock()
	defer s.perf.mu.Unlock()
	now, kept := s.clock.Now().Truncate(time.Second), map[ref]*series{}
	byHost := map[ref][figures]int64{}
	for reference, host := range on {
		vm, place := s.vm(reference), s.registry.Get(host)
		if vm == nil || place == nil {
			continue
		}
		run := s.perf.of(reference, s.shownBootTime(vm))
		values := s.sampleVM(vm, run, float64(place.(*simulator.HostSystem).Hardware.CpuInfo.Hz)/1e6)
		run.add(perfSample{now, values})
		kept[reference] = run
		byHost[host] = sum(byHost[host], values)
	}
	for _, host := range s.site.hosts {
		if s.disconnected(host) != nil {
			continue
		}
		run := s.perf.of(host.Self, time.Time{})
		run.add(perfSample{now, s.sampleHost(host, byHost[host.Self])})
		kept[host.Self] = run
	}
	s.perf.byEntity = kept
}

// shownBootTime returns when a VM was powered on, by the lab's clock, which identifies its run.
func (s *Server) shownBootTime(vm *simulator.VirtualMachine) (booted time.Time) {
	s.locked(vm, func(*simulator.Context) {
		if vm.Runtime.BootTime != nil {
			booted = *vm.Runtime.BootTime
		}
	})
	return booted
}

// of returns the series of an entity. Each run of a VM has a new one.
func (p *perf) of(entity ref, booted time.Time) *series {
	if known := p.byEntity[entity]; known != nil && known.booted.Equal(booted) {
		return known
	}
	return &series{booted: booted}
}

// sampleVM returns the figures of a running VM. What the hypervisor does not measure is as in the VM's statistics.
func (s *Server) sampleVM(vm *simulator.VirtualMachine, run *series, hostMHz float64) (values [figures]int64) {
	booted := s.bootTime(vm)
	since := time.Since(booted)
	if !run.cpu.at.IsZero() {
		since = time.Since(run.cpu.at)
	}
	if info, measured := s.hypervisor.Info(vm.Self.Value); measured {
		run.cpu = run.cpu.next(info.CPUSeconds, booted, hostMHz)
	}
	values[cpuUsageMHz] = int64(run.cpu.cpuMHz)
	if traffic, measured := s.hypervisor.Traffic(vm.Self.Value); measured {
		rate := func(now, before int64) int64 {
			if now < before {
				before = 0 // the VM has moved to another process
			}
			return int64(float64((now-before)>>10) / max(since, shortest).Seconds())
		}
		values[diskRead], values[diskWrite] = rate(traffic.ReadBytes, run.traffic.ReadBytes), rate(traffic.WrittenBytes, run.traffic.WrittenBytes)
		values[netReceived], values[netSent] = rate(traffic.ReceivedBytes, run.traffic.ReceivedBytes), rate(traffic.SentBytes, run.traffic.SentBytes)
		run.traffic = traffic
	}
	values[diskUsage], values[netUsage] = values[diskRead]+values[diskWrite], values[netReceived]+values[netSent]
	values[cpuDemand] = values[cpuUsageMHz]
	s.locked(vm, func(*simulator.Context) {
		stats := &vm.Summary.QuickStats
		values[cpuUsage] = hundredths(float64(values[cpuUsageMHz]), hostMHz*float64(vm.Config.Hardware.NumCPU))
		values[memoryGranted], values[memoryOverhead] = int64(stats.GrantedMemory)<<10, int64(stats.ConsumedOverheadMemory)<<10
		values[memoryConsumed] = int64(stats.HostMemoryUsage-stats.ConsumedOverheadMemory) << 10
		values[uptime] = int64(stats.UptimeSeconds)
	})
	return values
}

// sampleHost returns the figures of a host from the sums over its VMs.
func (s *Server) sampleHost(host *simulator.HostSystem, values [figures]int64) [figures]int64 {
	s.locked(host, func(*simulator.Context) {
		cpu := &host.Hardware.CpuInfo
		values[cpuUsage] = hundredths(float64(values[cpuUsageMHz]), float64(cpu.Hz)/1e6*float64(cpu.NumCpuCores))
		values[memoryConsumed] = int64(host.Summary.QuickStats.OverallMemoryUsage) << 10
		values[memoryUsage] = hundredths(float64(values[memoryConsumed]), float64(host.Hardware.MemorySize>>10))
	})
	return values
}

func hundredths(part, whole float64) int64 { return int64(part / whole * 1e4) }

func sum(a, b [figures]int64) [figures]int64 {
	for n := range a {
		a[n] += b[n]
	}
	return a
}

// samplesOf returns the samples of an entity after a time and up to another one: "the returned samples do not include the sample
// at startTime" and "include the sample at endTime" (API, PerfQuerySpec). A VM that is off has none.
func (s *Server) samplesOf(entity ref, after, until *time.Time) []perfSample {
	if vm := s.vm(entity); vm != nil && s.powerState(vm) != types.VirtualMachinePowerStatePoweredOn {
		return nil
	}
	s.perf.mu.Lock()
	defer s.perf.mu.Unlock()
	run := s.perf.byEntity[entity]
	if run == nil {
		return nil
	}
	var chosen []perfSample
	for _, one := range run.samples {
		if (after == nil || one.at.After(*after)) && (until == nil || !one.at.After(*until)) {
			chosen = append(chosen, one)
		}
	}
	return chosen
}
