// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package drs

import (
	"testing"

	"github.com/vmware/govmomi/vim25/types"
)

func TestAHostIsChosenByRulesThenMemoryThenWhereTheVMIs(t *testing.T) {
	config := automated(affinity("pair", "a", "b"))
	book, on := Bind(&config), placed("b", "h3")
	all := []Candidate{{Host: hostRef("h1"), MemoryMB: 100}, {Host: hostRef("h2"), MemoryMB: 100}, {Host: hostRef("h3"), MemoryMB: 900}}
	for vm, wanted := range map[string]string{"a": "h3", "c": "h2"} {
		if host, fault := book.Choose(vmRef(vm), hostRef("h2"), all, on, nameOf); fault != nil || host != hostRef(wanted) {
			t.Errorf("%s is placed on %v (%+v)", vm, host, fault)
		}
	}
	all[1].MemoryMB = 101
	if host, _ := book.Choose(vmRef("c"), hostRef("h2"), all, on, nameOf); host != hostRef("h1") {
		t.Errorf("c is placed on %v", host)
	}
}

func TestTheRefusalOfAllHostsNamesTheBestReason(t *testing.T) {
	byRule, byOther := &types.VmHostAffinityRuleViolation{}, &types.HostNotConnected{}
	choose := func(refusals ...types.BaseMethodFault) types.BaseMethodFault {
		var candidates []Candidate
		for _, refusal := range refusals {
			candidates = append(candidates, Candidate{Host: hostRef("h"), Refusal: refusal})
		}
		_, fault := Rulebook{}.Choose(vmRef("a"), Ref{}, candidates, nil, nameOf)
		return fault
	}
	isA[*types.HostNotConnected](t, choose(byRule, byOther, byRule))
	isA[*types.VmHostAffinityRuleViolation](t, choose(byRule))
	if fault := isA[*types.NoCompatibleHardAffinityHost](t, choose(byRule, byRule)); fault.VmName != "a" {
		t.Errorf("fault %+v", fault)
	}
	isA[*types.RuleViolation](t, choose(&types.RuleViolation{}, &types.RuleViolation{}))
	isA[*types.NoCompatibleHost](t, choose())
}
