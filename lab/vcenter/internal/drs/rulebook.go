// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Evaluation of DRS rules for the placement of VMs.

package drs

import (
	"slices"

	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/vim"
)

type ruleKind int

const (
	together ruleKind = iota // VM-VM affinity
	apart                    // VM-VM anti-affinity
	onHosts                  // VM-host
)

// boundRule is an enabled rule with the current members of its groups.
type boundRule struct {
	kind      ruleKind
	info      types.BaseClusterRuleInfo
	mandatory bool
	vms       []Ref
	affine    *[]Ref // the hosts of a VM-host rule; nil: it names no such group
	avoided   []Ref
}

// Rulebook holds the rules that are in effect in a cluster. The zero value has no rules.
type Rulebook struct {
	rules []boundRule
	// spares has the dedicated failover hosts of HA.
	spares []Ref
}

// Bind returns the rules of a cluster's configuration that place VMs.
func Bind(config *types.ClusterConfigInfoEx) Rulebook {
	var book Rulebook
	if policy, ok := config.DasConfig.AdmissionControlPolicy.(*types.ClusterFailoverHostAdmissionControlPolicy); ok && vim.IsTrue(config.DasConfig.Enabled) {
		book.spares = policy.FailoverHosts
	}
	for _, rule := range config.Rule {
		if !vim.IsTrue(rule.GetClusterRuleInfo().Enabled) {
			continue
		}
		bound, binds := bindRule(config, rule)
		// Without DRS, rules between VMs have no effect, but mandatory VM-host rules are still enforced.
		if binds && (vim.IsTrue(config.DrsConfig.Enabled) || bound.mandatory && bound.kind == onHosts) {
			book.rules = append(book.rules, bound)
		}
	}
	return book
}

// bindRule returns false for a rule that does not place VMs: a dependency, which HA follows when it restarts them.
func bindRule(config *types.ClusterConfigInfoEx, rule types.BaseClusterRuleInfo) (boundRule, bool) {
	bound := boundRule{info: rule, mandatory: vim.IsTrue(rule.GetClusterRuleInfo().Mandatory)}
	switch r := rule.(type) {
	case *types.ClusterAffinityRuleSpec:
		bound.kind, bound.vms = together, r.Vm
	case *types.ClusterAntiAffinityRuleSpec:
		bound.kind, bound.vms = apart, r.Vm
	case *types.ClusterVmHostRuleInfo:
		bound.kind = onHosts
		if group := VMGroup(config, r.VmGroupName); group != nil {
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

// RulesBetween returns "all enabled and disabled VM-VM Affinity and Anti-Affinity rules involving the given Virtual Machine"
// (API, FindRulesForVm).
func RulesBetween(config *types.ClusterConfigInfoEx, vm Ref) []types.BaseClusterRuleInfo {
	var found []types.BaseClusterRuleInfo
	for _, rule := range config.Rule {
		if bound, binds := bindRule(config, rule); binds && bound.kind != onHosts && slices.Contains(bound.vms, vm) {
			found = append(found, rule)
		}
	}
	return found
}

// allows returns false for a host that a VM-host rule excludes.
func (r *boundRule) allows(host Ref) bool {
	return (r.affine == nil || slices.Contains(*r.affine, host)) && !slices.Contains(r.avoided, host)
}

// violations counts how often a VM breaks the rule on a host if all other VMs stay on theirs.
func (r *boundRule) violations(vm, host Ref, on Occupancy) int {
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

// satisfied returns whether all VMs that run comply with the rule.
func (r *boundRule) satisfied(on Occupancy) bool {
	for _, vm := range r.vms {
		if host, runs := on[vm]; runs && r.violations(vm, host, on) > 0 {
			return false
		}
	}
	return true
}

// The costs of breaking rules. DRS breaks an affinity rule rather than an anti-affinity rule (vSphere Resource Management,
// "VM-VM Affinity Rule Conflicts"), and never a mandatory one.
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

// reason returns the reason code of a move that fixes a violation of the rule.
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

// violation returns the fault of a VM that breaks the rule on a host.
func (r *boundRule) violation(vm, host Ref, names Names) types.BaseMethodFault {
	name := r.info.GetClusterRuleInfo().Name
	if r.kind == onHosts {
		fault := &types.VmHostAffinityRuleViolation{VmName: names(vm), HostName: names(host)}
		vim.Because(&fault.MethodFault, "Virtual machine "+fault.VmName+" on host "+fault.HostName+" would violate the VM-host rule "+name+".")
		return fault
	}
	fault := &types.RuleViolation{Host: &host, Rule: r.info}
	vim.Because(&fault.MethodFault, "This operation would violate the virtual machine affinity or anti-affinity rule "+name+".")
	return fault
}

// cost returns the sum of the costs of the rules that a VM breaks on a host.
func (b Rulebook) cost(vm, host Ref, on Occupancy) int {
	total := 0
	for number := range b.rules {
		total += b.rules[number].weight() * b.rules[number].violations(vm, host, on)
	}
	return total
}

// forbids returns a mandatory rule that a VM breaks on a host at least as often as on its current host, or nil.
func (b Rulebook) forbids(vm, host Ref, on Occupancy) *boundRule {
	place, runs := on[vm]
	for number := range b.rules {
		rule := &b.rules[number]
		if !rule.mandatory {
			continue
		}
		if broken := rule.violations(vm, host, on); broken > 0 && !(runs && broken < rule.violations(vm, place, on)) {
			return rule
		}
	}
	return nil
}

// Admits checks a host against the mandatory rules, and that it is not a failover host of HA: "The vCenter Server will
// prevent users from powering on virtual machines on that host, or from using vMotion" (API,
// ClusterFailoverHostAdmissionControlPolicy). vm is empty for a VM that does not exist yet: no rule names it.
func (b Rulebook) Admits(vm, host Ref, on Occupancy, names Names) types.BaseMethodFault {
	if slices.Contains(b.spares, host) {
		return &types.DisallowedOperationOnFailoverHost{Host: host, Hostname: names(host)}
	}
	if vm.Value == "" {
		return nil
	}
	if rule := b.forbids(vm, host, on); rule != nil {
		return rule.violation(vm, host, names)
	}
	return nil
}
