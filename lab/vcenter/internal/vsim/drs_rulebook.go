// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// What DRS rules say about where a machine is, or would be.

package vsim

import (
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// occupancy says on which host each machine runs, or would run.
type occupancy map[ref]ref

type ruleKind int

const (
	together ruleKind = iota // VM-VM affinity
	apart                    // VM-VM anti-affinity
	onHosts                  // VM-host
)

// boundRule is an enabled rule with the members that its groups have now.
type boundRule struct {
	kind      ruleKind
	info      types.BaseClusterRuleInfo
	mandatory bool
	vms       []ref
	affine    *[]ref // the hosts of a VM-host rule; nil: it names no such group
	avoided   []ref
}

// rulebook is what holds in a cluster now.
type rulebook struct {
	rules []boundRule
	// spares are the hosts that HA keeps for failures.
	spares []ref
}

func isTrue(flag *bool) bool { return flag != nil && *flag }

// rulebookOf binds a cluster's rules.
func (s *Server) rulebookOf(cluster *simulator.ClusterComputeResource) rulebook {
	if cluster == nil {
		return rulebook{}
	}
	return bind(s.clusterConfig(cluster))
}

func bind(config *types.ClusterConfigInfoEx) rulebook {
	var book rulebook
	if policy, ok := config.DasConfig.AdmissionControlPolicy.(*types.ClusterFailoverHostAdmissionControlPolicy); ok && isTrue(config.DasConfig.Enabled) {
		book.spares = policy.FailoverHosts
	}
	for _, rule := range config.Rule {
		if !isTrue(rule.GetClusterRuleInfo().Enabled) {
			continue
		}
		bound, binds := bindRule(config, rule)
		// Without DRS nobody keeps machines together or apart, but hosts go on refusing what a mandatory rule forbids.
		if binds && (isTrue(config.DrsConfig.Enabled) || bound.mandatory && bound.kind == onHosts) {
			book.rules = append(book.rules, bound)
		}
	}
	return book
}

// bindRule is false for a rule that does not place machines: a dependency, which HA follows when it restarts them.
func bindRule(config *types.ClusterConfigInfoEx, rule types.BaseClusterRuleInfo) (boundRule, bool) {
	bound := boundRule{info: rule, mandatory: isTrue(rule.GetClusterRuleInfo().Mandatory)}
	switch r := rule.(type) {
	case *types.ClusterAffinityRuleSpec:
		bound.kind, bound.vms = together, r.Vm
	case *types.ClusterAntiAffinityRuleSpec:
		bound.kind, bound.vms = apart, r.Vm
	case *types.ClusterVmHostRuleInfo:
		bound.kind = onHosts
		if group := vmGroup(config, r.VmGroupName); group != nil {
			bound.vms = group.Vm
		}
		if group := hostGroup(config, r.AffineHostGroupName); group != nil {
			bound.affine = &group.Host
		}
		if group := hostGroup(config, r.AntiAffineHostGroupName); group != nil {
			bound.avoided = group.Host
		}
	default:
		return boundRule{}, false
	}
	return bound, true
}

func groupNamed(config *types.ClusterConfigInfoEx, name string) types.BaseClusterGroupInfo {
	for _, group := range config.Group {
		if group.GetClusterGroupInfo().Name == name {
			return group
		}
	}
	return nil
}

func vmGroup(config *types.ClusterConfigInfoEx, name string) *types.ClusterVmGroup {
	group, _ := groupNamed(config, name).(*types.ClusterVmGroup)
	return group
}

func hostGroup(config *types.ClusterConfigInfoEx, name string) *types.ClusterHostGroup {
	group, _ := groupNamed(config, name).(*types.ClusterHostGroup)
	return group
}

// allows is false for a host that a VM-host rule is against.
func (r *boundRule) allows(host ref) bool {
	return (r.affine == nil || slices.Contains(*r.affine, host)) && !slices.Contains(r.avoided, host)
}

// breaches counts what speaks against a machine's being on a host, with all others where they are.
func (r *boundRule) breaches(vm, host ref, on occupancy) int {
	if !slices.Contains(r.vms, vm) {
		return 0
	}
	if r.kind == onHosts {
		if r.allows(host) {
			return 0
		}
		return 1
	}
	count := 0
	for _, other := range r.vms {
		place, runs := on[other]
		if runs && other != vm && (place == host) == (r.kind == apart) {
			count++
		}
	}
	return count
}

// kept says whether all machines that run keep the rule.
func (r *boundRule) kept(on occupancy) bool {
	for _, vm := range r.vms {
		if host, runs := on[vm]; runs && r.breaches(vm, host, on) > 0 {
			return false
		}
	}
	return true
}

// How much it costs to break a rule. DRS would rather break an affinity rule than an anti-affinity rule (vSphere Resource
// Management, "VM-VM Affinity Rule Conflicts"), and never a mandatory one.
const (
	mandatoryCost = 1_000_000
	onHostsCost   = 1000
	apartCost     = 100
	togetherCost  = 1
)

func (r *boundRule) weight() int {
	switch {
	case r.mandatory:
		return mandatoryCost
	case r.kind == onHosts:
		return onHostsCost
	case r.kind == apart:
		return apartCost
	}
	return togetherCost
}

// reason is why DRS moves a machine that breaks the rule.
func (r *boundRule) reason() types.RecommendationReasonCode {
	switch {
	case r.kind == together:
		return types.RecommendationReasonCodeJointAffin
	case r.kind == apart:
		return types.RecommendationReasonCodeAntiAffin
	case r.mandatory:
		return types.RecommendationReasonCodeVmHostHardAffinity
	}
	return types.RecommendationReasonCodeVmHostSoftAffinity
}

// cost weighs the rules that a machine breaks on a host.
func (b rulebook) cost(vm, host ref, on occupancy) int {
	total := 0
	for number := range b.rules {
		total += b.rules[number].weight() * b.rules[number].breaches(vm, host, on)
	}
	return total
}

// forbids gives the mandatory rule that a machine breaks on a host, and not less than where it runs now.
func (b rulebook) forbids(vm, host ref, on occupancy) *boundRule {
	place, runs := on[vm]
	for number := range b.rules {
		rule := &b.rules[number]
		if !rule.mandatory {
			continue
		}
		if broken := rule.breaches(vm, host, on); broken > 0 && !(runs && broken < rule.breaches(vm, place, on)) {
			return rule
		}
	}
	return nil
}

// violation is the fault of a machine's breaking a rule on a host.
func (s *Server) violation(rule *boundRule, vm, host ref) types.BaseMethodFault {
	if rule.kind == onHosts {
		fault := &types.VmHostAffinityRuleViolation{VmName: s.nameOf(vm), HostName: s.nameOf(host)}
		because(&fault.MethodFault, "virtual machine "+fault.VmName+" on host "+fault.HostName+
			" would violate the VM-host rule "+rule.info.GetClusterRuleInfo().Name)
		return fault
	}
	fault := &types.RuleViolation{Host: &host, Rule: rule.info}
	because(&fault.MethodFault, "this operation would violate a virtual machine affinity/anti-affinity rule: "+
		rule.info.GetClusterRuleInfo().Name)
	return fault
}
