// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package drs

import (
	"testing"

	"github.com/vmware/govmomi/vim25/types"
)

func TestRulesThatAreOffOrWithoutDRSDoNotBind(t *testing.T) {
	parts := []any{vmGroup("vms", "a"), groupOfHosts("hosts", "h1"), affinity("pair", "a", "b"), disabled(antiAffinity("off", "a", "c")),
		mandatory(runOn("must", "vms", "hosts")), runOn("should", "vms", "hosts"),
		&types.ClusterDependencyRuleInfo{ClusterRuleInfo: enabled("order"), VmGroup: "vms", DependsOnVmGroup: "vms"}}
	config := automated(parts...)
	names := func() (list []string) {
		for _, rule := range Bind(&config).rules {
			list = append(list, rule.info.GetClusterRuleInfo().Name)
		}
		return list
	}
	if got := names(); len(got) != 3 || got[0] != "pair" || got[1] != "must" || got[2] != "should" {
		t.Errorf("in effect are %v", got)
	}
	config.DrsConfig.Enabled = types.NewBool(false)
	if got := names(); len(got) != 1 || got[0] != "must" {
		t.Errorf("without DRS, in effect are %v", got)
	}
}

func TestTheCostOfAHostFollowsTheKindsOfRules(t *testing.T) {
	config := automated(vmGroup("vms", "a"), groupOfHosts("first", "h1"), groupOfHosts("second", "h2"), affinity("with b", "a", "b"),
		antiAffinity("not with c", "a", "c"), runOn("on h1", "vms", "first"), mandatory(avoid("not h2", "vms", "second")))
	book, on := Bind(&config), placed("b", "h1", "c", "h2")
	for host, wanted := range map[string]int{
		"h1": 0, "h2": mandatoryCost + onHostsCost + apartCost + togetherCost, "h3": onHostsCost + togetherCost} {
		if got := book.cost(vmRef("a"), hostRef(host), on); got != wanted {
			t.Errorf("%s costs %d instead of %d", host, got, wanted)
		}
	}
	if got := book.cost(vmRef("unnamed"), hostRef("h2"), on); got != 0 {
		t.Errorf("a VM without rules costs %d", got)
	}
}

func TestMandatoryRulesAndSparesForbidHosts(t *testing.T) {
	config := automated(vmGroup("vms", "a"), groupOfHosts("first", "h1"), mandatory(runOn("on h1", "vms", "first")),
		mandatory(antiAffinity("apart", "a", "b", "c")))
	config.DasConfig.Enabled = types.NewBool(true)
	config.DasConfig.AdmissionControlPolicy = &types.ClusterFailoverHostAdmissionControlPolicy{FailoverHosts: hostRefs("h3")}
	book, on := Bind(&config), placed("b", "h1", "c", "h2")
	admits := func(vm, host string) types.BaseMethodFault { return book.Admits(vmRef(vm), hostRef(host), on, nameOf) }
	byHost := isA[*types.VmHostAffinityRuleViolation](t, admits("a", "h2"))
	if byHost.VmName != "a" || byHost.HostName != "h2" {
		t.Errorf("fault %+v", byHost)
	}
	byVM := isA[*types.RuleViolation](t, admits("a", "h1"))
	if byVM.Rule.GetClusterRuleInfo().Name != "apart" || *byVM.Host != hostRef("h1") {
		t.Errorf("fault %+v", byVM)
	}
	isA[*types.DisallowedOperationOnFailoverHost](t, admits("b", "h3"))
	if fault := admits("b", "h1"); fault != nil {
		t.Errorf("a VM is refused where it runs: %+v", fault)
	}
	if fault := book.Admits(Ref{}, hostRef("h1"), on, nameOf); fault != nil {
		t.Errorf("a VM that does not exist yet is refused: %+v", fault)
	}
	// A move that reduces the number of violating VMs from three to two is allowed.
	on = placed("a", "h2", "b", "h2", "c", "h2")
	on[vmRef("d")] = hostRef("h1")
	config.Rule = []types.BaseClusterRuleInfo{mandatory(antiAffinity("apart", "a", "b", "c", "d"))}
	if fault := Bind(&config).Admits(vmRef("a"), hostRef("h1"), on, nameOf); fault != nil {
		t.Errorf("a move that breaks less is refused: %+v", fault)
	}
}

func TestTheRulesBetweenVMsAreFound(t *testing.T) {
	config := automated(vmGroup("vms", "a"), groupOfHosts("first", "h1"), affinity("pair", "a", "b"),
		disabled(antiAffinity("off", "a", "c")), runOn("where", "vms", "first"), affinity("others", "c", "d"))
	found := RulesBetween(&config, vmRef("a"))
	if len(found) != 2 || found[0].GetClusterRuleInfo().Name != "pair" || found[1].GetClusterRuleInfo().Name != "off" {
		t.Errorf("found %+v", found)
	}
}
