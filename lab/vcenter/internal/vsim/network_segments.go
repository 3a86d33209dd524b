// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Networks of both kinds: their places in the inventory, the VMs on them, and the segments that carry their traffic.

package vsim

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/vim"
)

// networks serializes changes of switches and port groups, numbers ports, and finds port groups by their keys.
type networks struct {
	mu sync.Mutex

	portsMu sync.Mutex
	ports   int // the last port key of any distributed switch

	groups sync.Map // the distributed port groups by their keys
}

// configuredVLAN returns the VLAN ID of a configured network: the first is untagged.
func configuredVLAN(index int) int32 {
	if index == 0 {
		return 0
	}
	return int32(1000 + index)
}

// segment returns the name of the layer 2 network that carries a VLAN of a switch. Switches of the same name on different
// hosts, and in both vCenters, are connected to the same physical network. Configured networks are the segments of their VLANs.
func (s *Server) segment(switchName string, vlan int32) string {
	for index, network := range s.config.Networks {
		if switchName == standardSwitch && vlan == configuredVLAN(index) {
			return network.Name
		}
	}
	return fmt.Sprintf("%s VLAN %d", switchName, vlan)
}

// segmentOfNSX returns the name of the layer 2 network of a segment of NSX, which all of its switches have.
func segmentOfNSX(name string) string { return "NSX " + name }

// segmentOf returns the segment of an adapter of a VM on a host; empty if the host does not have its network.
func (s *Server) segmentOf(card *types.VirtualEthernetCard, host ref) string {
	network, name := s.networkOf(card)
	if group, ok := s.registry.Get(network).(*simulator.DistributedVirtualPortgroup); ok {
		var segment string
		s.locked(group, func(*simulator.Context) {
			vlan, ok := settingOf(group).Vlan.(*types.VmwareDistributedVirtualSwitchVlanIdSpec)
			switch {
			case isOfNSX(group):
				segment = segmentOfNSX(group.Name)
			case ok:
				segment = s.segment(s.nameOf(*group.Config.DistributedVirtualSwitch), vlan.VlanId)
			}
		})
		return segment
	}
	if network.Type == "OpaqueNetwork" {
		return segmentOfNSX(name)
	}
	if spec := s.hostGroup(host, name); spec != nil {
		return s.segment(spec.VswitchName, spec.VlanId)
	}
	return ""
}

// hostGroup returns the specification of a host's standard port group, by the name of its network.
func (s *Server) hostGroup(host ref, network string) *types.HostPortGroupSpec {
	system, ok := s.registry.Get(host).(*simulator.HostSystem)
	if !ok {
		return nil
	}
	var found *types.HostPortGroupSpec
	s.locked(system, func(*simulator.Context) {
		for _, group := range system.Config.Network.Portgroup {
			if escaped(group.Spec.Name) == network {
				found = &group.Spec
			}
		}
	})
	return found
}

func noTrunk(name string) types.BaseMethodFault {
	return notSupported(fmt.Sprintf("The lab's networks carry no tagged traffic of VMs: %s is a trunk.", name))
}

// connectedTo returns the VMs with an adapter on the network; only those of the host, unless it is nil.
func (s *Server) connectedTo(network ref, host *simulator.HostSystem) []*simulator.VirtualMachine {
	var found []*simulator.VirtualMachine
	for _, entity := range s.registry.All("VirtualMachine") {
		vm := entity.(*simulator.VirtualMachine)
		var config *types.VirtualMachineConfigInfo
		s.locked(vm, func(*simulator.Context) { config = vm.Config })
		if host != nil && s.hostOf(vm) != host.Self {
			continue
		}
		for _, card := range cardsOf(config.Hardware.Device) {
			if reference, _ := s.networkOf(card); reference == network {
				found = append(found, vm)
				break
			}
		}
	}
	return found
}

// reconnect connects the adapters of those VMs that run to the segments that their networks have now.
func (s *Server) reconnect(machines []*simulator.VirtualMachine) types.BaseMethodFault {
	for _, vm := range machines {
		_, fault := s.exclusive(vm, func(cause) (types.AnyType, types.BaseMethodFault) {
			if s.powerState(vm) != types.VirtualMachinePowerStatePoweredOn {
				return nil, nil
			}
			var names []string
			for _, nic := range s.nicsOf(vm.Config, s.hostOf(vm)) {
				names = append(names, nic.Network)
			}
			if err := s.hypervisor.Connect(vm.Self.Value, names); err != nil {
				return nil, systemError(err.Error())
			}
			return nil, nil
		})(cause{})
		if _, isGone := fault.(*types.ManagedObjectNotFound); fault != nil && !isGone {
			return fault
		}
	}
	return nil
}

// addNetwork adds a network of either kind to the inventory.
func (s *Server) addNetwork(folder *simulator.Folder, network mo.Entity) {
	s.registry.NewEntity(network)
	s.addChild(folder, network)
	datacenter := s.site.datacenter
	s.update(datacenter, set("network", vim.With(datacenter.Network, network.Reference())))
}

func (s *Server) dropNetwork(network mo.Entity) {
	s.removeChild(network)
	datacenter := s.site.datacenter
	s.update(datacenter, set("network", vim.Without(datacenter.Network, network.Reference())))
}

// showNetworks publishes the networks of a host, and those of its cluster, which are the ones of all of its hosts.
func (s *Server) showNetworks(host *simulator.HostSystem, networks []ref) {
	s.update(host, set("network", networks))
	cluster := s.clusterOf(host.Self)
	if cluster == nil {
		return
	}
	var all []ref
	for _, member := range s.hostsWith(cluster.Self) {
		for _, network := range member.Network {
			all = vim.With(all, network)
		}
	}
	s.update(cluster, set("network", all))
}

// bindPort gives an adapter a port of its distributed port group. An adapter that stays in its group keeps its port.
func (s *Server) bindPort(port *types.DistributedVirtualSwitchPortConnection, before types.BaseVirtualDevice) {
	if before != nil {
		old, ok := before.GetVirtualDevice().Backing.(*types.VirtualEthernetCardDistributedVirtualPortBackingInfo)
		if ok && old.Port.PortKey != "" && old.Port.PortgroupKey == port.PortgroupKey && (port.PortKey == "" || port.PortKey == old.Port.PortKey) {
			*port = old.Port
			return
		}
	}
	s.networks.portsMu.Lock()
	defer s.networks.portsMu.Unlock()
	s.networks.ports++
	port.PortKey, port.ConnectionCookie = strconv.Itoa(s.networks.ports), rand.Int32N(1<<30)+1
}
