// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// ReconfigureComputeResource_Task: the change of a cluster's configuration.

package vsim

import (
	"fmt"
	"slices"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/drs"
)

func (s *Server) reconfigureCompute(ctx *simulator.Context, request *types.ReconfigureComputeResource_Task) (soap.HasFault, types.BaseMethodFault) {
	cluster := s.clusterOf(request.This)
	if request.Spec == nil {
		return nil, invalidArgument("spec")
	}
	spec, ok := request.Spec.(*types.ClusterConfigSpecEx)
	if !ok {
		spec = &types.ClusterConfigSpecEx{ComputeResourceConfigSpec: *request.Spec.GetComputeResourceConfigSpec()}
	}
	return s.task(ctx, request.This, "ReconfigureComputeResource_Task", func(by cause) (types.AnyType, types.BaseMethodFault) {
		return nil, s.reconfigureCluster(cluster, spec, request.Modify)
	})
}

// reconfigureOld implements the method of API 2.0, with a part of the specification.
func (s *Server) reconfigureOld(ctx *simulator.Context, request *types.ReconfigureCluster_Task) (soap.HasFault, types.BaseMethodFault) {
	cluster := s.clusterOf(request.This)
	spec := &types.ClusterConfigSpecEx{DasConfig: request.Spec.DasConfig, DasVmConfigSpec: request.Spec.DasVmConfigSpec,
		DrsConfig: request.Spec.DrsConfig, DrsVmConfigSpec: request.Spec.DrsVmConfigSpec, RulesSpec: request.Spec.RulesSpec}
	return s.task(ctx, request.This, "ReconfigureCluster_Task", func(by cause) (types.AnyType, types.BaseMethodFault) {
		return nil, s.reconfigureCluster(cluster, spec, request.Modify)
	})
}

// reconfigureCluster replaces a cluster's configuration.
func (s *Server) reconfigureCluster(cluster *simulator.ClusterComputeResource, spec *types.ClusterConfigSpecEx, modify bool) types.BaseMethodFault {
	s.drs.mu.Lock()
	defer s.drs.mu.Unlock()
	state := s.drs.stateOf(cluster.Self)
	config, lastRule, fault := drs.Reconfigure(copied(*s.clusterConfig(cluster)), spec, modify, state.lastRule, s.membersOf(cluster))
	if fault != nil {
		return fault
	}
	state.lastRule = lastRule
	drs.SetCompliance(&config, s.occupancy())
	s.publishConfig(cluster, &config)
	s.scaleShares(cluster, config.DrsConfig.ScaleDescendantsShares)
	s.scheduleReview(cluster)
	return nil
}

// SetStepwise makes a cluster refuse, or accept again, changes in one request that depend on each other.
func (s *Server) SetStepwise(name string, stepwise bool) error {
	s.drs.mu.Lock()
	defer s.drs.mu.Unlock()
	for _, entity := range s.registry.All("ClusterComputeResource") {
		if entity.Entity().Name == name {
			s.drs.stateOf(entity.Reference()).stepwise = stepwise
			return nil
		}
	}
	return fmt.Errorf("%w: there is no cluster named %s", ErrNotFound, name)
}

// membersOf returns the hosts and VMs of a cluster. The caller holds the scheduler's lock.
func (s *Server) membersOf(cluster *simulator.ClusterComputeResource) drs.Members {
	members := drs.Members{Cluster: cluster.Name, Names: s.nameOf, Stepwise: s.drs.stateOf(cluster.Self).stepwise}
	for _, host := range s.hostsWith(cluster.Self) {
		members.Hosts = append(members.Hosts, host.Self)
	}
	members.HasVM = func(reference ref) bool {
		vm := s.vm(reference)
		return vm != nil && slices.Contains(members.Hosts, s.hostOf(vm))
	}
	return members
}

// installClusters completes the configuration of the simulator's clusters, and makes DRS watch the hosts.
func (s *Server) installClusters() {
	s.drs.pause, s.drs.reviewScheduled = time.Second, map[ref]bool{}
	s.registry.AddHandler(&hostWatch{ref{Type: "GantryHostWatch", Value: "hostWatch"}, s})
	s.drs.mu.Lock()
	defer s.drs.mu.Unlock()
	for _, entity := range s.registry.All("ClusterComputeResource") {
		cluster := entity.(*simulator.ClusterComputeResource)
		config := drs.Complete(s.clusterConfig(cluster))
		s.publishConfig(cluster, &config)
	}
}

// scaleShares sets the shares of the root resource pool: "equivalent to setting the scaleDescendantsShares on the root
// resource pool" (API, ClusterDrsConfigInfo).
func (s *Server) scaleShares(cluster *simulator.ClusterComputeResource, behavior string) {
	pool := s.registry.Get(*cluster.ResourcePool).(*simulator.ResourcePool)
	s.locked(pool, func(ctx *simulator.Context) {
		if pool.Config.ScaleDescendantsShares != behavior {
			ctx.Update(pool, []types.PropertyChange{set("config.scaleDescendantsShares", behavior)})
		}
	})
}
