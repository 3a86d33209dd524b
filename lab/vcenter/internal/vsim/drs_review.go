// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// DRS at work: it looks at a cluster shortly after a change, or when it is asked to, shows what it recommends, and does what
// it may do by itself.

package vsim

import (
	"log/slog"
	"slices"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// migrationTask is what a real vCenter calls the task of a move by DRS.
const migrationTask = "Drm.ExecuteVMotionLRO"

// historyLength is how many moves the histories keep.
const historyLength = 50

// poke has DRS look at a cluster's rules soon. It may be called with anything locked.
func (s *Server) poke(cluster *simulator.ClusterComputeResource) {
	s.drs.waiting.Lock()
	defer s.drs.waiting.Unlock()
	if s.drs.poked[cluster.Self] {
		return
	}
	s.drs.poked[cluster.Self] = true
	time.AfterFunc(s.drs.pause, func() {
		s.drs.waiting.Lock()
		delete(s.drs.poked, cluster.Self)
		s.drs.waiting.Unlock()
		if !s.closed() {
			s.carryOut(cluster, s.review(cluster, false))
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

// review shows what DRS recommends, and gives the moves that it makes by itself. Unless it is a whole run, with the balance
// of the hosts, it looks at what is required only, and what has been recommended for balance stays.
func (s *Server) review(cluster *simulator.ClusterComputeResource, whole bool) []plannedMove {
	var used map[ref]float64
	if whole {
		used = s.measure()
	}
	config := s.clusterConfig(cluster)
	scene := s.sceneOf(cluster, used)
	var planned plan
	if isTrue(config.DrsConfig.Enabled) {
		planned = scene.mend()
		if whole {
			s.showBalance(cluster, scene)
			scene.balance(&planned)
		}
	}
	s.drs.mu.Lock()
	defer s.drs.mu.Unlock()
	state := s.drs.stateOf(cluster.Self)
	kept := slices.DeleteFunc(slices.Clone(state.advice), func(a advice) bool {
		host, on := scene.on[a.vm]
		if a.isPlacement() {
			return on
		}
		return whole || a.reason != types.RecommendationReasonCodeFairnessCpuAvg || !on || host != a.from
	})
	var automatic []plannedMove
	for _, move := range planned.moves {
		if behavior, _ := behaviorOf(config, move.vm); behavior == types.DrsBehaviorFullyAutomated {
			// Who has asked for a host's maintenance empties it.
			if move.reason != types.RecommendationReasonCodeHostMaint {
				automatic = append(automatic, move)
			}
			continue
		}
		kept = slices.DeleteFunc(kept, func(a advice) bool { return a.vm == move.vm })
		kept = append(kept, state.advise(move))
	}
	state.advice = kept
	s.showAdvice(cluster, state)
	s.locked(cluster, func(ctx *simulator.Context) {
		if len(planned.faults) > 0 || len(cluster.DrsFault) > 0 {
			ctx.Update(cluster, []types.PropertyChange{set("drsFault", planned.faults)})
		}
	})
	return automatic
}

// carryOut makes DRS's own moves, one after the other. A machine that is not where it was is left alone.
func (s *Server) carryOut(cluster *simulator.ClusterComputeResource, moves []plannedMove) {
	s.drs.moving.Lock()
	defer s.drs.moving.Unlock()
	for _, move := range moves {
		vm := s.vm(move.vm)
		if vm == nil || s.closed() || s.hostOf(vm) != move.from || s.powerState(vm) != types.VirtualMachinePowerStatePoweredOn {
			continue
		}
		s.drs.mu.Lock()
		made := s.drs.stateOf(cluster.Self).advise(move)
		s.drs.mu.Unlock()
		done := make(chan types.BaseMethodFault, 1)
		migrate := s.migration(cluster, vm, made, true)
		s.start(s.context(), vm.Self, migrationTask, func(by cause) (result types.AnyType, fault types.BaseMethodFault) {
			defer func() { done <- fault }()
			return migrate(by)
		})
		if fault := <-done; fault != nil {
			slog.Warn("DRS did not move a machine", "machine", vm.Name, "host", s.nameOf(move.to), "fault", faultText(fault))
		}
	}
}

// migration moves a machine as DRS has planned, and remembers it.
func (s *Server) migration(cluster *simulator.ClusterComputeResource, vm *simulator.VirtualMachine, planned advice, automatic bool) work {
	return s.exclusive(vm, func(by cause) (types.AnyType, types.BaseMethodFault) {
		if s.hostOf(vm) != planned.from {
			return nil, invalidState(vm.Name + " has been moved meanwhile")
		}
		by.drs = true
		if fault := s.moveTo(by, vm, planned.to); fault != nil {
			return nil, fault
		}
		s.remember(cluster, planned, automatic)
		return nil, nil
	})
}

// remember keeps the histories: that of migrations "is populated only when DRS is in automatic mode" (API).
func (s *Server) remember(cluster *simulator.ClusterComputeResource, made advice, automatic bool) {
	migration := s.drsMigration(made)
	s.locked(cluster, func(ctx *simulator.Context) {
		actions := append(slices.Clone(cluster.ActionHistory), types.ClusterActionHistory{Action: migrationAction(migration), Time: time.Now()})
		changes := []types.PropertyChange{set("actionHistory", actions[max(0, len(actions)-historyLength):])}
		if automatic {
			migrations := append(slices.Clone(cluster.MigrationHistory), *migration)
			changes = append(changes, set("migrationHistory", migrations[max(0, len(migrations)-historyLength):]))
		}
		ctx.Update(cluster, changes)
	})
}

// showBalance sets what the cluster's summary says of its load.
func (s *Server) showBalance(cluster *simulator.ClusterComputeResource, scene *scene) {
	usage := types.ClusterUsageSummary{StatsGenNumber: time.Now().Unix()}
	var capacity float64
	for _, host := range scene.hosts {
		capacity += capacityMHz(host)
		usage.TotalMemCapacityMB += int32(host.Hardware.MemorySize >> 20)
	}
	usage.TotalCpuCapacityMhz = int32(capacity)
	for _, a := range scene.actors {
		usage.CpuDemandMhz += int32(a.usedMHz)
		usage.MemDemandMB += int32(a.memoryMB)
		usage.CpuReservationMhz += int32(a.cpuMHz)
		usage.MemReservationMB += int32(a.reservedMB)
	}
	usage.CpuEntitledMhz, usage.MemEntitledMB = usage.CpuDemandMhz, usage.MemDemandMB
	for _, entity := range s.registry.All("VirtualMachine") {
		vm := entity.(*simulator.VirtualMachine)
		if s.clusterOf(s.hostOf(vm)) != cluster {
			continue
		}
		usage.TotalVmCount++
		if s.powerState(vm) == types.VirtualMachinePowerStatePoweredOff {
			usage.PoweredOffVmCount++
		}
	}
	current := int32(scene.deviation(ref{}, ref{}) * 1000)
	s.changeSummary(cluster, func(summary *types.ClusterComputeResourceSummary) {
		summary.CurrentBalance, summary.TargetBalance, summary.UsageSummary = current, targets[scene.rate], &usage
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

// hostWatch has DRS look again when a host comes back from maintenance, or goes.
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
				w.server.poke(cluster)
			}
			return
		}
	}
}
