// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Snapshots of clusters, the input of DRS and HA decisions.

package vsim

import (
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/drs"
	"gantry.invalid/lab/vcenter/internal/vim"
)

// drsSnapshot returns a cluster's hosts and the VMs that run there, with the CPU that each uses.
func (s *Server) drsSnapshot(cluster *simulator.ClusterComputeResource, config *types.ClusterConfigInfoEx, cpuMHz map[ref]float64) *drs.Cluster {
	configs := map[ref]*types.VirtualMachineConfigInfo{}
	snapshot := &drs.Cluster{Hosts: s.drsHosts(cluster), Names: s.nameOf}
	snapshot.Reaches = func(vm, host ref) types.BaseMethodFault {
		return s.hostReaches(s.registry.Get(host).(*simulator.HostSystem), configs[vm])
	}
	for _, claimed := range s.claimsOn(snapshot.Hosts) {
		vm := s.vm(claimed.VM)
		if vm == nil {
			continue
		}
		configs[claimed.VM], _, _ = s.placed(vm)
		snapshot.VMs = append(snapshot.VMs, &drs.VM{Claim: claimed, UsedMHz: cpuMHz[claimed.VM]})
	}
	snapshot.Prepare(config)
	return snapshot
}

// drsHosts returns a cluster's hosts as DRS sees them.
func (s *Server) drsHosts(cluster *simulator.ClusterComputeResource) []drs.Host {
	var hosts []drs.Host
	for _, host := range s.hostsWith(cluster.Self) {
		hosts = append(hosts, drs.Host{Ref: host.Self, MemoryMB: host.Hardware.MemorySize >> 20,
			CPUMHz:      float64(host.Hardware.CpuInfo.Hz) / 1e6 * float64(host.Hardware.CpuInfo.NumCpuCores),
			Maintenance: s.unavailable(host), Connected: s.disconnected(host) == nil})
	}
	return hosts
}

// claimsOn returns the claims of VMs on hosts.
func (s *Server) claimsOn(hosts []drs.Host) []drs.Claim {
	s.load.mu.Lock()
	defer s.load.mu.Unlock()
	return s.claimed(hosts)
}

// claimed is claimsOn for a caller that holds the load's lock.
func (s *Server) claimed(hosts []drs.Host) []drs.Claim {
	var claims []drs.Claim
	for _, claimed := range s.load.admitted {
		if slices.ContainsFunc(hosts, func(host drs.Host) bool { return host.Ref == claimed.Host }) {
			claims = append(claims, claimed.Claim)
		}
	}
	return claims
}

// failoverAdmits checks whether HA could still restart all VMs after a failure if one more VM ran. The caller holds the
// load's lock.
func (s *Server) failoverAdmits(host ref, want claim) types.BaseMethodFault {
	cluster := s.clusterOf(host)
	if cluster == nil {
		return nil
	}
	availability := &s.clusterConfig(cluster).DasConfig
	if !vim.IsTrue(availability.Enabled) {
		return nil
	}
	hosts := s.drsHosts(cluster)
	others := slices.DeleteFunc(s.claimed(hosts), func(claimed drs.Claim) bool { return claimed.VM == want.VM })
	return drs.AdmitsFailover(availability, cluster.Name, hosts, append(others, want.Claim))
}
