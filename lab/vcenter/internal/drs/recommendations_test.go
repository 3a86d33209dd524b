// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package drs

import (
	"testing"

	"github.com/vmware/govmomi/vim25/types"
)

func TestAMoveThatIsRecommendedAgainKeepsItsKey(t *testing.T) {
	config := automated()
	config.DrsConfig.DefaultVmBehavior = types.DrsBehaviorManual
	cluster := clusterOf(config, placed("a", "h1", "b", "h1"))
	fix := Move{vmRef("a"), hostRef("h1"), hostRef("h2"), types.RecommendationReasonCodeAntiAffin, MandatoryRating}
	balance := Move{vmRef("b"), hostRef("h1"), hostRef("h3"), types.RecommendationReasonCodeFairnessCpuAvg, 3}
	var r Recommendations
	if automatic := r.Renew(Plan{Moves: []Move{fix, balance}}, cluster, &config, true); len(automatic) != 0 {
		t.Errorf("DRS itself moves %+v", automatic)
	}
	first := r.All()
	if len(first) != 2 || first[0].Key == first[1].Key || first[0].ReasonText() != "Fix VM/VM anti-affinity rule violation" {
		t.Fatalf("recommended %+v", first)
	}
	// Until the next whole run, the recommendation for balance stays.
	r.Renew(Plan{Moves: []Move{fix}}, cluster, &config, false)
	if again := r.All(); len(again) != 2 || again[0] != first[1] || again[1] != first[0] {
		t.Errorf("recommended %+v", again)
	}
	r.Renew(Plan{}, cluster, &config, true)
	if left := r.All(); len(left) != 0 {
		t.Errorf("left are %+v", left)
	}
}

func TestTheRecommendationForAVMThatHasMovedIsRemoved(t *testing.T) {
	config := automated()
	config.DrsConfig.DefaultVmBehavior = types.DrsBehaviorManual
	balance := Move{vmRef("a"), hostRef("h1"), hostRef("h3"), types.RecommendationReasonCodeFairnessCpuAvg, 3}
	var r Recommendations
	r.Renew(Plan{Moves: []Move{balance}}, clusterOf(config, placed("a", "h1")), &config, true)
	r.Renew(Plan{}, clusterOf(config, placed("a", "h2")), &config, false)
	if left := r.All(); len(left) != 0 {
		t.Errorf("left are %+v", left)
	}
}

func TestAFullyAutomatedClusterMovesVMsItself(t *testing.T) {
	config := automated()
	fix := Move{vmRef("a"), hostRef("h1"), hostRef("h2"), types.RecommendationReasonCodeAntiAffin, MandatoryRating}
	evacuation := Move{vmRef("b"), hostRef("h1"), hostRef("h2"), types.RecommendationReasonCodeHostMaint, MandatoryRating}
	var r Recommendations
	automatic := r.Renew(Plan{Moves: []Move{fix, evacuation}}, clusterOf(config, placed("a", "h1", "b", "h1")), &config, false)
	if len(automatic) != 1 || automatic[0] != fix || len(r.All()) != 0 {
		t.Errorf("DRS itself moves %+v, and recommends %+v", automatic, r.All())
	}
}

func TestAPlacementIsTakenOnceAndReplaced(t *testing.T) {
	var r Recommendations
	first, second := r.Place(vmRef("a"), hostRef("h1")), r.Place(vmRef("a"), hostRef("h2"))
	if all := r.All(); len(all) != 1 || all[0] != second || !second.IsPlacement() {
		t.Fatalf("recommended %+v", all)
	}
	everything := func(*Recommendation) bool { return true }
	if _, found := r.Take(first.Key, everything); found {
		t.Error("a recommendation that was replaced is still there")
	}
	if _, found := r.Take(second.Key, func(*Recommendation) bool { return false }); found {
		t.Error("a recommendation that does not qualify is taken")
	}
	if taken, found := r.Take(second.Key, everything); !found || taken != second {
		t.Errorf("taken is %+v", taken)
	}
	if _, found := r.Take(second.Key, everything); found {
		t.Error("a recommendation is taken twice")
	}
}

func TestAPlacementIsRemovedWhenTheVMRuns(t *testing.T) {
	config := automated()
	var r Recommendations
	r.Place(vmRef("a"), hostRef("h1"))
	r.Renew(Plan{}, clusterOf(config, nil), &config, true)
	if len(r.All()) != 1 {
		t.Error("the placement of a VM that is off is gone")
	}
	r.Renew(Plan{}, clusterOf(config, placed("a", "h2")), &config, false)
	if len(r.All()) != 0 {
		t.Error("the placement of a VM that runs is still there")
	}
}
