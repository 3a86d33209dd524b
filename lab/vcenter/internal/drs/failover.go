// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// HA's admission control: the resources that must stay free so that VMs can be restarted when hosts fail.

package drs

import (
	"fmt"
	"slices"

	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/vim"
)

// failoverCPU is the CPU that HA assumes for a VM without a reservation: "a default of 0MB memory and 256MHz CPU is applied"
// (API, ClusterFailoverResourcesAdmissionControlPolicy).
const failoverCPU = 256

// AdmitsFailover refuses to power on a VM, whose claim is among the claims, if that "would have created a situation where the
// remaining physical machines would not meet the needs of the virtual machines in the event of a failure" (API,
// InsufficientFailoverResourcesFault). "HA uses connected hosts that are not in maintenance mode".
func AdmitsFailover(das *types.ClusterDasConfigInfo, cluster string, hosts []Host, claims []Claim) types.BaseMethodFault {
	if !vim.IsTrue(das.Enabled) || !vim.IsTrue(das.AdmissionControlEnabled) {
		return nil
	}
	needs := failoverNeeds{hosts: len(hosts)}
	for _, host := range hosts {
		if host.Connected && !host.Maintenance {
			needs.memoryMB = append(needs.memoryMB, host.MemoryMB)
			needs.cpuMHz = append(needs.cpuMHz, int64(host.CPUMHz))
		}
	}
	for _, claim := range claims {
		needs.neededMB += claim.ReservedMB
		needs.neededMHz += max(claim.CPUMHz, failoverCPU)
	}
	if needs.met(das.AdmissionControlPolicy) {
		return nil
	}
	fault := &types.InsufficientFailoverResourcesFault{}
	vim.Because(&fault.MethodFault,
		fmt.Sprintf("There are insufficient resources to satisfy the configured failover level of cluster %s for vSphere HA.", cluster))
	return fault
}

// failoverNeeds holds the needs of the VMs and the resources of the hosts.
type failoverNeeds struct {
	hosts            int     // all hosts of the cluster, including unavailable ones
	memoryMB, cpuMHz []int64 // resources of the available hosts
	neededMB         int64
	neededMHz        int64
}

// met returns whether a policy is satisfied. It compares sums instead of slots: the lab's hosts are alike. The policy of
// dedicated failover hosts is enforced at placement.
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
		return leavesFree(n.memoryMB, n.neededMB, memory) && leavesFree(n.cpuMHz, n.neededMHz, cpu)
	}
	return true
}

// withoutLargest returns the sum without the largest hosts.
func withoutLargest(sizes []int64, count int) int64 {
	slices.Sort(sizes)
	total := int64(0)
	for _, size := range sizes[:max(0, len(sizes)-count)] {
		total += size
	}
	return total
}

// leavesFree returns whether a percentage of the sum remains free.
func leavesFree(sizes []int64, needed, percent int64) bool {
	total := withoutLargest(sizes, 0)
	return (total-needed)*100 >= total*percent
}
