// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Distributed port groups: their creation, reconfiguration and removal, and the ports of VMs on them.

package vsim

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/vim"
)

const (
	earlyBinding = string(types.DistributedVirtualPortgroupPortgroupTypeEarlyBinding)
	lateBinding  = string(types.DistributedVirtualPortgroupPortgroupTypeLateBinding)
	ephemeral    = string(types.DistributedVirtualPortgroupPortgroupTypeEphemeral)
)

func (s *Server) addDistributedGroups(ctx *simulator.Context, request *types.AddDVPortgroup_Task) (soap.HasFault, types.BaseMethodFault) {
	parent := s.registry.Get(request.This).(*simulator.DistributedVirtualSwitch)
	return s.task(ctx, parent.Self, "AddDVPortgroup_Task", func(by cause) (types.AnyType, types.BaseMethodFault) {
		_, fault := s.makeDistributedGroups(by, parent, request.Spec)
		return nil, fault
	})
}

func (s *Server) createDistributedGroup(ctx *simulator.Context, request *types.CreateDVPortgroup_Task) (soap.HasFault, types.BaseMethodFault) {
	parent := s.registry.Get(request.This).(*simulator.DistributedVirtualSwitch)
	return s.task(ctx, parent.Self, "CreateDVPortgroup_Task", func(by cause) (types.AnyType, types.BaseMethodFault) {
		made, fault := s.makeDistributedGroups(by, parent, []types.DVPortgroupConfigSpec{request.Spec})
		if fault != nil {
			return nil, fault
		}
		return made[0].Self, nil
	})
}

// makeDistributedGroups checks all specifications first.
func (s *Server) makeDistributedGroups(by cause, parent *simulator.DistributedVirtualSwitch, specs []types.DVPortgroupConfigSpec) ([]*simulator.DistributedVirtualPortgroup, types.BaseMethodFault) {
	s.networks.mu.Lock()
	defer s.networks.mu.Unlock()
	var made []*simulator.DistributedVirtualPortgroup
	for i := range specs {
		group, fault := s.newDistributedGroup(parent, &specs[i])
		if fault != nil {
			return nil, fault
		}
		made = append(made, group)
	}
	folder := enclosing[*simulator.Folder](s, parent.Self)
	for _, group := range made {
		if fault := s.placeDistributedGroup(folder, parent, group); fault != nil {
			return nil, fault
		}
		s.post(by, &types.DVPortgroupCreatedEvent{DVPortgroupEvent: s.groupEvent(group)})
	}
	return made, nil
}

// newDistributedGroup returns a port group that is not in the inventory yet. What the specification leaves out is inherited
// from the switch.
func (s *Server) newDistributedGroup(parent *simulator.DistributedVirtualSwitch, spec *types.DVPortgroupConfigSpec) (*simulator.DistributedVirtualPortgroup, types.BaseMethodFault) {
	kind := orDefault(spec.Type, earlyBinding)
	if fault := requireGroupType(kind); fault != nil {
		return nil, fault
	}
	defaults := parent.Config.GetDVSConfigInfo().DefaultPortConfig.(*types.VMwareDVSPortSetting)
	setting, fault := mergedSetting(inheritedSetting(defaults), spec.DefaultPortConfig)
	if fault != nil {
		return nil, fault
	}
	policy := spec.Policy
	if policy == nil {
		policy = defaultGroupPolicy()
	}
	ports := spec.NumPorts
	if kind == ephemeral {
		ports = 0 // they are created when VMs are connected
	}
	group := &simulator.DistributedVirtualPortgroup{}
	group.Name = escaped(spec.Name)
	group.Entity().Name = group.Name
	group.Config = types.DVPortgroupConfigInfo{
		Name: group.Name, NumPorts: ports, DistributedVirtualSwitch: &parent.Self, DefaultPortConfig: setting,
		Description: spec.Description, Type: kind, Policy: policy, PortNameFormat: spec.PortNameFormat, Scope: spec.Scope,
		ConfigVersion: "1", AutoExpand: orElse(spec.AutoExpand, types.NewBool(true)), Uplink: types.NewBool(false),
		VmVnicNetworkResourcePoolKey: orDefault(spec.VmVnicNetworkResourcePoolKey, "-1"),
		BackingType:                  orDefault(spec.BackingType, string(types.DistributedVirtualPortgroupBackingTypeStandard)),
	}
	return group, nil
}

func requireGroupType(kind string) types.BaseMethodFault {
	return vim.OneOf("spec.type", kind, []string{earlyBinding, lateBinding, ephemeral})
}

func orDefault(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

// isOfNSX returns whether the port group is a segment of NSX. Each switch of the segment's transport zone has a port group of its
// name in the same folder (govmomi issue 1996, tanzu-framework pull request 910).
func isOfNSX(group *simulator.DistributedVirtualPortgroup) bool {
	return group.Config.BackingType == string(types.DistributedVirtualPortgroupBackingTypeNsx)
}

// placeDistributedGroup adds a port group to the inventory. ("DuplicateName: if a portgroup with the same name already exists":
// API, AddDVPortgroup_Task.)
func (s *Server) placeDistributedGroup(folder *simulator.Folder, parent *simulator.DistributedVirtualSwitch, group *simulator.DistributedVirtualPortgroup) types.BaseMethodFault {
	if !isOfNSX(group) {
		release, fault := s.takeName(folder.Self, group.Name)
		if fault != nil {
			return fault
		}
		defer release()
	}
	s.addNetwork(folder, group)
	s.giveKey(group)
	group.Summary = &types.NetworkSummary{Network: &group.Self, Name: group.Name, Accessible: true}
	group.Host = slices.Clone(parent.Summary.HostMember)
	for _, member := range group.Host {
		if host, ok := s.registry.Get(member).(*simulator.HostSystem); ok {
			s.showNetworks(host, vim.With(host.Network, group.Self))
		}
	}
	s.update(parent, set("portgroup", vim.With(parent.Portgroup, group.Self)),
		set("summary.portgroupName", append(slices.Clone(parent.Summary.PortgroupName), group.Name)))
	return nil
}

// giveKey gives a port group a key unlike its MoID. In vCenter both are equal until a switch is restored or imported with its
// identifiers, or has moved to another vCenter: then the port groups keep their keys and get other MoIDs.
func (s *Server) giveKey(group *simulator.DistributedVirtualPortgroup) {
	group.Key = "dvportgroup-9" + strings.TrimPrefix(group.Self.Value, "dvportgroup-")
	group.Config.Key = group.Key
	s.networks.groups.Store(group.Key, group)
}

// groupOf returns the port group of a connection, or nil.
func (s *Server) groupOf(port types.DistributedVirtualSwitchPortConnection) *simulator.DistributedVirtualPortgroup {
	found, ok := s.networks.groups.Load(port.PortgroupKey)
	if !ok {
		return nil
	}
	return found.(*simulator.DistributedVirtualPortgroup)
}

// reconfigureDistributedGroup changes what the specification gives. configVersion "is required for reconfiguration and must be
// the same as the config version of the port group" (API, DVPortgroupConfigSpec); what vCenter answers without one is unconfirmed.
func (s *Server) reconfigureDistributedGroup(ctx *simulator.Context, request *types.ReconfigureDVPortgroup_Task) (soap.HasFault, types.BaseMethodFault) {
	group := s.registry.Get(request.This).(*simulator.DistributedVirtualPortgroup)
	return s.task(ctx, group.Self, "ReconfigureDVPortgroup_Task", func(by cause) (types.AnyType, types.BaseMethodFault) {
		s.networks.mu.Lock()
		defer s.networks.mu.Unlock()
		config, fault := mergedGroup(group.Config, &request.Spec)
		if fault != nil {
			return nil, fault
		}
		users := s.connectedTo(group.Self, nil)
		if !isAccess(config.DefaultPortConfig) && len(users) > 0 {
			return nil, noTrunk(group.Name)
		}
		if config.Name != group.Name {
			return nil, notSupported("The lab does not rename port groups.")
		}
		s.update(group, set("config", config))
		s.post(by, &types.DVPortgroupReconfiguredEvent{DVPortgroupEvent: s.groupEvent(group), ConfigSpec: request.Spec})
		return nil, s.reconnect(users)
	})
}

func mergedGroup(old types.DVPortgroupConfigInfo, spec *types.DVPortgroupConfigSpec) (types.DVPortgroupConfigInfo, types.BaseMethodFault) {
	merged := old
	if fault := requireVersion(spec.ConfigVersion, old.ConfigVersion); fault != nil {
		return merged, fault
	}
	setting, fault := mergedSetting(old.DefaultPortConfig.(*types.VMwareDVSPortSetting), spec.DefaultPortConfig)
	if fault != nil {
		return merged, fault
	}
	merged.DefaultPortConfig, merged.ConfigVersion = setting, nextVersion(old.ConfigVersion)
	merged.Name, merged.Description = orDefault(escaped(spec.Name), old.Name), orDefault(spec.Description, old.Description)
	merged.Type, merged.PortNameFormat = orDefault(spec.Type, old.Type), orDefault(spec.PortNameFormat, old.PortNameFormat)
	merged.AutoExpand = orElse(spec.AutoExpand, old.AutoExpand)
	if fault := requireGroupType(merged.Type); fault != nil {
		return merged, fault
	}
	if spec.NumPorts != 0 {
		merged.NumPorts = spec.NumPorts
	}
	if spec.Policy != nil {
		merged.Policy = spec.Policy
	}
	return merged, nil
}

// destroyDistributedGroup refuses it while any VM has a port of the group, running or not ("ResourceInUse: if the portgroup is in
// use"). That uplink port groups cannot be removed is documented; with which fault is unconfirmed.
func (s *Server) destroyDistributedGroup(ctx *simulator.Context, request *types.Destroy_Task) (soap.HasFault, types.BaseMethodFault) {
	group := s.registry.Get(request.This).(*simulator.DistributedVirtualPortgroup)
	return s.task(ctx, group.Self, "Destroy_Task", func(by cause) (types.AnyType, types.BaseMethodFault) {
		s.networks.mu.Lock()
		defer s.networks.mu.Unlock()
		if vim.IsTrue(group.Config.Uplink) || len(s.connectedTo(group.Self, nil)) > 0 {
			return nil, &types.ResourceInUse{Type: "DistributedVirtualPortgroup", Name: group.Name}
		}
		event := &types.DVPortgroupDestroyedEvent{DVPortgroupEvent: s.groupEvent(group)}
		s.dropDistributedGroup(group)
		s.post(by, event)
		return nil, nil
	})
}

func (s *Server) dropDistributedGroup(group *simulator.DistributedVirtualPortgroup) {
	for _, member := range group.Host {
		if host, ok := s.registry.Get(member).(*simulator.HostSystem); ok {
			s.showNetworks(host, vim.Without(host.Network, group.Self))
		}
	}
	if parent, ok := s.registry.Get(*group.Config.DistributedVirtualSwitch).(*simulator.DistributedVirtualSwitch); ok {
		names := slices.DeleteFunc(slices.Clone(parent.Summary.PortgroupName), func(name string) bool { return name == group.Name })
		s.update(parent, set("portgroup", vim.Without(parent.Portgroup, group.Self)), set("summary.portgroupName", names))
	}
	s.networks.groups.Delete(group.Key)
	s.dropNetwork(group)
}

func (s *Server) groupEvent(group *simulator.DistributedVirtualPortgroup) types.DVPortgroupEvent {
	parent := *group.Config.DistributedVirtualSwitch
	event := types.DVPortgroupEvent{Event: s.switchEvent(parent).Event}
	event.Net = &types.NetworkEventArgument{EntityEventArgument: types.EntityEventArgument{Name: group.Name}, Network: group.Self}
	return event
}

// settingOf returns the settings of the group's ports. The caller holds its lock.
func settingOf(group *simulator.DistributedVirtualPortgroup) *types.VMwareDVSPortSetting {
	return group.Config.DefaultPortConfig.(*types.VMwareDVSPortSetting)
}

// isAccess returns true if the ports carry the untagged traffic of one VLAN.
func isAccess(setting types.BaseDVPortSetting) bool {
	_, ok := setting.(*types.VMwareDVSPortSetting).Vlan.(*types.VmwareDistributedVirtualSwitchVlanIdSpec)
	return ok
}

// fetchPorts returns the ports of VMs. The lab does not keep the free ports of a group.
func (s *Server) fetchPorts(_ *simulator.Context, request *types.FetchDVPorts) (soap.HasFault, types.BaseMethodFault) {
	parent := s.registry.Get(request.This).(*simulator.DistributedVirtualSwitch)
	var found []types.DistributedVirtualPort
	for _, entity := range s.registry.All("VirtualMachine") {
		vm := entity.(*simulator.VirtualMachine)
		var config *types.VirtualMachineConfigInfo
		s.locked(vm, func(*simulator.Context) { config = vm.Config })
		for _, card := range cardsOf(config.Hardware.Device) {
			backing, ok := card.Backing.(*types.VirtualEthernetCardDistributedVirtualPortBackingInfo)
			if ok && backing.Port.SwitchUuid == parent.Uuid && matches(request.Criteria, backing.Port) {
				found = append(found, s.portOf(vm.Self, card, backing.Port))
			}
		}
	}
	return &methods.FetchDVPortsBody{Res: &types.FetchDVPortsResponse{Returnval: found}}, nil
}

func (s *Server) portOf(vm ref, card *types.VirtualEthernetCard, port types.DistributedVirtualSwitchPortConnection) types.DistributedVirtualPort {
	fetched := types.DistributedVirtualPort{Key: port.PortKey, DvsUuid: port.SwitchUuid, PortgroupKey: port.PortgroupKey,
		ConnectionCookie: port.ConnectionCookie, Connectee: &types.DistributedVirtualSwitchPortConnectee{ConnectedEntity: &vm,
			NicKey: fmt.Sprint(card.Key), Type: string(types.DistributedVirtualSwitchPortConnecteeConnecteeTypeVmVnic)}}
	if group := s.groupOf(port); group != nil {
		s.locked(group, func(*simulator.Context) { fetched.Config.Setting = group.Config.DefaultPortConfig })
	}
	return fetched
}

func matches(criteria *types.DistributedVirtualSwitchPortCriteria, port types.DistributedVirtualSwitchPortConnection) bool {
	if criteria == nil {
		return true
	}
	if criteria.Connected != nil && !*criteria.Connected || criteria.UplinkPort != nil && *criteria.UplinkPort {
		return false
	}
	if len(criteria.PortKey) > 0 && !slices.Contains(criteria.PortKey, port.PortKey) {
		return false
	}
	if criteria.Inside == nil || len(criteria.PortgroupKey) == 0 {
		return true
	}
	return slices.Contains(criteria.PortgroupKey, port.PortgroupKey) == *criteria.Inside
}
