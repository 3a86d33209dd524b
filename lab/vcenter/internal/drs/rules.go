// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Rules, which are edited and removed by their keys.

package drs

import (
	"reflect"
	"slices"

	"github.com/google/uuid"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/vim"
)

// applyRules adds, edits and removes rules.
func (r *reconfiguration) applyRules(spec *types.ClusterConfigSpecEx) types.BaseMethodFault {
	for _, change := range spec.RulesSpec {
		var fault types.BaseMethodFault
		switch change.Operation {
		case types.ArrayUpdateOperationAdd:
			fault = r.addRule(change.Info)
		case types.ArrayUpdateOperationEdit:
			fault = r.editRule(change.Info)
		case types.ArrayUpdateOperationRemove:
			fault = r.removeRule(change.RemoveKey)
		default:
			fault = vim.InvalidArgument("spec.rulesSpec.operation")
		}
		if fault != nil {
			return fault
		}
	}
	return nil
}

// addRule assigns the rule's key and UUID: "When adding a new rule, do not specify this property. The Server will assign
// the key" (API, ClusterRuleInfo). The flags are false by default; unconfirmed for userCreated, which community.vmware leaves
// out.
func (r *reconfiguration) addRule(info types.BaseClusterRuleInfo) types.BaseMethodFault {
	if info == nil || info.GetClusterRuleInfo().Name == "" {
		return vim.InvalidArgumentf("spec.rulesSpec.info.name", "A rule requires a name.") // unconfirmed
	}
	switch info.(type) {
	case *types.ClusterAffinityRuleSpec, *types.ClusterAntiAffinityRuleSpec, *types.ClusterVmHostRuleInfo, *types.ClusterDependencyRuleInfo:
	default:
		return vim.InvalidArgumentf("spec.rulesSpec.info", "A rule of this type cannot be created.")
	}
	rule := info.GetClusterRuleInfo()
	r.lastRule++
	rule.Key, rule.RuleUuid = r.lastRule, uuid.NewString()
	for _, flag := range []**bool{&rule.Enabled, &rule.Mandatory, &rule.UserCreated} {
		if *flag == nil {
			*flag = types.NewBool(false)
		}
	}
	r.touched[rule.Key] = true
	r.config.Rule = append(r.config.Rule, info)
	return nil
}

// editRule changes the properties that are set: "When you modify a VM-Host rule, only the fields that are specified are set"
// (API, ClusterVmHostRuleInfo; assumed for the others). A rule does not change its type; the fault is unconfirmed.
func (r *reconfiguration) editRule(info types.BaseClusterRuleInfo) types.BaseMethodFault {
	if !r.modify || info == nil {
		return vim.InvalidArgument("spec.rulesSpec.info")
	}
	change := info.GetClusterRuleInfo()
	place := r.ruleWithKey(change.Key)
	if place < 0 {
		return vim.InvalidArgumentf("spec.rulesSpec.info.key", "There is no rule with the key %d.", change.Key)
	}
	rule := r.config.Rule[place]
	if reflect.TypeOf(rule) != reflect.TypeOf(info) {
		return vim.InvalidArgumentf("spec.rulesSpec.info", "Rule %s is of another type.", rule.GetClusterRuleInfo().Name)
	}
	// Clients cannot change what the server sets.
	change.RuleUuid, change.UserCreated, change.InCompliance, change.Status = "", nil, nil, ""
	mergeValue(reflect.ValueOf(rule).Elem(), reflect.ValueOf(info).Elem())
	r.touched[change.Key] = namesMembers(info)
	return nil
}

// namesMembers returns false for an edit of flags or the name only: a rule that has lost members can still be turned off.
func namesMembers(info types.BaseClusterRuleInfo) bool {
	switch rule := info.(type) {
	case *types.ClusterAffinityRuleSpec:
		return len(rule.Vm) > 0
	case *types.ClusterAntiAffinityRuleSpec:
		return len(rule.Vm) > 0
	}
	return true
}

func (r *reconfiguration) removeRule(key types.AnyType) types.BaseMethodFault {
	number := int32(-1)
	switch k := key.(type) {
	case int32:
		number = k
	case int64:
		number = int32(k)
	}
	place := r.ruleWithKey(number)
	if !r.modify || place < 0 {
		return vim.InvalidArgumentf("spec.rulesSpec.removeKey", "There is no rule with the key %v.", key)
	}
	r.config.Rule = slices.Delete(r.config.Rule, place, place+1)
	return nil
}

func (r *reconfiguration) ruleWithKey(key int32) int {
	return slices.IndexFunc(r.config.Rule, func(rule types.BaseClusterRuleInfo) bool { return rule.GetClusterRuleInfo().Key == key })
}
