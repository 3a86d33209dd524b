// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Compliance: whether machines are where the rules want them, kept true as they move, start and stop.

package vsim

import (
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// compliance says by their keys whether rules are kept by the machines that run. Of rules that are off, or do not place
// machines, it says nothing.
func (s *Server) compliance(config *types.ClusterConfigInfoEx) map[int32]bool {
	s.load.mu.Lock()
	on := s.occupied()
	s.load.mu.Unlock()
	kept := map[int32]bool{}
	for _, rule := range config.Rule {
		info := rule.GetClusterRuleInfo()
		if bound, binds := bindRule(config, rule); binds && isTrue(info.Enabled) {
			kept[info.Key] = bound.kept(on)
		}
	}
	return kept
}

// judge sets the compliance of the rules of a configuration that is not published yet.
func (s *Server) judge(config *types.ClusterConfigInfoEx) {
	compliance := s.compliance(config)
	for _, rule := range config.Rule {
		info := rule.GetClusterRuleInfo()
		kept, judged := compliance[info.Key]
		info.InCompliance, info.Status = nil, types.ManagedEntityStatusGreen
		if judged {
			info.InCompliance = &kept
		}
		if judged && !kept {
			info.Status = types.ManagedEntityStatusRed
		}
	}
}

func judged(config *types.ClusterConfigInfoEx, compliance map[int32]bool) bool {
	for _, rule := range config.Rule {
		info := rule.GetClusterRuleInfo()
		if kept, judged := compliance[info.Key]; judged != (info.InCompliance != nil) || judged && kept != *info.InCompliance {
			return false
		}
	}
	return true
}

// hostChanged is called when the inventory shows a machine on another host. "If a virtual machine is removed from the
// cluster, it loses its DRS group affiliation" (API, ClusterVmGroup).
func (s *Server) hostChanged(vm *simulator.VirtualMachine, from, to ref) {
	before, after := s.clusterOf(from), s.clusterOf(to)
	if before != after {
		s.forgetMachine(vm.Self, before)
		s.placementChanged(before)
	} else if after != nil && s.powerState(vm) == types.VirtualMachinePowerStatePoweredOn {
		s.changeSummary(after, func(summary *types.ClusterComputeResourceSummary) { summary.NumVmotions++ })
	}
	s.placementChanged(after)
}

// placementChanged is called when a machine has moved, started or stopped.
func (s *Server) placementChanged(cluster *simulator.ClusterComputeResource) {
	if cluster == nil {
		return
	}
	s.drs.mu.Lock()
	defer s.drs.mu.Unlock()
	shown := s.clusterConfig(cluster)
	if len(shown.Rule) > 0 || len(s.drs.stateOf(cluster.Self).advice) > 0 {
		s.poke(cluster)
	}
	if judged(shown, s.compliance(shown)) {
		return
	}
	config := copied(*shown)
	s.judge(&config)
	s.publishConfig(cluster, &config)
}

// forgetMachine takes a machine that is no more out of groups and rules, with what is set for it alone. Confirmed by
// Broadcom's knowledge base, article 436954: it "is automatically removed from the rule's membership (e.g., VM Groups)", the
// rule "remains ... However, if the rule no longer contains the required minimum number of members, it becomes functionally
// inactive", and overrides are "permanently removed". That an emptied group stays is from vmware/vic, issue 7556.
func (s *Server) forgetMachine(vm ref, cluster *simulator.ClusterComputeResource) {
	if cluster == nil || !mentions(s.clusterConfig(cluster), vm) {
		return
	}
	s.drs.mu.Lock()
	defer s.drs.mu.Unlock()
	config := copied(*s.clusterConfig(cluster))
	for _, group := range config.Group {
		if g, ok := group.(*types.ClusterVmGroup); ok {
			g.Vm = without(g.Vm, vm)
		}
	}
	for _, rule := range config.Rule {
		switch r := rule.(type) {
		case *types.ClusterAffinityRuleSpec:
			r.Vm = without(r.Vm, vm)
		case *types.ClusterAntiAffinityRuleSpec:
			r.Vm = without(r.Vm, vm)
		}
	}
	config.DasVmConfig = slices.DeleteFunc(config.DasVmConfig, func(info types.ClusterDasVmConfigInfo) bool { return info.Key == vm })
	config.DrsVmConfig = slices.DeleteFunc(config.DrsVmConfig, func(info types.ClusterDrsVmConfigInfo) bool { return info.Key == vm })
	config.VmOrchestration = slices.DeleteFunc(config.VmOrchestration, func(info types.ClusterVmOrchestrationInfo) bool { return info.Vm == vm })
	s.judge(&config)
	s.publishConfig(cluster, &config)
	s.poke(cluster)
}

func mentions(config *types.ClusterConfigInfoEx, vm ref) bool {
	for _, group := range config.Group {
		if g, ok := group.(*types.ClusterVmGroup); ok && slices.Contains(g.Vm, vm) {
			return true
		}
	}
	for _, rule := range config.Rule {
		if bound, binds := bindRule(config, rule); binds && slices.Contains(bound.vms, vm) {
			return true
		}
	}
	return slices.ContainsFunc(config.DasVmConfig, func(info types.ClusterDasVmConfigInfo) bool { return info.Key == vm }) ||
		slices.ContainsFunc(config.DrsVmConfig, func(info types.ClusterDrsVmConfigInfo) bool { return info.Key == vm }) ||
		slices.ContainsFunc(config.VmOrchestration, func(info types.ClusterVmOrchestrationInfo) bool { return info.Vm == vm })
}
