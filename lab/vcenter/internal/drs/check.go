// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Checks of a cluster's rules and settings as a whole, once all changes are made.

package drs

import (
	"slices"

	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/vim"
)

// check refuses invalid settings and rules.
func (r *reconfiguration) check(*types.ClusterConfigSpecEx) types.BaseMethodFault {
	if fault := r.checkServices(); fault != nil {
		return fault
	}
	for _, override := range r.config.DasVmConfig {
		if fault := checkSettings("spec.dasVmConfigSpec.info.dasSettings", override.DasSettings); fault != nil {
			return fault
		}
	}
	for _, override := range r.config.DrsVmConfig {
		if fault := vim.OneOf("spec.drsVmConfigSpec.info.behavior", override.Behavior, types.DrsBehavior("").Values()); fault != nil {
			return fault
		}
	}
	var names []string
	for _, rule := range r.config.Rule {
		// That names are unique is unconfirmed: the API only calls it "Name of the rule". The vSphere Client refuses it.
		name := rule.GetClusterRuleInfo().Name
		if slices.Contains(names, name) {
			return vim.InvalidArgumentf("spec.rulesSpec.info.name", "There is a rule named %s already.", name)
		}
		names = append(names, name)
		if fault := r.checkRule(rule); fault != nil {
			return fault
		}
	}
	return r.checkDependencies()
}

func (r *reconfiguration) checkRule(rule types.BaseClusterRuleInfo) types.BaseMethodFault {
	touched := r.touched[rule.GetClusterRuleInfo().Key]
	switch info := rule.(type) {
	case *types.ClusterAffinityRuleSpec:
		info.Vm = distinct(info.Vm)
		return r.checkVMs(touched, info.Name, info.Vm)
	case *types.ClusterAntiAffinityRuleSpec:
		info.Vm = distinct(info.Vm)
		return r.checkVMs(touched, info.Name, info.Vm)
	case *types.ClusterVmHostRuleInfo:
		return r.checkVMHostRule(touched, info)
	case *types.ClusterDependencyRuleInfo:
		for property, name := range map[string]string{"vmGroup": info.VmGroup, "dependsOnVmGroup": info.DependsOnVmGroup} {
			if VMGroup(&r.config, name) == nil {
				return r.noGroup(touched, "spec.rulesSpec.info."+property, info.Name, "virtual machines", name)
			}
		}
	}
	return nil
}

// checkVMs checks the members of a rule between VMs: "Hosts and virtual machines referenced in a DRS rule must be in the same
// cluster" (API, ClusterRuleInfo). That a rule needs two is in vSphere Resource Management, "Create a VM-VM Affinity Rule"
// ("Select at least two virtual machines"); the fault is unconfirmed. A rule that has lost VMs since it was made is left alone.
func (r *reconfiguration) checkVMs(touched bool, name string, vms []Ref) types.BaseMethodFault {
	if !touched {
		return nil
	}
	if len(vms) < 2 {
		return vim.InvalidArgumentf("spec.rulesSpec.info.vm", "Rule %s requires at least two virtual machines; it has %d.", name, len(vms))
	}
	for _, vm := range vms {
		if !r.members.HasVM(vm) {
			return vim.InvalidArgumentf("spec.rulesSpec.info.vm", "Virtual machine %s of rule %s is not in cluster %s.", r.members.Names(vm), name, r.members.Cluster)
		}
	}
	return nil
}

// checkVMHostRule checks the groups of a rule: "A VM-Host rule identifies ... a virtual machine group, two host groups ...
// At least one of the groups must contain one or more hosts" (API, ClusterVmHostRuleInfo; the fault is unconfirmed).
func (r *reconfiguration) checkVMHostRule(touched bool, info *types.ClusterVmHostRuleInfo) types.BaseMethodFault {
	if VMGroup(&r.config, info.VmGroupName) == nil {
		return r.noGroup(touched, "spec.rulesSpec.info.vmGroupName", info.Name, "virtual machines", info.VmGroupName)
	}
	hosts := 0
	for property, name := range map[string]string{"affineHostGroupName": info.AffineHostGroupName, "antiAffineHostGroupName": info.AntiAffineHostGroupName} {
		group := hostGroup(&r.config, name)
		switch {
		case group != nil:
			hosts += len(group.Host)
		case name != "":
			return r.noGroup(touched, "spec.rulesSpec.info."+property, info.Name, "hosts", name)
		}
	}
	if touched && hosts == 0 {
		return vim.InvalidArgumentf("spec.rulesSpec.info.affineHostGroupName", "Rule %s requires a group with hosts.", info.Name)
	}
	return nil
}

// noGroup returns the fault for a rule whose group does not exist. If this change adds or edits the rule, the rule is wrong;
// otherwise this change removes the group. Unconfirmed: that a group in use cannot be removed, and the faults.
func (r *reconfiguration) noGroup(touched bool, property, rule, kind, group string) types.BaseMethodFault {
	if touched {
		return vim.InvalidArgumentf(property, "Rule %s names %q, which is not a group of %s.", rule, group, kind)
	}
	return inUse(group, rule)
}

func inUse(group, rule string) types.BaseMethodFault {
	fault := &types.ResourceInUse{Type: "ClusterGroupInfo", Name: group}
	vim.Because(&fault.MethodFault, "Group "+group+" is in use by rule "+rule+".")
	return fault
}

// priorities are the steps in which HA restarts VMs.
var priorities = []types.ClusterDasVmSettingsRestartPriority{types.ClusterDasVmSettingsRestartPriorityLowest,
	types.ClusterDasVmSettingsRestartPriorityLow, types.ClusterDasVmSettingsRestartPriorityMedium,
	types.ClusterDasVmSettingsRestartPriorityHigh, types.ClusterDasVmSettingsRestartPriorityHighest}

// checkDependencies checks the order in which HA restarts VMs: "Cyclic dependency is not permitted across VMs. Also, higher
// priority VMs cannot depend on lower priority VMs" (API, ClusterOrchestrationInfo; the fault is unconfirmed).
func (r *reconfiguration) checkDependencies() types.BaseMethodFault {
	needs := map[Ref][]Ref{}
	for _, rule := range r.config.Rule {
		info, ok := rule.(*types.ClusterDependencyRuleInfo)
		if !ok || !vim.IsTrue(info.Enabled) {
			continue
		}
		if info.VmGroup == info.DependsOnVmGroup {
			return vim.InvalidArgumentf("spec.rulesSpec.info.dependsOnVmGroup", "By rule %s, group %s would depend on itself.", info.Name, info.VmGroup)
		}
		for _, vm := range VMGroup(&r.config, info.VmGroup).Vm {
			for _, other := range VMGroup(&r.config, info.DependsOnVmGroup).Vm {
				if r.priority(vm) > r.priority(other) {
					return vim.InvalidArgumentf("spec.rulesSpec.info.dependsOnVmGroup", "By rule %s, %s would depend on %s, which has a lower restart priority.",
						info.Name, r.members.Names(vm), r.members.Names(other))
				}
				needs[vm] = append(needs[vm], other)
			}
		}
	}
	done := map[Ref]bool{}
	for vm := range needs {
		if cyclic(vm, needs, map[Ref]bool{}, done) {
			return vim.InvalidArgumentf("spec.rulesSpec.info.dependsOnVmGroup", "Virtual machine %s would depend on itself.", r.members.Names(vm))
		}
	}
	return nil
}

// cyclic returns whether a VM depends on itself. above has the VMs that depend on it, done the VMs that are not part of a
// cycle.
func cyclic(vm Ref, needs map[Ref][]Ref, above, done map[Ref]bool) bool {
	if above[vm] || done[vm] {
		return above[vm]
	}
	above[vm] = true
	for _, other := range needs[vm] {
		if cyclic(other, needs, above, done) {
			return true
		}
	}
	delete(above, vm)
	done[vm] = true
	return false
}

// priority returns the restart priority of a VM; -1: HA does not restart the VM.
func (r *reconfiguration) priority(vm Ref) int {
	wanted := ""
	if settings := r.config.DasConfig.DefaultVmSettings; settings != nil {
		wanted = settings.RestartPriority
	}
	for _, override := range r.config.DasVmConfig {
		own := override.DasSettings
		if override.Key == vm && own != nil && own.RestartPriority != "" &&
			own.RestartPriority != string(types.ClusterDasVmSettingsRestartPriorityClusterRestartPriority) {
			wanted = own.RestartPriority
		}
	}
	return slices.Index(priorities, types.ClusterDasVmSettingsRestartPriority(wanted))
}
