// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Distributed switches: their creation with an uplink port group, their members, settings and removal.

package vsim

import (
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/vim"
)

const uplinkName = "Uplink 1"

// switchVersions are those that vCenter 8 offers; the newest is the default. The oldest is that of ESXi 6.7, which vCenter 8 manages.
var switchVersions = []string{"8.0.3", "8.0.0", "7.0.3", "7.0.2", "7.0.0", "6.6.0"}

func switchProduct(version string) types.DistributedVirtualSwitchProductSpec {
	return types.DistributedVirtualSwitchProductSpec{Name: "DVS", Vendor: "VMware, Inc.", Version: version, ForwardingClass: "etherswitch"}
}

func (s *Server) networkMethods() map[string]handler {
	return map[string]handler{
		"HostNetworkSystem.AddPortGroup":        method(s.addPortGroup),
		"HostNetworkSystem.UpdatePortGroup":     method(s.updatePortGroup),
		"HostNetworkSystem.RemovePortGroup":     method(s.removePortGroup),
		"HostNetworkSystem.AddVirtualSwitch":    method(s.addVirtualSwitch),
		"HostNetworkSystem.UpdateVirtualSwitch": method(s.updateVirtualSwitch),
		"HostNetworkSystem.RemoveVirtualSwitch": method(s.removeVirtualSwitch),

		"DistributedVirtualSwitchManager.QueryAvailableDvsSpec": method(s.queryAvailableSwitches),

		"Folder.CreateDVS_Task":                           method(s.createDistributedSwitch),
		"DistributedVirtualSwitch.ReconfigureDvs_Task":    method(s.reconfigureDistributedSwitch),
		"DistributedVirtualSwitch.Destroy_Task":           method(s.destroyDistributedSwitch),
		"DistributedVirtualSwitch.FetchDVPorts":           method(s.fetchPorts),
		"DistributedVirtualSwitch.AddDVPortgroup_Task":    method(s.addDistributedGroups),
		"DistributedVirtualSwitch.CreateDVPortgroup_Task": method(s.createDistributedGroup),

		"DistributedVirtualPortgroup.ReconfigureDVPortgroup_Task": method(s.reconfigureDistributedGroup),
		"DistributedVirtualPortgroup.Destroy_Task":                method(s.destroyDistributedGroup),
	}
}

func (s *Server) queryAvailableSwitches(*simulator.Context, *types.QueryAvailableDvsSpec) (soap.HasFault, types.BaseMethodFault) {
	var products []types.DistributedVirtualSwitchProductSpec
	for _, version := range switchVersions {
		products = append(products, switchProduct(version))
	}
	return &methods.QueryAvailableDvsSpecBody{Res: &types.QueryAvailableDvsSpecResponse{Returnval: products}}, nil
}

func (s *Server) createDistributedSwitch(ctx *simulator.Context, request *types.CreateDVS_Task) (soap.HasFault, types.BaseMethodFault) {
	folder := s.registry.Get(request.This).(*simulator.Folder)
	return s.task(ctx, folder.Self, "CreateDVS_Task", func(by cause) (types.AnyType, types.BaseMethodFault) {
		made, fault := s.makeDistributedSwitch(by, folder, &request.Spec)
		if fault != nil {
			return nil, fault
		}
		s.post(by, &types.DvsCreatedEvent{DvsEvent: s.switchEvent(made.Self),
			Parent: types.FolderEventArgument{EntityEventArgument: types.EntityEventArgument{Name: folder.Name}, Folder: folder.Self}})
		return made.Self, nil
	})
}

// makeDistributedSwitch creates a switch, its uplink port group and its members.
func (s *Server) makeDistributedSwitch(by cause, folder *simulator.Folder, spec *types.DVSCreateSpec) (*simulator.DistributedVirtualSwitch, types.BaseMethodFault) {
	if !slices.Contains(folder.ChildType, "DistributedVirtualSwitch") {
		return nil, notSupported("This folder cannot contain distributed switches.")
	}
	asked := spec.ConfigSpec.GetDVSConfigSpec()
	product := switchProduct(switchVersions[0])
	if spec.ProductInfo != nil && spec.ProductInfo.Version != "" {
		product = switchProduct(spec.ProductInfo.Version)
	}
	if !slices.Contains(switchVersions, product.Version) {
		return nil, vim.InvalidArgumentf("spec.productInfo.version", "%q is not one of %v.", product.Version, switchVersions)
	}
	made := &simulator.DistributedVirtualSwitch{}
	made.Name, made.Uuid = escaped(asked.Name), uuid.NewString()
	made.Entity().Name = made.Name
	made.Summary = types.DVSSummary{Name: made.Name, Uuid: made.Uuid, ProductInfo: &product, Description: asked.Description}
	initial := &types.VMwareDVSConfigInfo{MaxMtu: defaultMTU, LacpApiVersion: "multipleLag", MulticastFilteringMode: "snooping",
		LinkDiscoveryProtocolConfig: &types.LinkDiscoveryProtocolConfig{Protocol: "cdp", Operation: "listen"},
		IpfixConfig:                 &types.VMwareIpfixConfig{ActiveFlowTimeout: 60, IdleFlowTimeout: 15, SamplingRate: 4096}, // API: "Default"
		DVSConfigInfo: types.DVSConfigInfo{Uuid: made.Uuid, Name: made.Name, ConfigVersion: "0", ProductInfo: product,
			DefaultPortConfig: defaultSetting(), Policy: &types.DVSPolicy{AutoPreInstallAllowed: types.NewBool(false)},
			UplinkPortPolicy: &types.DVSNameArrayUplinkPortPolicy{UplinkPortName: []string{uplinkName}}}}
	info, fault := mergedSwitch(initial, spec.ConfigSpec)
	if fault != nil {
		return nil, fault
	}
	made.Config = info
	release, fault := s.takeName(folder.Self, made.Name)
	if fault != nil {
		return nil, fault
	}
	defer release()
	s.registry.NewEntity(made)
	s.addChild(folder, made)
	if fault := s.addUplinks(by, made); fault != nil {
		return nil, fault
	}
	return made, s.changeHosts(by, made, asked.Host)
}

func (s *Server) addUplinks(by cause, made *simulator.DistributedVirtualSwitch) types.BaseMethodFault {
	groups, fault := s.makeDistributedGroups(by, made, []types.DVPortgroupConfigSpec{{
		Name: made.Name + "-DVUplinks" + strings.TrimPrefix(made.Self.Value, "dvs"), Type: earlyBinding,
		DefaultPortConfig: &types.VMwareDVSPortSetting{Vlan: &types.VmwareDistributedVirtualSwitchTrunkVlanSpec{
			VlanId: []types.NumericRange{{Start: 0, End: highestVLAN}}}}}})
	if fault != nil {
		return fault
	}
	uplinks := groups[0]
	s.update(uplinks, set("config.uplink", true),
		set("tag", []types.Tag{{Key: "SYSTEM/DVS.UPLINKPG"}})) // as vCenter marks it
	s.editSwitch(made, func(info *types.VMwareDVSConfigInfo) { info.UplinkPortgroup = []ref{uplinks.Self} })
	return nil
}

// editSwitch publishes a changed copy of a switch's configuration.
func (s *Server) editSwitch(edited *simulator.DistributedVirtualSwitch, change func(*types.VMwareDVSConfigInfo)) {
	info := *edited.Config.(*types.VMwareDVSConfigInfo)
	change(&info)
	s.update(edited, set("config", &info))
}

// reconfigureDistributedSwitch changes what the specification gives. ("configVersion: This property is required in
// reconfiguration": API, DVSConfigSpec; what vCenter answers without one is unconfirmed.)
func (s *Server) reconfigureDistributedSwitch(ctx *simulator.Context, request *types.ReconfigureDvs_Task) (soap.HasFault, types.BaseMethodFault) {
	changed := s.registry.Get(request.This).(*simulator.DistributedVirtualSwitch)
	return s.task(ctx, changed.Self, "ReconfigureDvs_Task", func(by cause) (types.AnyType, types.BaseMethodFault) {
		s.networks.mu.Lock()
		defer s.networks.mu.Unlock()
		spec := request.Spec.GetDVSConfigSpec()
		old := changed.Config.(*types.VMwareDVSConfigInfo)
		if fault := requireVersion(spec.ConfigVersion, old.ConfigVersion); fault != nil {
			return nil, fault
		}
		if name := escaped(spec.Name); name != "" && name != changed.Name {
			return nil, notSupported("The lab does not rename distributed switches.")
		}
		info, fault := mergedSwitch(old, request.Spec)
		if fault != nil {
			return nil, fault
		}
		if fault := s.changeHosts(by, changed, spec.Host); fault != nil {
			return nil, fault
		}
		s.editSwitch(changed, func(now *types.VMwareDVSConfigInfo) {
			info.Host = now.Host
			*now = *info
		})
		s.post(by, &types.DvsReconfiguredEvent{DvsEvent: s.switchEvent(changed.Self), ConfigSpec: request.Spec})
		return nil, nil
	})
}

func mergedSwitch(old *types.VMwareDVSConfigInfo, asked types.BaseDVSConfigSpec) (*types.VMwareDVSConfigInfo, types.BaseMethodFault) {
	merged, spec := *old, asked.GetDVSConfigSpec()
	setting, fault := mergedSetting(old.DefaultPortConfig.(*types.VMwareDVSPortSetting), spec.DefaultPortConfig)
	if fault != nil {
		return nil, fault
	}
	merged.DefaultPortConfig, merged.ConfigVersion = setting, nextVersion(old.ConfigVersion)
	merged.Description, merged.SwitchIpAddress = orDefault(spec.Description, old.Description), orDefault(spec.SwitchIpAddress, old.SwitchIpAddress)
	if spec.Contact != nil {
		merged.Contact = *spec.Contact
	}
	if spec.UplinkPortPolicy != nil {
		merged.UplinkPortPolicy = spec.UplinkPortPolicy
	}
	vmware, ok := asked.(*types.VMwareDVSConfigSpec)
	if !ok {
		return &merged, nil
	}
	if len(vmware.PvlanConfigSpec) > 0 {
		return nil, notSupported("The lab has no private VLANs.")
	}
	if vmware.MaxMtu != 0 {
		if fault := requireMTU("spec.maxMtu", vmware.MaxMtu); fault != nil {
			return nil, fault
		}
		merged.MaxMtu = vmware.MaxMtu
	}
	merged.LinkDiscoveryProtocolConfig = orElse(vmware.LinkDiscoveryProtocolConfig, old.LinkDiscoveryProtocolConfig)
	merged.IpfixConfig = orElse(vmware.IpfixConfig, old.IpfixConfig)
	merged.MulticastFilteringMode = orDefault(vmware.MulticastFilteringMode, old.MulticastFilteringMode)
	return &merged, nil
}

// changeHosts adds hosts to a switch and removes them. ("ResourceInUse: if the operation is to remove a host from the switch
// and it has VMs on it"; "AlreadyExists", "NotFound".)
func (s *Server) changeHosts(by cause, changed *simulator.DistributedVirtualSwitch, members []types.DistributedVirtualSwitchHostMemberConfigSpec) types.BaseMethodFault {
	for _, member := range members {
		host, ok := s.registry.Get(member.Host).(*simulator.HostSystem)
		if !ok {
			return &types.ManagedObjectNotFound{Obj: member.Host}
		}
		isMember := slices.Contains(changed.Summary.HostMember, host.Self)
		switch operation := types.ConfigSpecOperation(member.Operation); {
		case operation == types.ConfigSpecOperationAdd && isMember:
			return &types.AlreadyExists{Name: host.Name}
		case operation != types.ConfigSpecOperationAdd && !isMember:
			return &types.NotFound{}
		case operation == types.ConfigSpecOperationAdd:
			s.showMember(changed, host, vim.With)
			s.post(by, &types.DvsHostJoinedEvent{DvsEvent: s.switchEvent(changed.Self), HostJoined: s.hostArgument(host.Self)})
		case operation == types.ConfigSpecOperationRemove:
			if fault := s.requireUnused(changed, host); fault != nil {
				return fault
			}
			s.showMember(changed, host, vim.Without)
			s.post(by, &types.DvsHostLeftEvent{DvsEvent: s.switchEvent(changed.Self), HostLeft: s.hostArgument(host.Self)})
		}
	}
	return nil
}

// showMember publishes that a host has the switch and its port groups, or has them no more.
func (s *Server) showMember(changed *simulator.DistributedVirtualSwitch, host *simulator.HostSystem, change func([]ref, ref) []ref) {
	networks := host.Network
	for _, reference := range changed.Portgroup {
		group := s.registry.Get(reference).(*simulator.DistributedVirtualPortgroup)
		s.update(group, set("host", change(group.Host, host.Self)))
		networks = change(networks, reference)
	}
	s.showNetworks(host, networks)
	members := change(changed.Summary.HostMember, host.Self)
	var configured []types.DistributedVirtualSwitchHostMember
	for n := range members {
		configured = append(configured, types.DistributedVirtualSwitchHostMember{Status: string(types.DistributedVirtualSwitchHostMemberHostComponentStateUp),
			Config: types.DistributedVirtualSwitchHostMemberConfigInfo{Host: &members[n], MaxProxySwitchPorts: 512,
				Backing: &types.DistributedVirtualSwitchHostMemberPnicBacking{}}})
	}
	s.update(changed, set("summary.hostMember", members))
	s.editSwitch(changed, func(info *types.VMwareDVSConfigInfo) { info.Host = configured })
}

func (s *Server) requireUnused(changed *simulator.DistributedVirtualSwitch, host *simulator.HostSystem) types.BaseMethodFault {
	for _, reference := range changed.Portgroup {
		if len(s.connectedTo(reference, host)) > 0 {
			return &types.ResourceInUse{Type: "DistributedVirtualPortgroup", Name: s.nameOf(reference)}
		}
	}
	return nil
}

func (s *Server) destroyDistributedSwitch(ctx *simulator.Context, request *types.Destroy_Task) (soap.HasFault, types.BaseMethodFault) {
	gone := s.registry.Get(request.This).(*simulator.DistributedVirtualSwitch)
	return s.task(ctx, gone.Self, "Destroy_Task", func(by cause) (types.AnyType, types.BaseMethodFault) {
		s.networks.mu.Lock()
		defer s.networks.mu.Unlock()
		if fault := s.requireUnused(gone, nil); fault != nil {
			return nil, fault
		}
		event := &types.DvsDestroyedEvent{DvsEvent: s.switchEvent(gone.Self)}
		for _, reference := range slices.Clone(gone.Portgroup) {
			s.dropDistributedGroup(s.registry.Get(reference).(*simulator.DistributedVirtualPortgroup))
		}
		s.removeChild(gone)
		s.post(by, event)
		return nil, nil
	})
}

func (s *Server) switchEvent(reference ref) types.DvsEvent {
	name := s.nameOf(reference)
	datacenter := s.datacenterOf(reference)
	return types.DvsEvent{Event: types.Event{
		Datacenter: &types.DatacenterEventArgument{EntityEventArgument: types.EntityEventArgument{Name: datacenter.Name}, Datacenter: datacenter.Self},
		Dvs:        &types.DvsEventArgument{EntityEventArgument: types.EntityEventArgument{Name: name}, Dvs: reference}}}
}

// addDistributedSwitches creates the configured switches, their port groups, and the port groups of the segments of NSX.
func (s *Server) addDistributedSwitches() types.BaseMethodFault {
	folder := s.registry.Get(s.site.datacenter.NetworkFolder).(*simulator.Folder)
	for _, wanted := range s.config.Distributed {
		spec := types.DVSConfigSpec{Name: wanted.Switch}
		for _, host := range s.site.hosts {
			spec.Host = append(spec.Host, types.DistributedVirtualSwitchHostMemberConfigSpec{
				Operation: string(types.ConfigSpecOperationAdd), Host: host.Self})
		}
		made, fault := s.makeDistributedSwitch(cause{}, folder, &types.DVSCreateSpec{ConfigSpec: &types.VMwareDVSConfigSpec{DVSConfigSpec: spec}})
		if fault != nil {
			return fault
		}
		var groups []types.DVPortgroupConfigSpec
		for index, name := range wanted.PortGroups {
			groups = append(groups, types.DVPortgroupConfigSpec{Name: name, NumPorts: 8, Type: earlyBinding, DefaultPortConfig: &types.VMwareDVSPortSetting{
				Vlan: &types.VmwareDistributedVirtualSwitchVlanIdSpec{VlanId: configuredVLAN(index)}}})
		}
		for _, name := range s.config.Segments {
			groups = append(groups, types.DVPortgroupConfigSpec{Name: name, NumPorts: 8, Type: earlyBinding,
				BackingType: string(types.DistributedVirtualPortgroupBackingTypeNsx)})
		}
		if _, fault = s.makeDistributedGroups(cause{}, made, groups); fault != nil {
			return fault
		}
	}
	return nil
}
