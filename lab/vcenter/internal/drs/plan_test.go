// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package drs

import (
	"slices"
	"testing"

	"github.com/vmware/govmomi/vim25/types"
)

func TestViolationsAreFixedByTheFewestMoves(t *testing.T) {
	c := clusterOf(automated(antiAffinity("apart", "a", "b", "c")), placed("a", "h1", "b", "h1", "c", "h1", "d", "h2"))
	plan := c.PlanRequired()
	if len(plan.Moves) != 2 || len(plan.Failures) != 0 {
		t.Fatalf("planned %+v", plan)
	}
	// The host with the least memory in use comes first.
	first := plan.Moves[0]
	if first.From != hostRef("h1") || first.To != hostRef("h3") || first.Reason != types.RecommendationReasonCodeAntiAffin || first.Rating != MandatoryRating {
		t.Errorf("first %+v", first)
	}
	if plan.Moves[1].To != hostRef("h2") {
		t.Errorf("second %+v", plan.Moves[1])
	}
	if host, runs := c.HostOf(first.VM); !runs || host != first.To {
		t.Errorf("after the plan, %v runs on %v", first.VM, host)
	}
}

func TestTheReasonOfAMoveIsTheHeaviestRuleThatItFixes(t *testing.T) {
	config := automated(vmGroup("vms", "a"), groupOfHosts("second", "h2"), affinity("pair", "a", "b"), mandatory(runOn("must", "vms", "second")))
	plan := clusterOf(config, placed("a", "h1", "b", "h2")).PlanRequired()
	if len(plan.Moves) != 1 || plan.Moves[0].VM != vmRef("a") || plan.Moves[0].Reason != types.RecommendationReasonCodeVmHostHardAffinity {
		t.Errorf("planned %+v", plan)
	}
}

func TestAHostInMaintenanceModeIsEvacuated(t *testing.T) {
	config := automated(antiAffinity("apart", "a", "b"))
	config.DrsVmConfig = []types.ClusterDrsVmConfigInfo{{Key: vmRef("c"), Enabled: types.NewBool(false)}}
	c := clusterOf(config, placed("a", "h1", "b", "h2", "c", "h1"))
	c.Hosts[0].Maintenance = true
	plan := c.PlanRequired()
	if len(plan.Moves) != 1 || plan.Moves[0] != (Move{vmRef("a"), hostRef("h1"), hostRef("h3"), types.RecommendationReasonCodeHostMaint, MandatoryRating}) {
		t.Errorf("planned %+v", plan.Moves)
	}
	if len(plan.Failures) != 1 || plan.Failures[0].VM != vmRef("c") || plan.Failures[0].Reason != types.RecommendationReasonCodeHostMaint {
		t.Fatalf("failures %+v", plan.Failures)
	}
	isA[*types.DrsDisabledOnVm](t, plan.Failures[0].Faults[0])
}

func TestAViolationThatCannotBeFixedIsExplainedForEachHost(t *testing.T) {
	c := clusterOf(automated(antiAffinity("apart", "a", "b", "c", "d")), placed("a", "h1", "b", "h1", "c", "h2", "d", "h3"))
	plan := c.PlanRequired()
	if len(plan.Moves) != 0 || len(plan.Failures) != 2 || len(plan.Failures[0].Faults) != 2 {
		t.Fatalf("planned %+v", plan)
	}
	for _, fault := range plan.Failures[0].Faults {
		isA[*types.RuleViolation](t, fault)
	}
}

func TestAMoveNeedsMemoryAndTheVMsNetworksAndDatastores(t *testing.T) {
	c := clusterOf(automated(antiAffinity("apart", "a", "b")), placed("a", "h1", "b", "h1", "c", "h2"))
	c.Hosts = c.Hosts[:2]
	big := slices.IndexFunc(c.VMs, func(vm *VM) bool { return vm.VM == vmRef("c") })
	c.VMs[big].ReservedMB = 1000
	plan := c.PlanRequired()
	if len(plan.Moves) != 0 {
		t.Errorf("planned %+v", plan.Moves)
	}
	fault := isA[*types.InsufficientMemoryResourcesFault](t, plan.Failures[0].Faults[0])
	if fault.Unreserved != 24<<20 || fault.Requested != 130<<20 {
		t.Errorf("fault %+v", fault)
	}
	c = clusterOf(automated(antiAffinity("apart", "a", "b")), placed("a", "h1", "b", "h1"))
	c.Reaches = func(_, host Ref) types.BaseMethodFault {
		if host == hostRef("h3") {
			return nil
		}
		return &types.HostNotConnected{}
	}
	if moves := c.PlanRequired().Moves; len(moves) != 1 || moves[0].To != hostRef("h3") {
		t.Errorf("planned %+v", moves)
	}
}

func TestAClusterOfOneHostHasNoOtherHost(t *testing.T) {
	c := clusterOf(automated(antiAffinity("apart", "a", "b")), placed("a", "h1", "b", "h1"))
	c.Hosts = c.Hosts[:1]
	plan := c.PlanRequired()
	if len(plan.Failures) != 2 {
		t.Fatalf("planned %+v", plan)
	}
	isA[*types.NoCompatibleHost](t, plan.Failures[0].Faults[0])
}
