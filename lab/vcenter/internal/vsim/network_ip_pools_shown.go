// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The IP pool that a network shows in its summary. ("Identifier of the associated IP pool. Zero if the network is not associated with
// an IP pool": API, NetworkSummary.)

package vsim

import (
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// showIPPools updates the summaries of all networks. The caller holds the lock of the pools.
func (s *Server) showIPPools() {
	for _, reference := range slices.Clone(s.site.datacenter.Network) {
		object := s.registry.Get(reference)
		if object == nil {
			continue
		}
		var id int32
		var name string
		for _, pool := range s.ipPools.all {
			if pool.serves(reference) {
				id, name = pool.config.Id, pool.config.Name
			}
		}
		if summary := summaryWith(object, id, name); summary != nil {
			s.update(object, set("summary", summary))
		}
	}
}

// summaryWith returns a copy of the network's summary with this pool, or nil if it has it already.
func summaryWith(object mo.Reference, id int32, name string) types.BaseNetworkSummary {
	current := networkSummaryOf(object)
	if current == nil {
		return nil
	}
	plain := *current.GetNetworkSummary()
	if plain.IpPoolName == name && (plain.IpPoolId == nil && id == 0 || plain.IpPoolId != nil && *plain.IpPoolId == id) {
		return nil
	}
	plain.IpPoolName, plain.IpPoolId = name, types.NewInt32(id)
	if opaque, ok := current.(*types.OpaqueNetworkSummary); ok {
		changed := *opaque
		changed.NetworkSummary = plain
		return &changed
	}
	return &plain
}

func networkSummaryOf(object mo.Reference) types.BaseNetworkSummary {
	switch network := object.(type) {
	case *mo.Network:
		return network.Summary
	case *mo.OpaqueNetwork:
		return network.Summary
	case *simulator.DistributedVirtualPortgroup:
		return network.Summary
	}
	return nil
}

// serves returns whether the pool is associated with the network.
func (p *ipPool) serves(network ref) bool {
	return slices.ContainsFunc(p.config.NetworkAssociation, func(one types.IpPoolAssociation) bool {
		return one.Network != nil && *one.Network == network
	})
}

// associate gives these networks to a pool, and takes them from the others: a network has one pool in its summary. Which of them
// vCenter leaves out is unconfirmed.
func (s *Server) associate(pool *ipPool, networks []types.IpPoolAssociation) {
	for _, other := range s.ipPools.all {
		if other == pool {
			continue
		}
		other.config.NetworkAssociation = slices.DeleteFunc(slices.Clone(other.config.NetworkAssociation), func(one types.IpPoolAssociation) bool {
			return slices.ContainsFunc(networks, func(own types.IpPoolAssociation) bool {
				return own.Network != nil && one.Network != nil && *own.Network == *one.Network
			})
		})
	}
	pool.config.NetworkAssociation = networks
}
