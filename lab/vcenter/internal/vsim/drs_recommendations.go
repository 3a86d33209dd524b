// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The DRS methods by which clients refresh, apply and cancel recommendations.

package vsim

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/drs"
	"gantry.invalid/lab/vcenter/internal/vim"
)

func (s *Server) refreshRecommendation(_ *simulator.Context, request *types.RefreshRecommendation) (soap.HasFault, types.BaseMethodFault) {
	cluster := s.clusterOf(request.This)
	if automatic := s.review(cluster, true); len(automatic) > 0 {
		go s.applyMoves(cluster, automatic)
	}
	return &methods.RefreshRecommendationBody{Res: &types.RefreshRecommendationResponse{}}, nil
}

// applyRecommendation starts a task for the VM. "Each recommendation can be applied only once"; InvalidArgument "if the
// specified key refers to a non-existent or an already executed recommendation" (API).
func (s *Server) applyRecommendation(ctx *simulator.Context, request *types.ApplyRecommendation) (soap.HasFault, types.BaseMethodFault) {
	cluster := s.clusterOf(request.This)
	taken, there := s.takeRecommendation(cluster, request.Key, func(*drs.Recommendation) bool { return true })
	if !there {
		return nil, vim.InvalidArgumentf("key", "There is no recommendation with the key %s.", request.Key)
	}
	vm := s.vm(taken.VM)
	if vm == nil {
		return nil, &types.ManagedObjectNotFound{Obj: taken.VM}
	}
	if taken.IsPlacement() {
		s.start(ctx, vm.Self, "Drm.ExecuteVmPowerOnLRO", s.exclusive(vm, func(by cause) (types.AnyType, types.BaseMethodFault) {
			return nil, s.powerOn(by, vm, &taken.To)
		}))
	} else {
		needs := s.moveCosts(vm, &types.VirtualMachineRelocateSpec{Host: &taken.To})
		s.startWithin(s.units.enter(needs), ctx, vm.Self, migrationTask, s.migration(cluster, vm, taken, false))
	}
	return &methods.ApplyRecommendationBody{Res: &types.ApplyRecommendationResponse{}}, nil
}

// cancelRecommendation removes a recommendation: "Currently only initial placement recommendations can be cancelled.
// Migration or power management recommendations cannot" (API; that the fault is InvalidArgument is unconfirmed).
func (s *Server) cancelRecommendation(_ *simulator.Context, request *types.CancelRecommendation) (soap.HasFault, types.BaseMethodFault) {
	_, there := s.takeRecommendation(s.clusterOf(request.This), request.Key, (*drs.Recommendation).IsPlacement)
	if !there {
		return nil, vim.InvalidArgumentf("key", "There is no recommendation with the key %s for an initial placement. No other can be canceled.", request.Key)
	}
	return &methods.CancelRecommendationBody{Res: &types.CancelRecommendationResponse{}}, nil
}

// takeRecommendation removes a recommendation from those that are shown.
func (s *Server) takeRecommendation(cluster *simulator.ClusterComputeResource, key string, qualifies func(*drs.Recommendation) bool) (drs.Recommendation, bool) {
	s.drs.mu.Lock()
	defer s.drs.mu.Unlock()
	state := s.drs.stateOf(cluster.Self)
	taken, found := state.recommendations.Take(key, qualifies)
	if found {
		s.showRecommendations(cluster, state)
	}
	return taken, found
}

// showRecommendations publishes a cluster's recommendations. The caller holds the scheduler's lock.
func (s *Server) showRecommendations(cluster *simulator.ClusterComputeResource, state *clusterState) {
	var recommendations []types.ClusterRecommendation
	var old []types.ClusterDrsRecommendation
	for _, made := range state.recommendations.All() {
		recommendations = append(recommendations, s.recommendation(cluster, made))
		if !made.IsPlacement() {
			old = append(old, types.ClusterDrsRecommendation{Key: made.Key, Rating: made.Rating, Reason: string(made.Reason),
				ReasonText: made.ReasonText(), MigrationList: []types.ClusterDrsMigration{*s.drsMigration(made)}})
		}
	}
	s.locked(cluster, func(ctx *simulator.Context) {
		if len(recommendations) == 0 && len(cluster.Recommendation) == 0 {
			return
		}
		ctx.Update(cluster, []types.PropertyChange{set("recommendation", recommendations), set("drsRecommendation", old)})
	})
}

// recommendation converts a recommendation to the API's type.
func (s *Server) recommendation(cluster *simulator.ClusterComputeResource, made drs.Recommendation) types.ClusterRecommendation {
	vm := made.VM
	shown := types.ClusterRecommendation{Key: made.Key, Type: "V1", Time: s.clock.At(made.Made), Rating: made.Rating, Reason: string(made.Reason),
		ReasonText: made.ReasonText(), Target: &cluster.Self}
	if made.IsPlacement() {
		shown.Action = []types.BaseClusterAction{&types.ClusterInitialPlacementAction{
			ClusterAction: types.ClusterAction{Type: "InitialPlacementV1", Target: &vm}, TargetHost: made.To}}
		return shown
	}
	shown.Action = []types.BaseClusterAction{migrationAction(s.drsMigration(made))}
	return shown
}

func migrationAction(migration *types.ClusterDrsMigration) *types.ClusterMigrationAction {
	return &types.ClusterMigrationAction{ClusterAction: types.ClusterAction{Type: "MigrationV1", Target: &migration.Vm}, DrsMigration: migration}
}

// drsMigration describes a migration with the load of the VM and of both hosts.
func (s *Server) drsMigration(made drs.Recommendation) *types.ClusterDrsMigration {
	migration := &types.ClusterDrsMigration{Key: made.Key, Time: s.clock.At(made.Made), Vm: made.VM, Source: made.From, Destination: made.To}
	if vm := s.vm(made.VM); vm != nil {
		s.locked(vm, func(*simulator.Context) {
			migration.CpuLoad = vm.Summary.QuickStats.OverallCpuUsage
			migration.MemoryLoad = int64(vm.Summary.QuickStats.HostMemoryUsage) << 20
		})
	}
	migration.SourceCpuLoad, migration.SourceMemoryLoad = s.hostLoad(made.From)
	migration.DestinationCpuLoad, migration.DestinationMemoryLoad = s.hostLoad(made.To)
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
