// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The host that DRS chooses, with the rules in mind: at power on, for a placement, for an evacuation.

package vsim

import (
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// chooseHost gives the host that a machine, on or off, would best be on, of those of its cluster that are not excluded.
// It holds no place there: moveTo does, and refuses if it has become impossible meanwhile.
func (s *Server) chooseHost(vm *simulator.VirtualMachine, exclude ...ref) (ref, types.BaseMethodFault) {
	config, pool, current := s.placed(vm)
	hosts := slices.DeleteFunc(slices.Clone(s.hostsWith(current)), func(host *simulator.HostSystem) bool {
		return slices.Contains(exclude, host.Self)
	})
	if len(hosts) == 0 {
		return ref{}, noCompatibleHost("the cluster has no other host")
	}
	s.load.mu.Lock()
	defer s.load.mu.Unlock()
	want := claim{vm: vm.Self, pool: pool}
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
	return s.bestOf(hosts, want, current, s.rulebookOf(s.clusterOf(current)), s.occupied(), admits)
}

// ruleFault is what a mandatory rule has against a machine's being on a host: moving it there is to be refused.
func (s *Server) ruleFault(vm, host ref) types.BaseMethodFault {
	s.load.mu.Lock()
	defer s.load.mu.Unlock()
	return s.rulesAdmit(host, vm)
}

func (s *Server) placed(vm *simulator.VirtualMachine) (config *types.VirtualMachineConfigInfo, pool, host ref) {
	s.locked(vm, func(*simulator.Context) {
		config, host = vm.Config, *vm.Runtime.Host
		if vm.ResourcePool != nil {
			pool = *vm.ResourcePool
		}
	})
	return config, pool, host
}

// occupied says where machines run, or are about to. The caller holds the load.
func (s *Server) occupied() occupancy {
	on := make(occupancy, len(s.load.admitted))
	for vm, claimed := range s.load.admitted {
		on[vm] = claimed.host
	}
	return on
}

// rulesAdmit checks the mandatory rules, and that HA does not keep the host free. "The vCenter Server will prevent users
// from powering on virtual machines on that host, or from using vMotion" (ClusterFailoverHostAdmissionControlPolicy). The
// caller holds the load.
func (s *Server) rulesAdmit(host, vm ref) types.BaseMethodFault {
	book := s.rulebookOf(s.clusterOf(host))
	if slices.Contains(book.spares, host) {
		return &types.DisallowedOperationOnFailoverHost{Host: host, Hostname: s.nameOf(host)}
	}
	if vm.Value == "" {
		return nil
	}
	if rule := book.forbids(vm, host, s.occupied()); rule != nil {
		return s.violation(rule, vm, host)
	}
	return nil
}

// bestOf takes the host where the machine breaks the fewest rules, and of these the least loaded, preferably the one that
// it is on. The caller holds the load.
func (s *Server) bestOf(hosts []*simulator.HostSystem, want claim, current ref, book rulebook, on occupancy,
	admits func(*simulator.HostSystem) types.BaseMethodFault) (ref, types.BaseMethodFault) {
	var best ref
	var bestCost int
	var bestLoad int64
	var faults []types.BaseMethodFault
	for _, host := range hosts {
		if fault := admits(host); fault != nil {
			faults = append(faults, fault)
			continue
		}
		cost, load := book.cost(want.vm, host.Self, on), s.memoryBeside(host.Self, want.vm)
		better := cost < bestCost || cost == bestCost && (load < bestLoad || load == bestLoad && host.Self == current)
		if best.Value == "" || better {
			best, bestCost, bestLoad = host.Self, cost, load
		}
	}
	if best.Value == "" {
		return ref{}, s.refusalOf(want.vm, faults)
	}
	return best, nil
}

// memoryBeside is what a host gives to others than one machine.
func (s *Server) memoryBeside(host, vm ref) int64 {
	total := s.memoryOn(host)
	if claimed := s.load.admitted[vm]; claimed.host == host {
		total -= claimed.memoryMB
	}
	return total
}

// refusalOf is the one fault for many hosts: of those that rules allow, if there are any. "The cluster contains no hosts
// satisfying the hard VM/host affinity rules constraint for the VM" (NoCompatibleHardAffinityHost).
func (s *Server) refusalOf(vm ref, faults []types.BaseMethodFault) types.BaseMethodFault {
	refusal := faults[0]
	ruled := 0
	for _, fault := range faults {
		if !isRuleFault(fault) {
			refusal = fault
			continue
		}
		ruled++
	}
	if _, byHost := refusal.(*types.VmHostAffinityRuleViolation); byHost && ruled == len(faults) && ruled > 1 {
		fault := &types.NoCompatibleHardAffinityHost{VmName: s.nameOf(vm)}
		because(&fault.MethodFault, "no host of the cluster satisfies the mandatory VM-host rules of virtual machine "+fault.VmName)
		return fault
	}
	return refusal
}

func isRuleFault(fault types.BaseMethodFault) bool {
	switch fault.(type) {
	case *types.VmHostAffinityRuleViolation, *types.RuleViolation, *types.NoCompatibleHardAffinityHost:
		return true
	}
	return false
}

func noCompatibleHost(text string) types.BaseMethodFault {
	fault := &types.NoCompatibleHost{}
	because(&fault.MethodFault, text)
	return fault
}
