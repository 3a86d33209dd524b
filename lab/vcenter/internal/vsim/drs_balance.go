// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Balance: moves that even out how much of their CPU the hosts give to guests.

package vsim

import (
	"math"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// targets are the deviations, in thousandths, below which a cluster is in balance, by the rate; with rate 5 DRS "only
// generates mandatory move recommendations" (API, ClusterDrsConfigInfo.enabled).
var targets = map[int32]int32{1: 10, 2: 25, 3: 50, 4: 100}

// balancingMoves is how many moves one run of DRS makes for balance.
const balancingMoves = 4

// balance plans moves of machines by the CPU that they use. It breaks no rule for it.
func (c *scene) balance(p *plan) {
	for range balancingMoves {
		before := c.deviation(ref{}, ref{})
		if c.rate >= mandatoryRating || before*1000 <= float64(targets[c.rate]) {
			return
		}
		var best plannedMove
		least := before
		for _, a := range c.actors {
			if !a.managed || a.usedMHz < 1 {
				continue
			}
			for _, host := range c.hosts {
				after := c.deviation(a.vm, host.Self)
				worse := c.book.cost(a.vm, host.Self, c.on) > c.book.cost(a.vm, a.host, c.on)
				if after < least && !worse && c.fit(a, host) == nil {
					best = plannedMove{a.vm, a.host, host.Self, types.RecommendationReasonCodeFairnessCpuAvg, ratingOf((before - after) / before)}
					least = after
				}
			}
		}
		if best.rating < c.rate {
			return
		}
		c.make(best, p)
	}
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

// deviation is the standard deviation of the hosts' use of their CPU (0..1), with one machine moved.
func (c *scene) deviation(vm, to ref) float64 {
	used := map[ref]float64{}
	for _, a := range c.actors {
		host := a.host
		if a.vm == vm {
			host = to
		}
		used[host] += a.usedMHz
	}
	var sum, squares float64
	count := 0.0
	for _, host := range c.hosts {
		if c.server.unavailable(host) {
			continue
		}
		part := used[host.Self] / capacityMHz(host)
		sum, squares, count = sum+part, squares+part*part, count+1
	}
	if count == 0 {
		return 0
	}
	return math.Sqrt(max(squares/count-(sum/count)*(sum/count), 0))
}

func capacityMHz(host *simulator.HostSystem) float64 {
	return float64(host.Hardware.CpuInfo.Hz) / 1e6 * float64(host.Hardware.CpuInfo.NumCpuCores)
}
