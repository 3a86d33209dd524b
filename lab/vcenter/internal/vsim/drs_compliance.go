// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Compliance of rules. It is updated when VMs move, start or stop.

package vsim

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/drs"
)

// hostChanged updates the clusters when the inventory shows a VM on another host. "If a virtual machine is removed from the
// cluster, it loses its DRS group affiliation" (API, ClusterVmGroup).
func (s *Server) hostChanged(vm *simulator.VirtualMachine, from, to ref) {
	before, after := s.clusterOf(from), s.clusterOf(to)
	if before != after {
		s.forgetMachine(vm.Self, before)
		s.placementChanged(before)
	} else if after != nil && s.powerState(vm) == types.VirtualMachinePowerStatePoweredOn {
		s.changeSummary(after, func(summary *types.ClusterComputeResourceSummary) { summary.NumVmotions++ })
	}
	s.placementChanged(after)
}

// placementChanged shows the compliance of a cluster's rules when a VM has moved, started or stopped.
func (s *Server) placementChanged(cluster *simulator.ClusterComputeResource) {
	if cluster == nil {
		return
	}
	s.drs.mu.Lock()
	defer s.drs.mu.Unlock()
	shown := s.clusterConfig(cluster)
	if len(shown.Rule) > 0 || len(s.drs.stateOf(cluster.Self).recommendations.All()) > 0 {
		s.scheduleReview(cluster)
	}
	if s.hasCompliance(shown) {
		return
	}
	config := copied(*shown)
	drs.SetCompliance(&config, s.occupancy())
	s.publishConfig(cluster, &config)
}

func (s *Server) hasCompliance(config *types.ClusterConfigInfoEx) bool {
	s.load.mu.Lock()
	defer s.load.mu.Unlock()
	return drs.HasCompliance(config, s.load.hosts)
}

// forgetMachine removes a VM that leaves a cluster from the groups, rules and overrides of the cluster.
func (s *Server) forgetMachine(vm ref, cluster *simulator.ClusterComputeResource) {
	if cluster == nil || !drs.Mentions(s.clusterConfig(cluster), vm) {
		return
	}
	s.drs.mu.Lock()
	defer s.drs.mu.Unlock()
	config := copied(*s.clusterConfig(cluster))
	drs.Forget(&config, vm)
	drs.SetCompliance(&config, s.occupancy())
	s.publishConfig(cluster, &config)
	s.scheduleReview(cluster)
}
