// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Compliance of VMs with the rules, and the removal of a VM from a cluster's configuration.

package drs

import (
	"slices"

	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/vim"
)

// status returns whether the running VMs satisfy a rule. A rule that is disabled or does not place VMs is green (unconfirmed).
func status(config *types.ClusterConfigInfoEx, rule types.BaseClusterRuleInfo, on Occupancy) types.ManagedEntityStatus {
	bound, binds := bindRule(config, rule)
	if binds && vim.IsTrue(rule.GetClusterRuleInfo().Enabled) && !bound.satisfied(on) {
		return types.ManagedEntityStatusRed
	}
	return types.ManagedEntityStatusGreen
}

// SetCompliance sets the status of the rules of a configuration. inCompliance stays unset: "The Server does not currently use
// this property" (API, ClusterRuleInfo).
func SetCompliance(config *types.ClusterConfigInfoEx, on Occupancy) {
	for _, rule := range config.Rule {
		info := rule.GetClusterRuleInfo()
		info.InCompliance, info.Status = nil, status(config, rule, on)
	}
}

// HasCompliance returns whether the status of the rules of a configuration is up to date.
func HasCompliance(config *types.ClusterConfigInfoEx, on Occupancy) bool {
	return !slices.ContainsFunc(config.Rule, func(rule types.BaseClusterRuleInfo) bool {
		return rule.GetClusterRuleInfo().Status != status(config, rule, on)
	})
}

// Forget removes a VM from groups and rules, and removes its overrides. Confirmed by Broadcom's knowledge base, article
// 436954: it "is automatically removed from the rule's membership (e.g., VM Groups)", the rule "remains ... However, if the
// rule no longer contains the required minimum number of members, it becomes functionally inactive", and overrides are
// "permanently removed". That an emptied group stays is from vmware/vic, issue 7556.
func Forget(config *types.ClusterConfigInfoEx, vm Ref) {
	for _, group := range config.Group {
		if g, ok := group.(*types.ClusterVmGroup); ok {
			g.Vm = vim.Without(g.Vm, vm)
		}
	}
	for _, rule := range config.Rule {
		switch r := rule.(type) {
		case *types.ClusterAffinityRuleSpec:
			r.Vm = vim.Without(r.Vm, vm)
		case *types.ClusterAntiAffinityRuleSpec:
			r.Vm = vim.Without(r.Vm, vm)
		}
	}
	config.DasVmConfig = slices.DeleteFunc(config.DasVmConfig, func(info types.ClusterDasVmConfigInfo) bool { return info.Key == vm })
	config.DrsVmConfig = slices.DeleteFunc(config.DrsVmConfig, func(info types.ClusterDrsVmConfigInfo) bool { return info.Key == vm })
	config.VmOrchestration = slices.DeleteFunc(config.VmOrchestration, func(info types.ClusterVmOrchestrationInfo) bool { return info.Vm == vm })
}

// Mentions returns whether a configuration contains anything that Forget would remove.
func Mentions(config *types.ClusterConfigInfoEx, vm Ref) bool {
	for _, group := range config.Group {
		if g, ok := group.(*types.ClusterVmGroup); ok && slices.Contains(g.Vm, vm) {
			return true
		}
	}
	return len(RulesBetween(config, vm)) > 0 ||
		slices.ContainsFunc(config.DasVmConfig, func(info types.ClusterDasVmConfigInfo) bool { return info.Key == vm }) ||
		slices.ContainsFunc(config.DrsVmConfig, func(info types.ClusterDrsVmConfigInfo) bool { return info.Key == vm }) ||
		slices.ContainsFunc(config.VmOrchestration, func(info types.ClusterVmOrchestrationInfo) bool { return info.Vm == vm })
}
