// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Balance: moves that even out the CPU usage of the hosts.

package drs

import (
	"math"

	"github.com/vmware/govmomi/vim25/types"
)

// targets are the deviations, in thousandths, below which a cluster is in balance, by the rate; with rate 5 DRS "only
// generates mandatory move recommendations" (API, ClusterDrsConfigInfo.enabled).
var targets = map[int32]int32{1: 10, 2: 25, 3: 50, 4: 100}

// balancingMoves is how many moves one run of DRS makes for balance.
const balancingMoves = 4

// PlanBalance adds moves to a plan that balance the CPU usage of the hosts and break no rule.
func (c *Cluster) PlanBalance(plan *Plan) {
	for range balancingMoves {
		if c.rate >= MandatoryRating || c.deviation(Ref{}, Ref{})*1000 <= float64(targets[c.rate]) {
			return
		}
		best := c.bestBalance()
		if best.Rating < c.rate {
			return
		}
		c.add(best, plan)
	}
}

// bestBalance returns the move that reduces the imbalance most. Its rating is 0 if no move does.
func (c *Cluster) bestBalance() Move {
	var best Move
	before := c.deviation(Ref{}, Ref{})
	least := before
	for _, vm := range c.VMs {
		if !vm.Managed || vm.UsedMHz < 1 {
			continue
		}
		for number := range c.Hosts {
			host := &c.Hosts[number]
			after := c.deviation(vm.VM, host.Ref)
			worse := c.rules.cost(vm.VM, host.Ref, c.on) > c.rules.cost(vm.VM, vm.Host, c.on)
			if after < least && !worse && c.fits(vm, host) == nil {
				best = Move{vm.VM, vm.Host, host.Ref, types.RecommendationReasonCodeFairnessCpuAvg, ratingOf((before - after) / before)}
				least = after
			}
		}
	}
	return best
}

// ratingOf rates a move by the part of the imbalance that it removes.
func ratingOf(gain float64) int32 {
	switch {
	case gain >= 0.4:
		return 4
	case gain >= 0.25:
		return 3
	case gain >= 0.15:
		return 2
	case gain >= 0.05:
		return 1
	}
	return 0
}

// Imbalance returns the current imbalance of the hosts and the highest allowed one, in thousandths.
func (c *Cluster) Imbalance() (current, target int32) {
	return int32(c.deviation(Ref{}, Ref{}) * 1000), targets[c.rate]
}

// deviation returns the standard deviation of the CPU usage of the hosts (0..1), with one VM moved.
func (c *Cluster) deviation(moved, to Ref) float64 {
	used := map[Ref]float64{}
	for _, vm := range c.VMs {
		host := vm.Host
		if vm.VM == moved {
			host = to
		}
		used[host] += vm.UsedMHz
	}
	var sum, squares float64
	count := 0.0
	for _, host := range c.Hosts {
		if host.Maintenance {
			continue
		}
		part := used[host.Ref] / host.CPUMHz
		sum, squares, count = sum+part, squares+part*part, count+1
	}
	if count == 0 {
		return 0
	}
	return math.Sqrt(max(squares/count-(sum/count)*(sum/count), 0))
}
