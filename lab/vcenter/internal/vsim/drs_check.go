// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// What the rules and settings of a cluster must be like together, once all changes are made.

package vsim

import (
	"slices"

	"github.com/vmware/govmomi/vim25/types"
)

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
		if fault := oneOf("spec.drsVmConfigSpec.info.behavior", override.Behavior, types.DrsBehavior("").Values()); fault != nil {
			return fault
		}
	}
	var names []string
	for _, rule := range r.config.Rule {
		// That names are unique is unconfirmed: the API only calls it "Name of the rule". The vSphere Client refuses it.
		name := rule.GetClusterRuleInfo().Name
		if slices.Contains(names, name) {
			return wrong("spec.rulesSpec.info.name", "there is a rule %s already", name)
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
			if vmGroup(&r.config, name) == nil {
				return r.noGroup(touched, "spec.rulesSpec.info."+property, info.Name, "virtual machines", name)
			}
		}
	}
	return nil
}

// checkVMs: "Hosts and virtual machines referenced in a DRS rule must be in the same cluster" (API, ClusterRuleInfo). That
// it takes two is in vSphere Resource Management, "Create a VM-VM Affinity Rule" ("Select at least two virtual machines");
// the fault is unconfirmed. A rule that has lost machines since is left alone.
func (r *reconfiguration) checkVMs(touched bool, name string, vms []ref) types.BaseMethodFault {
	if !touched {
		return nil
	}
	if len(vms) < 2 {
		return wrong("spec.rulesSpec.info.vm", "rule %s needs two virtual machines, it has %d", name, len(vms))
	}
	for _, vm := range vms {
		if !r.hasVM(vm) {
			return wrong("spec.rulesSpec.info.vm", "%s of rule %s is not in cluster %s", r.server.nameOf(vm), name, r.cluster.Name)
		}
	}
	return nil
}

// checkVMHostRule: "A VM-Host rule identifies ... a virtual machine group, two host groups ... At least one of the groups
// must contain one or more hosts" (API, ClusterVmHostRuleInfo; the fault is unconfirmed).
func (r *reconfiguration) checkVMHostRule(touched bool, info *types.ClusterVmHostRuleInfo) types.BaseMethodFault {
	if vmGroup(&r.config, info.VmGroupName) == nil {
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
		return wrong("spec.rulesSpec.info.affineHostGroupName", "rule %s needs a group with hosts", info.Name)
	}
	return nil
}

// noGroup is the fault for a rule whose group is not there: of a rule that is changed it is the rule's fault, of another
// it is that of the group's removal. Unconfirmed: that a group in use cannot be removed, and the faults.
func (r *reconfiguration) noGroup(touched bool, property, rule, kind, group string) types.BaseMethodFault {
	if touched {
		return wrong(property, "rule %s names %q, which is no group of %s", rule, group, kind)
	}
	fault := &types.ResourceInUse{Type: "ClusterGroupInfo", Name: group}
	because(&fault.MethodFault, "group "+group+" is in use by rule "+rule)
	return fault
}

// priorities are the steps in which HA restarts machines.
var priorities = []types.ClusterDasVmSettingsRestartPriority{types.ClusterDasVmSettingsRestartPriorityLowest,
	types.ClusterDasVmSettingsRestartPriorityLow, types.ClusterDasVmSettingsRestartPriorityMedium,
	types.ClusterDasVmSettingsRestartPriorityHigh, types.ClusterDasVmSettingsRestartPriorityHighest}

// checkDependencies: "Cyclic dependency is not permitted across VMs. Also, higher priority VMs cannot depend on lower
// priority VMs" (API, ClusterOrchestrationInfo; the fault is unconfirmed).
func (r *reconfiguration) checkDependencies() types.BaseMethodFault {
	needs := map[ref][]ref{}
	for _, rule := range r.config.Rule {
		info, ok := rule.(*types.ClusterDependencyRuleInfo)
		if !ok || !isTrue(info.Enabled) {
			continue
		}
		if info.VmGroup == info.DependsOnVmGroup {
			return wrong("spec.rulesSpec.info.dependsOnVmGroup", "by rule %s group %s depends on itself", info.Name, info.VmGroup)
		}
		for _, vm := range vmGroup(&r.config, info.VmGroup).Vm {
			for _, other := range vmGroup(&r.config, info.DependsOnVmGroup).Vm {
				if r.priority(vm) > r.priority(other) {
					return wrong("spec.rulesSpec.info.dependsOnVmGroup", "by rule %s %s would depend on %s, which has a lower restart priority",
						info.Name, r.server.nameOf(vm), r.server.nameOf(other))
				}
				needs[vm] = append(needs[vm], other)
			}
		}
	}
	done := map[ref]bool{}
	for vm := range needs {
		if cyclic(vm, needs, map[ref]bool{}, done) {
			return wrong("spec.rulesSpec.info.dependsOnVmGroup", "%s would depend on itself", r.server.nameOf(vm))
		}
	}
	return nil
}

func cyclic(vm ref, needs map[ref][]ref, above, done map[ref]bool) bool {
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

// priority is -1 for a machine that HA does not restart.
func (r *reconfiguration) priority(vm ref) int {
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
