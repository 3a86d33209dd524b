// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// DRS runs: DRS reviews a cluster shortly after a change or on request, publishes recommendations, and performs the
// migrations that the automation level allows.

package vsim

import (
	"log/slog"
	"slices"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/drs"
	"gantry.invalid/lab/vcenter/internal/vim"
)

// migrationTask is the task name of a migration by DRS, as in a real vCenter.
const migrationTask = "Drm.ExecuteVMotionLRO"

// historyLength is the number of entries in the histories.
const historyLength = 50

// scheduleReview makes DRS review a cluster's rules shortly. It may be called with any lock held.
func (s *Server) scheduleReview(cluster *simulator.ClusterComputeResource) {
	s.drs.waiting.Lock()
	defer s.drs.waiting.Unlock()
	if s.drs.reviewScheduled[cluster.Self] {
		return
	}
	s.drs.reviewScheduled[cluster.Self] = true
	time.AfterFunc(s.drs.pause, func() {
		s.drs.waiting.Lock()
		delete(s.drs.reviewScheduled, cluster.Self)
		s.drs.waiting.Unlock()
		if !s.closed() {
			s.applyMoves(cluster, s.review(cluster, false))
		}
	})
}

func (s *Server) closed() bool {
	select {
	case <-s.closing:
		return true
	default:
		return false
	}
}

// review publishes the recommendations, and returns the migrations that DRS performs automatically. Only a whole run
// balances the hosts. Any other run plans required moves only, and keeps the recommendations for balance.
func (s *Server) review(cluster *simulator.ClusterComputeResource, whole bool) []drs.Move {
	var used map[ref]float64
	if whole {
		used = s.measure()
	}
	config := s.clusterConfig(cluster)
	snapshot := s.drsSnapshot(cluster, config, used)
	var plan drs.Plan
	if vim.IsTrue(config.DrsConfig.Enabled) {
		plan = snapshot.PlanRequired()
		if whole {
			s.showBalance(cluster, snapshot)
			snapshot.PlanBalance(&plan)
		}
	}
	s.drs.mu.Lock()
	defer s.drs.mu.Unlock()
	state := s.drs.stateOf(cluster.Self)
	automatic := state.recommendations.Renew(plan, snapshot, config, whole)
	s.showRecommendations(cluster, state)
	s.locked(cluster, func(ctx *simulator.Context) {
		if len(plan.Failures) > 0 || len(cluster.DrsFault) > 0 {
			ctx.Update(cluster, []types.PropertyChange{set("drsFault", drsFaults(plan.Failures))})
		}
	})
	return automatic
}

// drsFaults converts failures to the API's type, which groups them by their reason.
func drsFaults(failures []drs.Failure) []types.ClusterDrsFaults {
	var all []types.ClusterDrsFaults
	for _, failure := range failures {
		byVM := &types.ClusterDrsFaultsFaultsByVm{Vm: &failure.VM}
		for _, fault := range failure.Faults {
			byVM.Fault = append(byVM.Fault, *localized(fault))
		}
		place := slices.IndexFunc(all, func(faults types.ClusterDrsFaults) bool { return faults.Reason == string(failure.Reason) })
		if place < 0 {
			place = len(all)
			all = append(all, types.ClusterDrsFaults{Reason: string(failure.Reason)})
		}
		all[place].FaultsByVm = append(all[place].FaultsByVm, byVM)
	}
	return all
}

// applyMoves performs the automatic migrations one after the other. It skips a VM that has been moved meanwhile.
func (s *Server) applyMoves(cluster *simulator.ClusterComputeResource, moves []drs.Move) {
	s.drs.moving.Lock()
	defer s.drs.moving.Unlock()
	for _, move := range moves {
		vm := s.vm(move.VM)
		if vm == nil || s.closed() || s.hostOf(vm) != move.From || s.powerState(vm) != types.VirtualMachinePowerStatePoweredOn {
			continue
		}
		s.drs.mu.Lock()
		made := s.drs.stateOf(cluster.Self).recommendations.Get(move)
		s.drs.mu.Unlock()
		done := make(chan types.BaseMethodFault, 1)
		migrate := s.migration(cluster, vm, made, true)
		needs := s.moveCosts(vm, &types.VirtualMachineRelocateSpec{Host: &move.To})
		s.startWithin(s.units.enter(needs), s.context(), vm.Self, migrationTask, func(by cause) (result types.AnyType, fault types.BaseMethodFault) {
			defer func() { done <- fault }()
			return migrate(by)
		})
		if fault := <-done; fault != nil {
			slog.Warn("DRS did not move a VM", "vm", vm.Name, "host", s.nameOf(move.To), "fault", faultText(fault))
		}
	}
}

// migration returns the work that migrates a VM as planned and records it in the history.
func (s *Server) migration(cluster *simulator.ClusterComputeResource, vm *simulator.VirtualMachine, planned drs.Recommendation, automatic bool) work {
	return s.exclusive(vm, func(by cause) (types.AnyType, types.BaseMethodFault) {
		if s.hostOf(vm) != planned.From {
			return nil, invalidState("Virtual machine " + vm.Name + " has been moved meanwhile.")
		}
		by.drs = true
		if fault := s.moveTo(by, vm, planned.To); fault != nil {
			return nil, fault
		}
		s.remember(cluster, planned, automatic)
		return nil, nil
	})
}

// remember records a migration in the histories. The migration history "is populated only when DRS is in automatic mode"
// (API).
func (s *Server) remember(cluster *simulator.ClusterComputeResource, made drs.Recommendation, automatic bool) {
	migration := s.drsMigration(made)
	s.locked(cluster, func(ctx *simulator.Context) {
		actions := append(slices.Clone(cluster.ActionHistory), types.ClusterActionHistory{Action: migrationAction(migration), Time: s.clock.Now()})
		changes := []types.PropertyChange{set("actionHistory", actions[max(0, len(actions)-historyLength):])}
		if automatic {
			migrations := append(slices.Clone(cluster.MigrationHistory), *migration)
			changes = append(changes, set("migrationHistory", migrations[max(0, len(migrations)-historyLength):]))
		}
		ctx.Update(cluster, changes)
	})
}

// showBalance publishes the load of a cluster in its summary.
func (s *Server) showBalance(cluster *simulator.ClusterComputeResource, snapshot *drs.Cluster) {
	usage := s.usageOf(cluster, snapshot)
	current, target := snapshot.Imbalance()
	s.changeSummary(cluster, func(summary *types.ClusterComputeResourceSummary) {
		summary.CurrentBalance, summary.TargetBalance, summary.UsageSummary = current, target, &usage
	})
}

// changeSummary replaces the cluster's summary.
func (s *Server) changeSummary(cluster *simulator.ClusterComputeResource, change func(*types.ClusterComputeResourceSummary)) {
	s.locked(cluster, func(ctx *simulator.Context) {
		if summary, ok := cluster.Summary.(*types.ClusterComputeResourceSummary); ok {
			changed := *summary
			change(&changed)
			ctx.Update(cluster, []types.PropertyChange{set("summary", &changed)})
		}
	})
}

// hostWatch makes DRS review a cluster when a host enters or leaves maintenance mode.
type hostWatch struct {
	self   ref
	server *Server
}

func (w *hostWatch) Reference() ref                             { return w.self }
func (w *hostWatch) PutObject(*simulator.Context, mo.Reference) {}
func (w *hostWatch) RemoveObject(*simulator.Context, ref)       {}
func (w *hostWatch) UpdateObject(_ *simulator.Context, object mo.Reference, changes []types.PropertyChange) {
	if object.Reference().Type != "HostSystem" {
		return
	}
	for _, change := range changes {
		if change.Name == "runtime.inMaintenanceMode" || change.Name == "runtime" {
			if cluster := w.server.clusterOf(object.Reference()); cluster != nil {
				w.server.scheduleReview(cluster)
			}
			return
		}
	}
}
