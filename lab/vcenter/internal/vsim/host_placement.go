// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Placement of VMs: what hosts and pools admit, and the host that DRS chooses.

package vsim

import (
	"fmt"
	"slices"
	"sync"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/drs"
	"gantry.invalid/lab/vcenter/internal/vim"
)

// claim is the resource usage of a VM that runs or is being started.
type claim struct {
	drs.Claim
	pool ref
}

// load holds the claims of all admitted VMs, and their sums, so that to start one VM takes no longer if many run.
type load struct {
	mu       sync.Mutex
	admitted map[ref]claim
	hosts    drs.Occupancy
	byHost   map[ref]hostLoad
	byPool   map[ref]amounts
}

type hostLoad struct {
	memoryMB, reservedMB int64
}

func newLoad() load {
	return load{admitted: map[ref]claim{}, hosts: drs.Occupancy{}, byHost: map[ref]hostLoad{}, byPool: map[ref]amounts{}}
}

// put sets the claim of a VM. The caller holds the lock.
func (l *load) put(vm ref, claimed claim) {
	l.drop(vm)
	l.admitted[vm], l.hosts[vm] = claimed, claimed.Host
	on := l.byHost[claimed.Host]
	l.byHost[claimed.Host] = hostLoad{on.memoryMB + claimed.MemoryMB, on.reservedMB + claimed.ReservedMB}
	l.byPool[claimed.pool] = l.byPool[claimed.pool].plus(claimed.reserved())
}

// drop removes the claim of a VM, if it has one. The caller holds the lock.
func (l *load) drop(vm ref) {
	claimed, on := l.admitted[vm]
	if !on {
		return
	}
	delete(l.admitted, vm)
	delete(l.hosts, vm)
	host := l.byHost[claimed.Host]
	l.byHost[claimed.Host] = hostLoad{host.memoryMB - claimed.MemoryMB, host.reservedMB - claimed.ReservedMB}
	l.byPool[claimed.pool] = l.byPool[claimed.pool].minus(claimed.reserved())
}

// overheadMB returns the memory overhead of running a VM.
func overheadMB(config *types.VirtualMachineConfigInfo) int64 {
	return 20 + 4*int64(config.Hardware.NumCPU) + int64(config.Hardware.MemoryMB)/256
}

func claimOf(vm ref, config *types.VirtualMachineConfigInfo, pool ref) claim {
	return claim{drs.Claim{VM: vm, MemoryMB: int64(config.Hardware.MemoryMB),
		ReservedMB: *config.MemoryAllocation.Reservation + overheadMB(config), CPUMHz: *config.CpuAllocation.Reservation}, pool}
}

// admit chooses a host for the VM and reserves its resources there. only, if not nil, is the requested host.
func (s *Server) admit(vm *simulator.VirtualMachine, only *ref) (ref, types.BaseMethodFault) {
	return s.checkAdmission(vm, only, true)
}

// checkAdmission chooses a host as admit does, and reserves resources only with hold.
func (s *Server) checkAdmission(vm *simulator.VirtualMachine, only *ref, hold bool) (ref, types.BaseMethodFault) {
	var config *types.VirtualMachineConfigInfo
	var pool, current ref
	s.locked(vm, func(*simulator.Context) {
		config, current = vm.Config, *vm.Runtime.Host
		if vm.ResourcePool != nil {
			pool = *vm.ResourcePool
		}
	})
	want := claimOf(vm.Self, config, pool)
	s.load.mu.Lock()
	defer s.load.mu.Unlock()
	if fault := s.poolAdmits(want); fault != nil {
		return ref{}, fault
	}
	host, fault := s.choose(want, config, only, current)
	if fault == nil {
		fault = s.failoverAdmits(host, want)
	}
	if fault != nil {
		return ref{}, fault
	}
	if hold {
		want.Host = host
		s.load.put(vm.Self, want)
	}
	return host, nil
}

func (s *Server) endAdmission(vm ref) {
	s.load.mu.Lock()
	defer s.load.mu.Unlock()
	s.load.drop(vm)
}

// choose returns a host of the cluster of the VM's pool: among the hosts that can run the VM without breaking a mandatory
// rule, the one where it breaks the fewest other rules, and of these the least loaded. only, if not nil, is the requested
// host. The caller holds the load's lock.
func (s *Server) choose(want claim, config *types.VirtualMachineConfigInfo, only *ref, current ref) (ref, types.BaseMethodFault) {
	hosts := s.hostsWith(want.pool)
	if only != nil {
		hosts = slices.DeleteFunc(slices.Clone(hosts), func(host *simulator.HostSystem) bool { return host.Self != *only })
	}
	if len(hosts) == 0 {
		return ref{}, invalidArgument("host")
	}
	return s.bestOf(hosts, want, current, func(host *simulator.HostSystem) types.BaseMethodFault {
		return s.hostAdmits(host, want, config)
	})
}

func (s *Server) memoryOn(host ref) int64 {
	return s.load.byHost[host].memoryMB
}

// hostAdmits returns why a host cannot run a VM in addition to its running VMs, or must not by a mandatory rule. As a
// simplification, a VM larger than the host is never admitted.
func (s *Server) hostAdmits(host *simulator.HostSystem, want claim, config *types.VirtualMachineConfigInfo) types.BaseMethodFault {
	if fault := s.rulesAdmit(host.Self, want.VM); fault != nil {
		return fault
	}
	if fault := s.hostReaches(host, config); fault != nil {
		return fault
	}
	return s.hostHolds(host, want, config)
}

// hostHolds returns why the CPUs and the memory of a host do not suffice for a VM in addition to the others that run there.
func (s *Server) hostHolds(host *simulator.HostSystem, want claim, config *types.VirtualMachineConfigInfo) types.BaseMethodFault {
	memoryMB := host.Hardware.MemorySize >> 20
	reserved := s.load.byHost[host.Self].reservedMB
	if own := s.load.admitted[want.VM]; own.Host == host.Self {
		reserved -= own.ReservedMB
	}
	switch {
	case config.Hardware.NumCPU > int32(host.Hardware.CpuInfo.NumCpuThreads):
		return &types.NumVirtualCpusExceedsLimit{MaxSupportedVcpus: int32(host.Hardware.CpuInfo.NumCpuThreads)}
	case want.MemoryMB > memoryMB:
		return vim.NotEnoughMemory(memoryMB, want.MemoryMB)
	case want.ReservedMB > memoryMB-reserved:
		return vim.NotEnoughMemory(memoryMB-reserved, want.ReservedMB)
	}
	return nil
}

// hostReaches checks that a host is connected, not in maintenance mode, and has the VM's networks and datastores.
func (s *Server) hostReaches(host *simulator.HostSystem, config *types.VirtualMachineConfigInfo) types.BaseMethodFault {
	var fault types.BaseMethodFault
	s.locked(host, func(*simulator.Context) {
		switch {
		case host.Runtime.ConnectionState != types.HostSystemConnectionStateConnected:
			fault = &types.HostNotConnected{}
		case host.Runtime.InMaintenanceMode || s.maintenance.isEntering(host.Self):
			fault = invalidState(fmt.Sprintf("Host %s is in maintenance mode.", host.Name))
		}
		for _, store := range s.datastoresOf(config) {
			if fault == nil && !slices.Contains(host.Datastore, store) {
				fault = vmConfigFault(fmt.Sprintf("Host %s does not mount datastore %s.", host.Name, s.nameOf(store)))
			}
		}
		for _, network := range s.networksOf(config) {
			if fault == nil && !slices.Contains(host.Network, network) {
				fault = vmConfigFault(fmt.Sprintf("Host %s does not have network %s.", host.Name, s.nameOf(network)))
			}
		}
	})
	return fault
}

// hostFor chooses the host of a new VM: the one with the fewest operations, and of these the one where running VMs use the
// least memory. It reserves nothing there, since the VM is powered off.
func (s *Server) hostFor(to destination, config *types.VirtualMachineConfigInfo) (*simulator.HostSystem, types.BaseMethodFault) {
	candidates := s.hostsWith(to.pool.Self)
	if to.host != nil {
		candidates = []*simulator.HostSystem{s.registry.Get(*to.host).(*simulator.HostSystem)}
	}
	s.load.mu.Lock()
	defer s.load.mu.Unlock()
	var best *simulator.HostSystem
	type load struct {
		units    int
		memoryMB int64
	}
	var least load
	var refusal types.BaseMethodFault
	for _, host := range candidates {
		fault := s.hostReaches(host, config)
		if fault == nil {
			fault = s.hostMounts(host, to.store)
		}
		if fault != nil {
			refusal = fault
			continue
		}
		of := load{s.units.inUse(resource{hostUnits, host.Self}), s.memoryOn(host.Self)}
		if best == nil || of.units < least.units || of.units == least.units && of.memoryMB < least.memoryMB {
			best, least = host, of
		}
	}
	if best == nil {
		return nil, refusal
	}
	return best, nil
}
