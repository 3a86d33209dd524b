// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The order of changes in one request. The API does not document it, so clients must not rely on any order.

package drs

import (
	"slices"

	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/vim"
)

// refuseDependent refuses changes that are possible only after others of the same request: rules of groups that do not exist
// yet, removals of groups that are still in use, and names that are not free yet.
func (r *reconfiguration) refuseDependent(spec *types.ClusterConfigSpecEx) types.BaseMethodFault {
	if !r.members.Stepwise {
		return nil
	}
	for _, change := range spec.RulesSpec {
		if change.Info == nil {
			continue
		}
		name := change.Info.GetClusterRuleInfo().Name
		if change.Operation == types.ArrayUpdateOperationAdd && slices.ContainsFunc(r.config.Rule, func(rule types.BaseClusterRuleInfo) bool {
			return rule.GetClusterRuleInfo().Name == name
		}) {
			return vim.InvalidArgumentf("spec.rulesSpec.info.name", "There is a rule named %s already.", name)
		}
		for _, group := range groupsOf(change.Info) {
			if group != "" && groupNamed(&r.config, group) == nil {
				return vim.InvalidArgumentf("spec.rulesSpec.info", "Rule %s names %q, which is not a group.", name, group)
			}
		}
	}
	for _, change := range spec.GroupSpec {
		if change.Operation == types.ArrayUpdateOperationAdd && change.Info != nil {
			if name := change.Info.GetClusterGroupInfo().Name; groupNamed(&r.config, name) != nil {
				return vim.InvalidArgumentf("spec.groupSpec.info.name", "There is a group named %s already.", name)
			}
		}
		name, removes := change.RemoveKey.(string)
		for _, rule := range r.config.Rule {
			if removes && slices.Contains(groupsOf(rule), name) {
				return inUse(name, rule.GetClusterRuleInfo().Name)
			}
		}
	}
	return nil
}

// groupsOf returns the names of the groups that a rule refers to; a name may be empty.
func groupsOf(rule types.BaseClusterRuleInfo) []string {
	switch info := rule.(type) {
	case *types.ClusterVmHostRuleInfo:
		return []string{info.VmGroupName, info.AffineHostGroupName, info.AntiAffineHostGroupName}
	case *types.ClusterDependencyRuleInfo:
		return []string{info.VmGroup, info.DependsOnVmGroup}
	}
	return nil
}
