// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Conflicting rules: "If you create conflicting rules, the older rule takes precedence and DRS disables the newer rule" and
// "If there is a rule conflict, the Server can override the setting to disable a rule" (API, ClusterRuleInfo). Therefore
// they are not refused.

package drs

import (
	"slices"

	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/vim"
)

// settleConflicts disables the rules that conflict with older ones.
func (r *reconfiguration) settleConflicts() {
	rules := slices.Clone(r.config.Rule)
	slices.SortFunc(rules, func(a, b types.BaseClusterRuleInfo) int {
		return int(a.GetClusterRuleInfo().Key - b.GetClusterRuleInfo().Key)
	})
	var kept []boundRule
	for _, rule := range rules {
		info := rule.GetClusterRuleInfo()
		bound, binds := bindRule(&r.config, rule)
		switch {
		case !vim.IsTrue(info.Enabled) || !binds:
		case conflict(append(slices.Clone(kept), bound), r.members.Hosts):
			info.Enabled = types.NewBool(false)
		default:
			kept = append(kept, bound)
		}
	}
}

// conflict returns whether rules conflict: VMs must run both together and apart, or no host is in all groups that a VM must
// run on ("can run only on hosts that belong to both of the host groups", vSphere Resource Management, "VM-Host Affinity
// Rules"). Rules between VMs are not checked against those with hosts, as DRS does not, and a rule that needs more hosts
// than the cluster has is no conflict.
func conflict(rules []boundRule, hosts []Ref) bool {
	group := map[Ref]Ref{} // VMs that must be together refer to one of them
	find := func(vm Ref) Ref {
		for group[vm] != (Ref{}) && group[vm] != vm {
			vm = group[vm]
		}
		return vm
	}
	constraints := map[Ref][]boundRule{}
	for _, rule := range rules {
		for _, vm := range rule.vms {
			switch rule.kind {
			case together:
				group[find(vm)] = find(rule.vms[0])
			case onHosts:
				constraints[vm] = append(constraints[vm], rule)
			}
		}
	}
	for _, rule := range rules {
		if rule.kind != apart {
			continue
		}
		seen := map[Ref]bool{}
		for _, vm := range rule.vms {
			if seen[find(vm)] {
				return true
			}
			seen[find(vm)] = true
		}
	}
	for _, rules := range constraints {
		allowed := slices.ContainsFunc(hosts, func(host Ref) bool {
			return !slices.ContainsFunc(rules, func(rule boundRule) bool { return !rule.allows(host) })
		})
		if len(rules) > 1 && !allowed {
			return true
		}
	}
	return false
}
