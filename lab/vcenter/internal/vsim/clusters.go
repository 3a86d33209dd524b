// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Clusters: which hosts and resource pools belong together.

package vsim

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
)

// clusterOf gives the cluster that a host or a resource pool is part of, or that is referred to; nil: there is none.
func (s *Server) clusterOf(reference ref) *simulator.ClusterComputeResource {
	for {
		switch object := s.registry.Get(reference).(type) {
		case *simulator.ClusterComputeResource:
			return object
		case mo.Entity:
			parent := object.Entity().Parent
			if parent == nil {
				return nil
			}
			reference = *parent
		default:
			return nil
		}
	}
}

// hostsWith gives all hosts of the cluster that a host or a resource pool is part of.
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
