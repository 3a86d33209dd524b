// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Recommendations: the moves that DRS shows to users, who may apply them.

package drs

import (
	"slices"
	"strconv"
	"time"

	"github.com/vmware/govmomi/vim25/types"
)

// Recommendation is a move that DRS recommends.
type Recommendation struct {
	Move
	Key  string
	Made time.Time // by the machine's clock
}

// IsPlacement returns whether the recommendation is to power on a VM.
func (r *Recommendation) IsPlacement() bool {
	return r.Reason == types.RecommendationReasonCodePowerOnVm
}

var reasonText = map[types.RecommendationReasonCode]string{
	types.RecommendationReasonCodeJointAffin:         "Fix VM/VM affinity rule violation",
	types.RecommendationReasonCodeAntiAffin:          "Fix VM/VM anti-affinity rule violation",
	types.RecommendationReasonCodeVmHostHardAffinity: "Fix mandatory VM/host affinity rule violation",
	types.RecommendationReasonCodeVmHostSoftAffinity: "Fix preferred VM/host affinity rule violation",
	types.RecommendationReasonCodeHostMaint:          "Host is entering maintenance mode",
	types.RecommendationReasonCodeFairnessCpuAvg:     "Balance average CPU loads",
	types.RecommendationReasonCodePowerOnVm:          "Power on virtual machine",
}

// ReasonText returns what vCenter shows as the reason.
func (r *Recommendation) ReasonText() string { return reasonText[r.Reason] }

// Recommendations holds the recommendations of a cluster. Keys are never reused.
type Recommendations struct {
	lastKey int
	shown   []Recommendation
}

// All returns the current recommendations.
func (r *Recommendations) All() []Recommendation { return slices.Clone(r.shown) }

// Get returns the current recommendation of a move, or a new one, which it does not add.
func (r *Recommendations) Get(move Move) Recommendation {
	for _, shown := range r.shown {
		if shown.Move == move {
			return shown
		}
	}
	r.lastKey++
	return Recommendation{move, strconv.Itoa(r.lastKey), time.Now()}
}

// Place recommends the power-on of a VM on a host, and replaces the VM's other recommendations.
func (r *Recommendations) Place(vm, host Ref) Recommendation {
	r.shown = withoutVM(r.shown, vm)
	made := r.Get(Move{VM: vm, To: host, Reason: types.RecommendationReasonCodePowerOnVm, Rating: MandatoryRating})
	r.shown = append(r.shown, made)
	return made
}

// Take removes and returns a recommendation. It returns false if none has the key, or it does not qualify.
func (r *Recommendations) Take(key string, qualifies func(*Recommendation) bool) (Recommendation, bool) {
	place := slices.IndexFunc(r.shown, func(shown Recommendation) bool { return shown.Key == key && qualifies(&shown) })
	if place < 0 {
		return Recommendation{}, false
	}
	taken := r.shown[place]
	r.shown = slices.Delete(r.shown, place, place+1)
	return taken, true
}

// Renew replaces the recommendations by a plan for the cluster, and returns the moves that DRS performs automatically.
// Unless the plan is that of a whole run, it has no moves for balance, and the current ones are kept while their VMs stay on
// their hosts.
func (r *Recommendations) Renew(plan Plan, cluster *Cluster, config *types.ClusterConfigInfoEx, whole bool) (automatic []Move) {
	kept := slices.DeleteFunc(slices.Clone(r.shown), func(shown Recommendation) bool {
		host, runs := cluster.HostOf(shown.VM)
		if shown.IsPlacement() {
			return runs
		}
		return whole || shown.Reason != types.RecommendationReasonCodeFairnessCpuAvg || !runs || host != shown.From
	})
	for _, move := range plan.Moves {
		if behavior, _ := Automation(config, move.VM); behavior == types.DrsBehaviorFullyAutomated {
			// The task that puts a host into maintenance mode empties the host itself.
			if move.Reason != types.RecommendationReasonCodeHostMaint {
				automatic = append(automatic, move)
			}
			continue
		}
		// A move that is already recommended keeps its key.
		kept = append(withoutVM(kept, move.VM), r.Get(move))
	}
	r.shown = kept
	return automatic
}

func withoutVM(list []Recommendation, vm Ref) []Recommendation {
	return slices.DeleteFunc(list, func(one Recommendation) bool { return one.VM == vm })
}
