// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// HA's admission control: what must stay free so that machines can be restarted when hosts fail.

package vsim

import (
	"fmt"
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// failoverCPU is what HA takes for a machine without a reservation: "a default of 0MB memory and 256MHz CPU is applied"
// (API, ClusterFailoverResourcesAdmissionControlPolicy).
const failoverCPU = 256

// failoverAdmits refuses to power on what "would have created a situation where the remaining physical machines would not
// meet the needs of the virtual machines in the event of a failure" (API, InsufficientFailoverResourcesFault). "HA uses
// connected hosts that are not in maintenance mode". The caller holds the load.
func (s *Server) failoverAdmits(cluster *simulator.ClusterComputeResource, want claim) types.BaseMethodFault {
	if cluster == nil {
		return nil
	}
	das := s.clusterConfig(cluster).DasConfig
	if !isTrue(das.Enabled) || !isTrue(das.AdmissionControlEnabled) {
		return nil
	}
	needs := failoverNeeds{hosts: len(s.hostsWith(cluster.Self))}
	for _, host := range s.hostsWith(cluster.Self) {
		if !s.unavailable(host) && s.disconnected(host) == nil {
			needs.memoryMB = append(needs.memoryMB, host.Hardware.MemorySize>>20)
			needs.cpuMHz = append(needs.cpuMHz, int64(capacityMHz(host)))
		}
	}
	needs.add(want)
	for vm, claimed := range s.load.admitted {
		if vm != want.vm && s.clusterOf(claimed.host) == cluster {
			needs.add(claimed)
		}
	}
	if needs.met(das.AdmissionControlPolicy) {
		return nil
	}
	fault := &types.InsufficientFailoverResourcesFault{}
	because(&fault.MethodFault, fmt.Sprintf("insufficient resources to satisfy the configured failover level of cluster %s for vSphere HA", cluster.Name))
	return fault
}

// failoverNeeds is what machines need beside what hosts have.
type failoverNeeds struct {
	hosts            int     // of the cluster, with those that cannot be used
	memoryMB, cpuMHz []int64 // of those that can
	neededMB         int64
	neededMHz        int64
}

func (n *failoverNeeds) add(machine claim) {
	n.neededMB += machine.reservedMB
	n.neededMHz += max(machine.cpuMHz, failoverCPU)
}

// met says whether a policy is kept. Instead of slots, the sums are compared: the lab's hosts are alike. That of dedicated
// hosts keeps them free in another way.
func (n *failoverNeeds) met(policy types.BaseClusterDasAdmissionControlPolicy) bool {
	switch p := policy.(type) {
	case *types.ClusterFailoverLevelAdmissionControlPolicy:
		return n.neededMB <= withoutLargest(n.memoryMB, int(p.FailoverLevel))
	case *types.ClusterFailoverResourcesAdmissionControlPolicy:
		cpu, memory := int64(p.CpuFailoverResourcesPercent), int64(p.MemoryFailoverResourcesPercent)
		// "By default, this is true and the default calculation is using the failoverLevel hosts' resources. ... If not set,
		// we assume 1" (API).
		if p.AutoComputePercentages == nil || *p.AutoComputePercentages {
			cpu = min(100, 100*int64(max(p.FailoverLevel, 1))/int64(n.hosts))
			memory = cpu
		}
		return free(n.memoryMB, n.neededMB, memory) && free(n.cpuMHz, n.neededMHz, cpu)
	}
	return true
}

// withoutLargest sums up what is left when the largest hosts fail.
func withoutLargest(sizes []int64, count int) int64 {
	slices.Sort(sizes)
	total := int64(0)
	for _, size := range sizes[:max(0, len(sizes)-count)] {
		total += size
	}
	return total
}

// free says whether a percentage of all is not needed.
func free(sizes []int64, needed, percent int64) bool {
	total := withoutLargest(sizes, 0)
	return (total-needed)*100 >= total*percent
}
