// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Clusters: the hosts and resource pools of each.

package vsim

import (
	"fmt"
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// clusterOf returns the cluster of a host or a resource pool, or the cluster that is referred to; nil if there is none.
func (s *Server) clusterOf(reference ref) *simulator.ClusterComputeResource {
	return enclosing[*simulator.ClusterComputeResource](s, reference)
}

// hostsWith returns all hosts of the cluster that a host or a resource pool is part of.
func (s *Server) hostsWith(member ref) []*simulator.HostSystem {
	cluster := s.clusterOf(member)
	var hosts []*simulator.HostSystem
	for _, host := range s.site.hosts {
		if cluster != nil && *host.Parent == cluster.Self {
			hosts = append(hosts, host)
		}
	}
	return hosts
}

// hostMounts checks that a host mounts a datastore.
func (s *Server) hostMounts(host *simulator.HostSystem, store string) types.BaseMethodFault {
	entity := s.site.datastores[store]
	if entity == nil {
		return &types.InvalidDatastore{Name: store}
	}
	seen := false
	s.locked(host, func(*simulator.Context) { seen = slices.Contains(host.Datastore, entity.Self) })
	if seen {
		return nil
	}
	fault := &types.InvalidDatastore{Datastore: &entity.Self, Name: store}
	because(&fault.MethodFault, fmt.Sprintf("Host %s does not mount datastore %s.", host.Name, store))
	return fault
}
