// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The virtual switches and standard port groups of hosts (HostNetworkSystem). A port group that several hosts have is one
// Network of the inventory, with all of these hosts.

package vsim

import (
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/vim"
)

const (
	standardSwitch  = "vSwitch0" // the switch that each host has from the start
	groupKeyPrefix  = "key-vim.host.PortGroup-"
	switchKeyPrefix = "key-vim.host.VirtualSwitch-"
	standardTrunk   = 4095 // "a value of 4095 specifies that the port group should use trunk mode" (HostPortGroupSpec.vlanId)
	defaultMTU      = 1500
	lowestMTU       = 1280 // of both kinds of switches, as the vSphere Client accepts them
	highestMTU      = 9000
	switchPorts     = 128
)

// hostNetwork is a copy of a host's switches and port groups, to be changed and published.
type hostNetwork struct {
	server   *Server
	host     *simulator.HostSystem
	switches []types.HostVirtualSwitch
	groups   []types.HostPortGroup
}

// hostNetwork returns the network configuration of the host whose network system is called. The caller holds networks.mu.
func (s *Server) hostNetwork(system ref) (*hostNetwork, types.BaseMethodFault) {
	for _, host := range s.site.hosts {
		if *host.ConfigManager.NetworkSystem == system {
			n := &hostNetwork{server: s, host: host}
			s.locked(host, func(*simulator.Context) {
				n.switches = slices.Clone(host.Config.Network.Vswitch)
				n.groups = slices.Clone(host.Config.Network.Portgroup)
			})
			return n, nil
		}
	}
	return nil, notSupported("The lab changes the networks of its configured hosts only.")
}

func (n *hostNetwork) publish() {
	for i := range n.switches {
		n.switches[i].Portgroup = nil
		for _, group := range n.groups {
			if group.Spec.VswitchName == n.switches[i].Name {
				n.switches[i].Portgroup = append(n.switches[i].Portgroup, group.Key)
			}
		}
	}
	n.server.update(n.host, set("config.network.vswitch", n.switches), set("config.network.portgroup", n.groups))
	system := n.server.registry.Get(*n.host.ConfigManager.NetworkSystem)
	n.server.update(system, set("networkInfo.vswitch", n.switches), set("networkInfo.portgroup", n.groups))
}

func (n *hostNetwork) switchNamed(name string) *types.HostVirtualSwitch {
	for i := range n.switches {
		if n.switches[i].Name == name {
			return &n.switches[i]
		}
	}
	return nil
}

func (n *hostNetwork) groupNamed(name string) *types.HostPortGroup {
	for i := range n.groups {
		if n.groups[i].Spec.Name == name {
			return &n.groups[i]
		}
	}
	return nil
}

// newGroup checks a specification. (API, AddPortGroup: "NotFound: if the virtual switch does not exist";
// "InvalidArgument: if an invalid vlanId is specified".)
func (n *hostNetwork) newGroup(spec types.HostPortGroupSpec) (types.HostPortGroup, types.BaseMethodFault) {
	parent := n.switchNamed(spec.VswitchName)
	if parent == nil {
		return types.HostPortGroup{}, &types.NotFound{}
	}
	if spec.Name == "" || len(spec.Name) > longestName {
		return types.HostPortGroup{}, invalidArgument("portgrp.name")
	}
	if spec.VlanId < 0 || spec.VlanId > standardTrunk {
		return types.HostPortGroup{}, vim.InvalidArgumentf("portgrp.vlanId", "%d is not a VLAN ID from 0 to %d.", spec.VlanId, standardTrunk)
	}
	spec.Policy = completePolicy(spec.Policy)
	return types.HostPortGroup{Key: groupKeyPrefix + spec.Name, Vswitch: parent.Key, Spec: spec,
		ComputedPolicy: computedPolicy(parent.Spec.Policy, &spec.Policy)}, nil
}

// changeHostNetwork runs a change of the network of the host that a network system belongs to, one at a time.
func (s *Server) changeHostNetwork(system ref, change func(*hostNetwork) (soap.HasFault, types.BaseMethodFault)) (soap.HasFault, types.BaseMethodFault) {
	s.networks.mu.Lock()
	defer s.networks.mu.Unlock()
	n, fault := s.hostNetwork(system)
	if fault != nil {
		return nil, fault
	}
	return change(n)
}

func (s *Server) addPortGroup(_ *simulator.Context, request *types.AddPortGroup) (soap.HasFault, types.BaseMethodFault) {
	return s.changeHostNetwork(request.This, func(n *hostNetwork) (soap.HasFault, types.BaseMethodFault) {
		group, fault := n.newGroup(request.Portgrp)
		if fault != nil {
			return nil, fault
		}
		if n.groupNamed(group.Spec.Name) != nil {
			return nil, &types.AlreadyExists{Name: group.Spec.Name}
		}
		if fault := s.joinNetwork(n.host, escaped(group.Spec.Name)); fault != nil {
			return nil, fault
		}
		n.groups = append(n.groups, group)
		n.publish()
		return &methods.AddPortGroupBody{Res: &types.AddPortGroupResponse{}}, nil
	})
}

func (s *Server) updatePortGroup(_ *simulator.Context, request *types.UpdatePortGroup) (soap.HasFault, types.BaseMethodFault) {
	return s.changeHostNetwork(request.This, func(n *hostNetwork) (soap.HasFault, types.BaseMethodFault) {
		old := n.groupNamed(request.PgName)
		if old == nil {
			return nil, &types.NotFound{}
		}
		group, fault := n.newGroup(request.Portgrp)
		if fault != nil {
			return nil, fault
		}
		if group.Spec.Name != request.PgName {
			return nil, notSupported("The lab does not rename port groups.")
		}
		users := s.connectedTo(s.standardNamed(escaped(group.Spec.Name)).Self, n.host)
		if group.Spec.VlanId == standardTrunk && len(users) > 0 {
			return nil, noTrunk(group.Spec.Name)
		}
		*old = group
		n.publish()
		if fault := s.reconnect(users); fault != nil {
			return nil, fault
		}
		return &methods.UpdatePortGroupBody{Res: &types.UpdatePortGroupResponse{}}, nil
	})
}

// removePortGroup refuses to remove a group that a running VM of the host uses; a VM that is powered off has no port on it.
func (s *Server) removePortGroup(_ *simulator.Context, request *types.RemovePortGroup) (soap.HasFault, types.BaseMethodFault) {
	return s.changeHostNetwork(request.This, func(n *hostNetwork) (soap.HasFault, types.BaseMethodFault) {
		if n.groupNamed(request.PgName) == nil {
			return nil, &types.NotFound{}
		}
		name := escaped(request.PgName)
		for _, vm := range s.connectedTo(s.standardNamed(name).Self, n.host) {
			if s.powerState(vm) != types.VirtualMachinePowerStatePoweredOff {
				return nil, &types.ResourceInUse{Type: "Network", Name: request.PgName}
			}
		}
		n.groups = slices.DeleteFunc(n.groups, func(group types.HostPortGroup) bool { return group.Spec.Name == request.PgName })
		n.publish()
		s.leaveNetwork(n.host, name)
		return &methods.RemovePortGroupBody{Res: &types.RemovePortGroupResponse{}}, nil
	})
}

func (s *Server) addVirtualSwitch(_ *simulator.Context, request *types.AddVirtualSwitch) (soap.HasFault, types.BaseMethodFault) {
	return s.changeHostNetwork(request.This, func(n *hostNetwork) (soap.HasFault, types.BaseMethodFault) {
		if n.switchNamed(request.VswitchName) != nil {
			return nil, &types.AlreadyExists{Name: request.VswitchName}
		}
		spec := types.HostVirtualSwitchSpec{NumPorts: switchPorts}
		if request.Spec != nil {
			spec = *request.Spec
		}
		added, fault := newVirtualSwitch(request.VswitchName, spec)
		if fault != nil {
			return nil, fault
		}
		n.switches = append(n.switches, added)
		n.publish()
		return &methods.AddVirtualSwitchBody{Res: &types.AddVirtualSwitchResponse{}}, nil
	})
}

func (s *Server) updateVirtualSwitch(_ *simulator.Context, request *types.UpdateVirtualSwitch) (soap.HasFault, types.BaseMethodFault) {
	return s.changeHostNetwork(request.This, func(n *hostNetwork) (soap.HasFault, types.BaseMethodFault) {
		old := n.switchNamed(request.VswitchName)
		if old == nil {
			return nil, &types.NotFound{}
		}
		spec := request.Spec
		if spec.Policy == nil {
			spec.Policy = old.Spec.Policy
		}
		if spec.Mtu == 0 {
			spec.Mtu = old.Mtu
		}
		changed, fault := newVirtualSwitch(request.VswitchName, spec)
		if fault != nil {
			return nil, fault
		}
		*old = changed
		for i := range n.groups {
			if n.groups[i].Spec.VswitchName == old.Name {
				n.groups[i].ComputedPolicy = computedPolicy(old.Spec.Policy, &n.groups[i].Spec.Policy)
			}
		}
		n.publish()
		return &methods.UpdateVirtualSwitchBody{Res: &types.UpdateVirtualSwitchResponse{}}, nil
	})
}

// removeVirtualSwitch refuses to remove a switch that has port groups (unconfirmed: ESXi refuses it while they are in use).
func (s *Server) removeVirtualSwitch(_ *simulator.Context, request *types.RemoveVirtualSwitch) (soap.HasFault, types.BaseMethodFault) {
	return s.changeHostNetwork(request.This, func(n *hostNetwork) (soap.HasFault, types.BaseMethodFault) {
		old := n.switchNamed(request.VswitchName)
		if old == nil {
			return nil, &types.NotFound{}
		}
		if len(old.Portgroup) > 0 {
			return nil, &types.ResourceInUse{Type: "VirtualSwitch", Name: request.VswitchName}
		}
		n.switches = slices.DeleteFunc(n.switches, func(one types.HostVirtualSwitch) bool { return one.Name == request.VswitchName })
		n.publish()
		return &methods.RemoveVirtualSwitchBody{Res: &types.RemoveVirtualSwitchResponse{}}, nil
	})
}

func newVirtualSwitch(name string, spec types.HostVirtualSwitchSpec) (types.HostVirtualSwitch, types.BaseMethodFault) {
	if name == "" || len(name) > 32 { // API, AddVirtualSwitch: "vswitchName" of at most 32 characters
		return types.HostVirtualSwitch{}, invalidArgument("vswitchName")
	}
	if spec.Mtu == 0 {
		spec.Mtu = defaultMTU
	}
	if fault := requireMTU("spec.mtu", spec.Mtu); fault != nil {
		return types.HostVirtualSwitch{}, fault
	}
	policy := computedPolicy(defaultHostPolicy(), orElse(spec.Policy, &types.HostNetworkPolicy{}))
	spec.Policy = &policy
	return types.HostVirtualSwitch{Name: name, Key: switchKeyPrefix + name, NumPorts: spec.NumPorts, NumPortsAvailable: spec.NumPorts,
		Mtu: spec.Mtu, Spec: spec}, nil
}

func requireMTU(property string, mtu int32) types.BaseMethodFault {
	if mtu < lowestMTU || mtu > highestMTU {
		return vim.InvalidArgumentf(property, "%d is not an MTU from %d to %d.", mtu, lowestMTU, highestMTU)
	}
	return nil
}

// joinNetwork adds a host to the network of this name, which is created for the first host.
func (s *Server) joinNetwork(host *simulator.HostSystem, name string) types.BaseMethodFault {
	network, fault := s.standardNetwork(name)
	if fault != nil {
		return fault
	}
	s.update(network, set("host", vim.With(network.Host, host.Self)))
	s.showNetworks(host, vim.With(host.Network, network.Self))
	return nil
}

// standardNetwork returns the network of this name, or creates it.
func (s *Server) standardNetwork(name string) (*mo.Network, types.BaseMethodFault) {
	if found := s.standardNamed(name); found != nil {
		return found, nil
	}
	if s.registry.FindByName(name, s.site.datacenter.Network) != nil {
		// unconfirmed: vCenter might show a standard and a distributed port group of one name
		return nil, &types.AlreadyExists{Name: name}
	}
	folder := s.registry.Get(s.site.datacenter.NetworkFolder).(*simulator.Folder)
	release, fault := s.takeName(folder.Self, name)
	if fault != nil {
		return nil, fault
	}
	defer release()
	network := &mo.Network{}
	network.Name = name
	network.Entity().Name = name
	s.addNetwork(folder, network)
	network.Summary = &types.NetworkSummary{Network: &network.Self, Name: name, Accessible: true}
	return network, nil
}

// standardNamed returns the network of the standard port groups with this name, or nil.
func (s *Server) standardNamed(name string) *mo.Network {
	for _, reference := range s.site.datacenter.Network {
		if network, ok := s.registry.Get(reference).(*mo.Network); ok && network.Name == name {
			return network
		}
	}
	return nil
}

// leaveNetwork removes a host from a network, and the network if it then has neither hosts nor VMs.
func (s *Server) leaveNetwork(host *simulator.HostSystem, name string) {
	network := s.standardNamed(name)
	s.update(network, set("host", vim.Without(network.Host, host.Self)))
	s.showNetworks(host, vim.Without(host.Network, network.Self))
	if len(network.Host) == 0 && len(s.connectedTo(network.Self, nil)) == 0 {
		s.dropNetwork(network)
	}
}
