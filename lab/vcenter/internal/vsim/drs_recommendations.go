// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Recommendations: what DRS would do, shown to those who may want it done.

package vsim

import (
	"slices"
	"strconv"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// advice is a recommendation. One to power on comes from no host.
type advice struct {
	plannedMove
	key  string
	made time.Time
}

func (a *advice) isPlacement() bool { return a.reason == types.RecommendationReasonCodePowerOnVm }

func (s *Server) refreshRecommendation(_ *simulator.Context, request *types.RefreshRecommendation) (soap.HasFault, types.BaseMethodFault) {
	cluster := s.clusterOf(request.This)
	if automatic := s.review(cluster, true); len(automatic) > 0 {
		go s.carryOut(cluster, automatic)
	}
	return &methods.RefreshRecommendationBody{Res: &types.RefreshRecommendationResponse{}}, nil
}

// applyRecommendation starts a task for the machine. "Each recommendation can be applied only once"; InvalidArgument "if the
// specified key refers to a non-existent or an already executed recommendation" (API).
func (s *Server) applyRecommendation(ctx *simulator.Context, request *types.ApplyRecommendation) (soap.HasFault, types.BaseMethodFault) {
	cluster := s.clusterOf(request.This)
	taken, there := s.takeAdvice(cluster, request.Key, func(advice) bool { return true })
	if !there {
		return nil, wrong("key", "there is no recommendation %s", request.Key)
	}
	vm := s.vm(taken.vm)
	if vm == nil {
		return nil, &types.ManagedObjectNotFound{Obj: taken.vm}
	}
	if taken.isPlacement() {
		s.start(ctx, vm.Self, "Drm.ExecuteVmPowerOnLRO", s.exclusive(vm, func(by cause) (types.AnyType, types.BaseMethodFault) {
			return nil, s.powerOn(by, vm, &taken.to)
		}))
	} else {
		s.start(ctx, vm.Self, migrationTask, s.migration(cluster, vm, taken, false))
	}
	return &methods.ApplyRecommendationBody{Res: &types.ApplyRecommendationResponse{}}, nil
}

// cancelRecommendation: "Currently only initial placement recommendations can be cancelled. Migration or power management
// recommendations cannot" (API; that the fault is InvalidArgument is unconfirmed).
func (s *Server) cancelRecommendation(_ *simulator.Context, request *types.CancelRecommendation) (soap.HasFault, types.BaseMethodFault) {
	_, there := s.takeAdvice(s.clusterOf(request.This), request.Key, func(a advice) bool { return a.isPlacement() })
	if !there {
		return nil, wrong("key", "there is no recommendation %s for an initial placement; no other can be cancelled", request.Key)
	}
	return &methods.CancelRecommendationBody{Res: &types.CancelRecommendationResponse{}}, nil
}

// takeAdvice removes a recommendation from those that are shown.
func (s *Server) takeAdvice(cluster *simulator.ClusterComputeResource, key string, may func(advice) bool) (advice, bool) {
	s.drs.mu.Lock()
	defer s.drs.mu.Unlock()
	state := s.drs.stateOf(cluster.Self)
	place := slices.IndexFunc(state.advice, func(a advice) bool { return a.key == key && may(a) })
	if place < 0 {
		return advice{}, false
	}
	taken := state.advice[place]
	state.advice = slices.Delete(state.advice, place, place+1)
	s.showAdvice(cluster, state)
	return taken, true
}

// advise makes a recommendation of a move, or finds the one that is shown. The caller holds the scheduler.
func (c *clusterState) advise(move plannedMove) advice {
	for _, shown := range c.advice {
		if shown.plannedMove == move {
			return shown
		}
	}
	c.lastAdvice++
	return advice{move, strconv.Itoa(c.lastAdvice), time.Now()}
}

// showAdvice is called with the scheduler held.
func (s *Server) showAdvice(cluster *simulator.ClusterComputeResource, state *clusterState) {
	var recommendations []types.ClusterRecommendation
	var old []types.ClusterDrsRecommendation
	for _, a := range state.advice {
		recommendations = append(recommendations, s.recommendation(cluster, a))
		if !a.isPlacement() {
			old = append(old, types.ClusterDrsRecommendation{Key: a.key, Rating: a.rating, Reason: string(a.reason),
				ReasonText: reasonText[a.reason], MigrationList: []types.ClusterDrsMigration{*s.drsMigration(a)}})
		}
	}
	s.locked(cluster, func(ctx *simulator.Context) {
		if len(recommendations) == 0 && len(cluster.Recommendation) == 0 {
			return
		}
		ctx.Update(cluster, []types.PropertyChange{set("recommendation", recommendations), set("drsRecommendation", old)})
	})
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

func (s *Server) recommendation(cluster *simulator.ClusterComputeResource, a advice) types.ClusterRecommendation {
	vm := a.vm
	shown := types.ClusterRecommendation{Key: a.key, Type: "V1", Time: a.made, Rating: a.rating, Reason: string(a.reason),
		ReasonText: reasonText[a.reason], Target: &cluster.Self}
	if a.isPlacement() {
		shown.Action = []types.BaseClusterAction{&types.ClusterInitialPlacementAction{
			ClusterAction: types.ClusterAction{Type: "InitialPlacementV1", Target: &vm}, TargetHost: a.to}}
		return shown
	}
	shown.Action = []types.BaseClusterAction{migrationAction(s.drsMigration(a))}
	return shown
}

func migrationAction(migration *types.ClusterDrsMigration) *types.ClusterMigrationAction {
	return &types.ClusterMigrationAction{ClusterAction: types.ClusterAction{Type: "MigrationV1", Target: &migration.Vm}, DrsMigration: migration}
}

func (s *Server) drsMigration(a advice) *types.ClusterDrsMigration {
	migration := &types.ClusterDrsMigration{Key: a.key, Time: a.made, Vm: a.vm, Source: a.from, Destination: a.to}
	if vm := s.vm(a.vm); vm != nil {
		s.locked(vm, func(*simulator.Context) {
			migration.CpuLoad = vm.Summary.QuickStats.OverallCpuUsage
			migration.MemoryLoad = int64(vm.Summary.QuickStats.HostMemoryUsage) << 20
		})
	}
	migration.SourceCpuLoad, migration.SourceMemoryLoad = s.hostLoad(a.from)
	migration.DestinationCpuLoad, migration.DestinationMemoryLoad = s.hostLoad(a.to)
	return migration
}

func (s *Server) hostLoad(reference ref) (cpuMHz int32, memory int64) {
	if host, ok := s.registry.Get(reference).(*simulator.HostSystem); ok {
		s.locked(host, func(*simulator.Context) {
			cpuMHz, memory = host.Summary.QuickStats.OverallCpuUsage, int64(host.Summary.QuickStats.OverallMemoryUsage)<<20
		})
	}
	return cpuMHz, memory
}
