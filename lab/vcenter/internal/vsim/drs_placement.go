// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The choice of a host by DRS: at power-on and for an evacuation.

package vsim

import (
	"maps"
	"slices"
	"sync"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/drs"
)

// chooseHost returns the best host for a VM, powered on or off, among the hosts of its cluster that are not excluded. It
// reserves nothing there: moveTo does, and fails if the move has become impossible meanwhile.
func (s *Server) chooseHost(vm *simulator.VirtualMachine, exclude ...ref) (ref, types.BaseMethodFault) {
	config, pool, current := s.placed(vm)
	hosts := slices.DeleteFunc(slices.Clone(s.hostsWith(current)), func(host *simulator.HostSystem) bool {
		return slices.Contains(exclude, host.Self)
	})
	s.load.mu.Lock()
	defer s.load.mu.Unlock()
	want := claim{Claim: drs.Claim{VM: vm.Self}, pool: pool}
	admits := func(host *simulator.HostSystem) types.BaseMethodFault {
		if fault := s.rulesAdmit(host.Self, vm.Self); fault != nil {
			return fault
		}
		return s.hostReaches(host, config)
	}
	if _, on := s.load.admitted[vm.Self]; on {
		want = claimOf(vm.Self, config, pool)
		admits = func(host *simulator.HostSystem) types.BaseMethodFault { return s.hostAdmits(host, want, config) }
	}
	return s.bestOf(hosts, want, current, admits)
}

// ruleFault returns the fault of a mandatory rule that forbids a VM on a host.
func (s *Server) ruleFault(vm, host ref) types.BaseMethodFault {
	s.load.mu.Lock()
	defer s.load.mu.Unlock()
	return s.rulesAdmit(host, vm)
}

// placed returns the configuration of a VM, its pool and its host.
func (s *Server) placed(vm *simulator.VirtualMachine) (config *types.VirtualMachineConfigInfo, pool, host ref) {
	s.locked(vm, func(*simulator.Context) {
		config, host = vm.Config, *vm.Runtime.Host
		if vm.ResourcePool != nil {
			pool = *vm.ResourcePool
		}
	})
	return config, pool, host
}

// occupancy returns the hosts of the VMs that run or are being started.
func (s *Server) occupancy() drs.Occupancy {
	s.load.mu.Lock()
	defer s.load.mu.Unlock()
	return maps.Clone(s.load.hosts)
}

// rulesOf returns the rules of the cluster that a host or a pool is part of.
func (s *Server) rulesOf(member ref) drs.Rulebook {
	cluster := s.clusterOf(member)
	if cluster == nil {
		return drs.Rulebook{}
	}
	return s.drs.books.of(cluster.Self, s.clusterConfig(cluster))
}

// rulebooks has the rules of each cluster for its current configuration, which is never changed in place.
type rulebooks struct {
	mu   sync.Mutex
	made map[ref]rulebook
}

type rulebook struct {
	config *types.ClusterConfigInfoEx
	rules  drs.Rulebook
}

func (b *rulebooks) of(cluster ref, config *types.ClusterConfigInfoEx) drs.Rulebook {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.made == nil {
		b.made = map[ref]rulebook{}
	}
	if b.made[cluster].config != config {
		b.made[cluster] = rulebook{config, drs.Bind(config)}
	}
	return b.made[cluster].rules
}

// rulesAdmit checks a host against the mandatory rules. The caller holds the load's lock.
func (s *Server) rulesAdmit(host, vm ref) types.BaseMethodFault {
	return s.rulesOf(host).Admits(vm, host, s.load.hosts, s.nameOf)
}

// bestOf returns the host of one cluster that DRS chooses. The caller holds the load's lock.
func (s *Server) bestOf(hosts []*simulator.HostSystem, want claim, current ref,
	admits func(*simulator.HostSystem) types.BaseMethodFault) (ref, types.BaseMethodFault) {
	var rules drs.Rulebook
	if len(hosts) > 0 {
		rules = s.rulesOf(hosts[0].Self)
	}
	candidates := make([]drs.Candidate, 0, len(hosts))
	for _, host := range hosts {
		candidates = append(candidates, drs.Candidate{Host: host.Self, MemoryMB: s.memoryBeside(host.Self, want.VM), Refusal: admits(host)})
	}
	return rules.Choose(want.VM, current, candidates, s.load.hosts, s.nameOf)
}

// memoryBeside returns the memory of the other VMs on a host.
func (s *Server) memoryBeside(host, vm ref) int64 {
	total := s.memoryOn(host)
	if claimed := s.load.admitted[vm]; claimed.Host == host {
		total -= claimed.MemoryMB
	}
	return total
}
