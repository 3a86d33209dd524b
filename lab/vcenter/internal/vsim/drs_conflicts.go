// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Rules in conflict: "If you create conflicting rules, the older rule takes precedence and DRS disables the newer rule" and
// "If there is a rule conflict, the Server can override the setting to disable a rule" (API, ClusterRuleInfo). So they are
// not refused.

package vsim

import (
	"slices"

	"github.com/vmware/govmomi/vim25/types"
)

// settleConflicts goes through the rules by their age, and disables those that cannot hold with the older ones.
func (r *reconfiguration) settleConflicts() {
	rules := slices.Clone(r.config.Rule)
	slices.SortFunc(rules, func(a, b types.BaseClusterRuleInfo) int {
		return int(a.GetClusterRuleInfo().Key - b.GetClusterRuleInfo().Key)
	})
	var hosts []ref
	for _, host := range r.server.hostsWith(r.cluster.Self) {
		hosts = append(hosts, host.Self)
	}
	var kept []boundRule
	for _, rule := range rules {
		info := rule.GetClusterRuleInfo()
		bound, binds := bindRule(&r.config, rule)
		switch {
		case !isTrue(info.Enabled) || !binds:
		case conflict(append(slices.Clone(kept), bound), hosts):
			info.Enabled = types.NewBool(false)
		default:
			kept = append(kept, bound)
		}
	}
}

// conflict says whether rules contradict each other: machines to be kept together and apart, or on hosts of which none is
// in all groups ("can run only on hosts that belong to both of the host groups", vSphere Resource Management, "VM-Host
// Affinity Rules"). Rules between machines are not checked against those with hosts, as DRS does not, and a rule that no
// cluster of this size can keep is no conflict.
func conflict(rules []boundRule, hosts []ref) bool {
	group := map[ref]ref{} // machines that are to be together have one machine's name
	find := func(vm ref) ref {
		for group[vm] != (ref{}) && group[vm] != vm {
			vm = group[vm]
		}
		return vm
	}
	constraints := map[ref][]boundRule{}
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
		seen := map[ref]bool{}
		for _, vm := range rule.vms {
			if seen[find(vm)] {
				return true
			}
			seen[find(vm)] = true
		}
	}
	for _, rules := range constraints {
		allowed := slices.ContainsFunc(hosts, func(host ref) bool {
			return !slices.ContainsFunc(rules, func(rule boundRule) bool { return !rule.allows(host) })
		})
		if len(rules) > 1 && !allowed {
			return true
		}
	}
	return false
}
