// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package drs

import (
	"testing"

	"github.com/vmware/govmomi/vim25/types"
)

// busy sets the CPU usage of VMs.
func busy(c *Cluster, mhz map[string]float64) {
	for _, vm := range c.VMs {
		vm.UsedMHz = mhz[vm.VM.Value]
	}
}

func TestBusyVMsAreSpread(t *testing.T) {
	c := clusterOf(automated(), placed("a", "h1", "b", "h1", "idle", "h1"))
	busy(c, map[string]float64{"a": 400, "b": 400})
	current, target := c.Imbalance()
	if current < 370 || target != 50 {
		t.Errorf("the imbalance is %d of %d", current, target)
	}
	var plan Plan
	c.PlanBalance(&plan)
	if len(plan.Moves) != 1 || plan.Moves[0].Reason != types.RecommendationReasonCodeFairnessCpuAvg || plan.Moves[0].Rating < 3 {
		t.Fatalf("planned %+v", plan.Moves)
	}
	if after, _ := c.Imbalance(); after >= current {
		t.Errorf("the imbalance went from %d to %d", current, after)
	}
}

func TestBalanceBreaksNoRuleAndNoSetting(t *testing.T) {
	for name, change := range map[string]func(*types.ClusterConfigInfoEx){
		"a rule":               func(c *types.ClusterConfigInfoEx) { c.Rule = append(c.Rule, affinity("pair", "a", "b")) },
		"only mandatory moves": func(c *types.ClusterConfigInfoEx) { c.DrsConfig.VmotionRate = 5 },
		"DRS disabled":         func(c *types.ClusterConfigInfoEx) { c.DrsConfig.Enabled = types.NewBool(false) },
	} {
		config := automated()
		change(&config)
		c := clusterOf(config, placed("a", "h1", "b", "h1"))
		busy(c, map[string]float64{"a": 400, "b": 400})
		var plan Plan
		if c.PlanBalance(&plan); len(plan.Moves) != 0 {
			t.Errorf("with %s, planned %+v", name, plan.Moves)
		}
	}
}

func TestAHostInMaintenanceModeDoesNotCount(t *testing.T) {
	c := clusterOf(automated(), placed("a", "h1", "b", "h2"))
	busy(c, map[string]float64{"a": 400, "b": 400})
	c.Hosts[2].Maintenance = true
	if current, _ := c.Imbalance(); current != 0 {
		t.Errorf("the imbalance is %d", current)
	}
}

func TestUsageSumsUpHostsAndVMs(t *testing.T) {
	c := clusterOf(automated(), placed("a", "h1", "b", "h2"))
	busy(c, map[string]float64{"a": 300, "b": 100})
	usage := c.Usage()
	if usage.TotalCpuCapacityMhz != 3000 || usage.TotalMemCapacityMB != 3072 || usage.CpuDemandMhz != 400 || usage.MemDemandMB != 256 ||
		usage.MemReservationMB != 260 || usage.CpuEntitledMhz != 400 {
		t.Errorf("usage %+v", usage)
	}
}
