// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Opaque networks: segments of NSX on switches of its own. They have no port groups in vCenter, which therefore cannot create or
// change them. Adapters are connected by the id and type of the summary, which are unlike the MoID (govmomi object/opaque_network.go).

package vsim

import (
	"github.com/google/uuid"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/vim"
)

const logicalSwitch = "nsx.LogicalSwitch"

func (s *Server) addOpaqueNetworks(names []string) {
	folder := s.registry.Get(s.site.datacenter.NetworkFolder).(*simulator.Folder)
	for _, name := range names {
		network := &mo.OpaqueNetwork{}
		network.Name = name
		network.Entity().Name = name
		s.addNetwork(folder, network)
		network.Summary = &types.OpaqueNetworkSummary{NetworkSummary: types.NetworkSummary{Network: &network.Self, Name: name, Accessible: true},
			OpaqueNetworkId: uuid.NewString(), OpaqueNetworkType: logicalSwitch}
		for _, host := range s.site.hosts {
			network.Host = append(network.Host, host.Self)
			s.showNetworks(host, vim.With(host.Network, network.Self))
		}
	}
}

// opaqueNetwork returns the network of a backing, or nil.
func (s *Server) opaqueNetwork(backing *types.VirtualEthernetCardOpaqueNetworkBackingInfo) *mo.OpaqueNetwork {
	for _, reference := range s.site.datacenter.Network {
		network, ok := s.registry.Get(reference).(*mo.OpaqueNetwork)
		if !ok {
			continue
		}
		summary := network.Summary.(*types.OpaqueNetworkSummary)
		if summary.OpaqueNetworkId == backing.OpaqueNetworkId && summary.OpaqueNetworkType == backing.OpaqueNetworkType {
			return network
		}
	}
	return nil
}
