// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"strings"
	"testing"

	"github.com/vmware/govmomi/event"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/config"
)

func (l *lab) distributedSwitch() *object.DistributedVirtualSwitch {
	l.Helper()
	return must(l.finder.Network(l.Context(), "DVS0"))(l).(*object.DistributedVirtualSwitch)
}

func vlan(id int32) *types.VMwareDVSPortSetting {
	return &types.VMwareDVSPortSetting{Vlan: &types.VmwareDistributedVirtualSwitchVlanIdSpec{VlanId: id}}
}

func trunk(ranges ...types.NumericRange) *types.VMwareDVSPortSetting {
	return &types.VMwareDVSPortSetting{Vlan: &types.VmwareDistributedVirtualSwitchTrunkVlanSpec{VlanId: ranges}}
}

func distributedGroup(name string, setting *types.VMwareDVSPortSetting) types.DVPortgroupConfigSpec {
	return types.DVPortgroupConfigSpec{Name: name, NumPorts: 8, Type: "earlyBinding", DefaultPortConfig: setting}
}

func (l *lab) addDistributed(specs ...types.DVPortgroupConfigSpec) types.BaseMethodFault {
	l.Helper()
	return l.refusal(l.distributedSwitch().AddPortgroup(l.Context(), specs))
}

func (l *lab) distributedNamed(name string) (*object.DistributedVirtualPortgroup, types.DVPortgroupConfigInfo) {
	l.Helper()
	found := must(l.finder.Network(l.Context(), name))(l).(*object.DistributedVirtualPortgroup)
	var read mo.DistributedVirtualPortgroup
	if err := l.client.RetrieveOne(l.Context(), found.Reference(), nil, &read); err != nil {
		l.Fatal(err)
	}
	return found, read.Config
}

func TestADistributedPortGroupHasAllSettings(t *testing.T) {
	l := newLab(t)
	l.result(l.distributedSwitch().AddPortgroup(t.Context(), []types.DVPortgroupConfigSpec{distributedGroup("web", vlan(20))}))
	_, config := l.distributedNamed("web")
	setting := config.DefaultPortConfig.(*types.VMwareDVSPortSetting)
	if setting.Vlan.(*types.VmwareDistributedVirtualSwitchVlanIdSpec).VlanId != 20 {
		t.Errorf("VLAN %+v", setting.Vlan)
	}
	// The defaults of a distributed switch: all three are rejected.
	if security := setting.SecurityPolicy; security == nil || *security.ForgedTransmits.Value || *security.MacChanges.Value || *security.AllowPromiscuous.Value {
		t.Errorf("security %+v", security)
	}
	if mac := setting.MacManagementPolicy; mac == nil || *mac.ForgedTransmits {
		t.Errorf("MAC management %+v", mac)
	}
	if config.ConfigVersion == "" || config.Policy == nil {
		t.Errorf("config %+v", config)
	}
}

func TestDistributedPortGroupsAreRefusedAsInVCenter(t *testing.T) {
	l := newLab(t)
	for _, setting := range []*types.VMwareDVSPortSetting{vlan(4095), vlan(5000), vlan(-1), trunk(types.NumericRange{Start: 1, End: 4095}),
		trunk(types.NumericRange{Start: 20, End: 10})} {
		isFault[types.InvalidArgument](l, l.addDistributed(distributedGroup("web", setting)))
	}
	isFault[types.InvalidArgument](l, l.addDistributed(types.DVPortgroupConfigSpec{Name: "web", Type: "dynamic"}))
	// Names are unique in the folder of networks, across switches and kinds.
	isFault[types.DuplicateName](l, l.addDistributed(distributedGroup("VM Network", nil)))
	isFault[types.DuplicateName](l, l.addDistributed(distributedGroup("DPG0", nil)))
	isFault[types.InvalidName](l, l.addDistributed(distributedGroup("", nil)))
	if l.networkNamed("web") != nil {
		t.Error("a refused call has created the port group")
	}
}

func TestAReconfigurationOfADistributedPortGroupIsMerged(t *testing.T) {
	l := newLab(t)
	l.result(l.distributedSwitch().AddPortgroup(t.Context(), []types.DVPortgroupConfigSpec{distributedGroup("web", vlan(20))}))
	group, before := l.distributedNamed("web")
	stale := types.DVPortgroupConfigSpec{ConfigVersion: "99", DefaultPortConfig: vlan(21)}
	isFault[types.ConcurrentAccess](l, l.refusal(group.Reconfigure(t.Context(), stale)))
	for _, wrong := range []types.DVPortgroupConfigSpec{{DefaultPortConfig: vlan(21)}, {ConfigVersion: before.ConfigVersion, DefaultPortConfig: vlan(4095)}} {
		isFault[types.InvalidArgument](l, l.refusal(group.Reconfigure(t.Context(), wrong)))
	}
	l.result(group.Reconfigure(t.Context(), types.DVPortgroupConfigSpec{ConfigVersion: before.ConfigVersion, DefaultPortConfig: &types.VMwareDVSPortSetting{
		MacManagementPolicy: &types.DVSMacManagementPolicy{AllowPromiscuous: types.NewBool(true)},
		UplinkTeamingPolicy: &types.VmwareUplinkPortTeamingPolicy{Policy: &types.StringPolicy{Value: "failover_explicit"}}}}))
	_, after := l.distributedNamed("web")
	setting := after.DefaultPortConfig.(*types.VMwareDVSPortSetting)
	if setting.Vlan.(*types.VmwareDistributedVirtualSwitchVlanIdSpec).VlanId != 20 || after.NumPorts != 8 || after.Name != "web" {
		t.Errorf("not given, and changed: %+v %+v", setting, after)
	}
	if teaming := setting.UplinkTeamingPolicy; teaming.Policy.Value != "failover_explicit" || teaming.ReversePolicy == nil || len(teaming.UplinkPortOrder.ActiveUplinkPort) != 1 {
		t.Errorf("teaming %+v", teaming)
	}
	if !*setting.MacManagementPolicy.AllowPromiscuous || *setting.MacManagementPolicy.MacChanges || !*setting.SecurityPolicy.AllowPromiscuous.Value {
		t.Errorf("policies %+v %+v", setting.MacManagementPolicy, setting.SecurityPolicy)
	}
	if after.ConfigVersion == before.ConfigVersion {
		t.Error("the version is the same")
	}
}

func (l *lab) onDistributed(name string) types.BaseVirtualDeviceConfigSpec {
	l.Helper()
	group, _ := l.distributedNamed(name)
	backing := must(group.EthernetCardBackingInfo(l.Context()))(l)
	device := must(object.EthernetCardTypes().CreateEthernetCard("vmxnet3", backing))(l)
	return &types.VirtualDeviceConfigSpec{Operation: types.VirtualDeviceConfigSpecOperationAdd, Device: device}
}

func TestAPortIsConnectedByTheKeyOfItsGroup(t *testing.T) {
	l := newLab(t)
	group, config := l.distributedNamed("DPG0")
	moid := group.Reference().Value
	if config.Key == moid {
		t.Fatalf("the key %s is the MoID", moid)
	}
	wrong := l.onDistributed("DPG0")
	backing := wrong.GetVirtualDeviceConfigSpec().Device.GetVirtualDevice().Backing.(*types.VirtualEthernetCardDistributedVirtualPortBackingInfo)
	backing.Port.PortgroupKey = moid
	refused := isFault[types.InvalidDeviceSpec](l, l.refusal(l.folder.CreateVM(t.Context(), l.spec("wrong", scsi(), wrong), l.pool, nil)))
	if !strings.HasSuffix(refused.Property, "port.portgroupKey") {
		t.Errorf("fault %+v", refused)
	}
	vm := l.create(l.spec("web", scsi(), newDisk(gib), l.onDistributed("DPG0")))
	if networks := l.read(vm).Network; len(networks) != 1 || networks[0] != group.Reference() {
		t.Errorf("networks %v", networks)
	}
}

func TestSegmentsOfNSXHaveAPortGroupOfTheSameNameOnEachSwitch(t *testing.T) {
	l := newLab(t, func(c *config.Config) {
		c.Distributed = append(c.Distributed, config.Distributed{Switch: "DVS1"})
		c.Segments = []string{"tenant"}
	})
	groups := must(l.finder.NetworkList(t.Context(), "tenant"))(t)
	if len(groups) != 2 || groups[0].Reference() == groups[1].Reference() || groups[0].GetInventoryPath() != groups[1].GetInventoryPath() {
		t.Fatalf("port groups %v", groups)
	}
	card := must(object.EthernetCardTypes().CreateEthernetCard("vmxnet3", must(groups[1].EthernetCardBackingInfo(t.Context()))(l)))(l)
	add := &types.VirtualDeviceConfigSpec{Operation: types.VirtualDeviceConfigSpecOperationAdd, Device: card}
	vm := l.create(l.spec("web", scsi(), newDisk(gib), add))
	if networks := l.read(vm).Network; len(networks) != 1 || networks[0] != groups[1].Reference() {
		t.Errorf("networks %v", networks)
	}
	// Only the port group of the other switch is free.
	isFault[types.ResourceInUse](l, l.refusal(groups[1].(*object.DistributedVirtualPortgroup).Destroy(t.Context())))
	l.result(vm.PowerOn(t.Context()))
	if nic := l.guests.lastStarted().NICs[0]; nic.Network != "NSX tenant" {
		t.Errorf("connected to %q", nic.Network)
	}
	l.result(groups[0].(*object.DistributedVirtualPortgroup).Destroy(t.Context()))
}

func TestADistributedPortGroupInUseStays(t *testing.T) {
	l := newLab(t)
	l.result(l.distributedSwitch().AddPortgroup(t.Context(), []types.DVPortgroupConfigSpec{distributedGroup("web", vlan(20))}))
	vm := l.create(l.spec("web", scsi(), newDisk(gib), l.onDistributed("web")))
	port := cardsOf(l.read(vm).Config.Hardware.Device)[0].Backing.(*types.VirtualEthernetCardDistributedVirtualPortBackingInfo).Port
	if port.PortKey == "" || port.ConnectionCookie == 0 {
		t.Errorf("port %+v", port)
	}
	connected := types.DistributedVirtualSwitchPortCriteria{Connected: types.NewBool(true), PortgroupKey: []string{port.PortgroupKey}, Inside: types.NewBool(true)}
	fetched := must(l.distributedSwitch().FetchDVPorts(t.Context(), &connected))(t)
	if len(fetched) != 1 || fetched[0].Key != port.PortKey || *fetched[0].Connectee.ConnectedEntity != vm.Reference() {
		t.Errorf("ports %+v", fetched)
	}
	group, config := l.distributedNamed("web")
	// The port is bound when the VM is connected, whether it runs or not.
	if used := isFault[types.ResourceInUse](l, l.refusal(group.Destroy(t.Context()))); used.Name != "web" {
		t.Errorf("fault %+v", used)
	}
	isFault[types.ResourceInUse](l, l.refusal(l.distributedSwitch().Destroy(t.Context())))
	l.result(vm.PowerOn(t.Context()))
	if nic := l.guests.lastStarted().NICs[0]; nic.Network != "DVS0 VLAN 20" {
		t.Errorf("connected to %q", nic.Network)
	}
	l.result(group.Reconfigure(t.Context(), types.DVPortgroupConfigSpec{ConfigVersion: config.ConfigVersion, DefaultPortConfig: vlan(30)}))
	if nics := l.guests.connected(vm.Reference().Value); len(nics) != 1 || nics[0] != "DVS0 VLAN 30" {
		t.Errorf("connected to %v", nics)
	}
	l.result(vm.PowerOff(t.Context()))
	l.result(vm.Destroy(t.Context()))
	l.result(group.Destroy(t.Context()))
	for _, host := range l.server.site.hosts {
		for _, network := range host.Network {
			if network == group.Reference() {
				t.Errorf("%s still has the port group", host.Name)
			}
		}
	}
}

func TestATrunkIsNotCarried(t *testing.T) {
	l := newLab(t)
	all := distributedGroup("all", trunk(types.NumericRange{Start: 1, End: 9}))
	l.result(l.distributedSwitch().AddPortgroup(t.Context(), []types.DVPortgroupConfigSpec{all}))
	isFault[types.NotSupported](l, l.refusal(l.folder.CreateVM(t.Context(), l.spec("web", scsi(), l.onDistributed("all")), l.pool, nil)))
	_, config := l.distributedNamed("all")
	if ranges := config.DefaultPortConfig.(*types.VMwareDVSPortSetting).Vlan.(*types.VmwareDistributedVirtualSwitchTrunkVlanSpec).VlanId; len(ranges) != 1 {
		t.Errorf("ranges %+v", ranges)
	}
}

func TestADistributedSwitchIsCreatedWithUplinks(t *testing.T) {
	l := newLab(t)
	folder := must(l.dc.Folders(t.Context()))(t).NetworkFolder
	manager := *l.client.ServiceContent.DvSwitchManager
	specs, err := methods.QueryAvailableDvsSpec(t.Context(), l.client, &types.QueryAvailableDvsSpec{This: manager})
	if err != nil || len(specs.Returnval) == 0 {
		t.Fatal(specs, err)
	}
	spec := types.DVSCreateSpec{ProductInfo: &specs.Returnval[0], ConfigSpec: &types.VMwareDVSConfigSpec{
		DVSConfigSpec: types.DVSConfigSpec{Name: "DVS1"}, MaxMtu: 9000}}
	l.result(folder.CreateDVS(t.Context(), spec))
	isFault[types.DuplicateName](l, l.refusal(folder.CreateDVS(t.Context(), spec)))
	made := must(l.finder.Network(t.Context(), "DVS1"))(t).(*object.DistributedVirtualSwitch)
	read := func() *types.VMwareDVSConfigInfo {
		var read mo.DistributedVirtualSwitch
		if err := made.Properties(t.Context(), made.Reference(), []string{"config"}, &read); err != nil {
			t.Fatal(err)
		}
		return read.Config.(*types.VMwareDVSConfigInfo)
	}
	config := read()
	if config.LinkDiscoveryProtocolConfig.Protocol != "cdp" || config.IpfixConfig.ActiveFlowTimeout != 60 || config.MulticastFilteringMode != "snooping" {
		t.Errorf("config %+v", config)
	}
	if len(config.UplinkPortgroup) != 1 || config.MaxMtu != 9000 || config.ConfigVersion == "" || config.DefaultPortConfig == nil {
		t.Errorf("config %+v", config)
	}
	var uplinks mo.DistributedVirtualPortgroup
	if err := l.client.RetrieveOne(t.Context(), config.UplinkPortgroup[0], nil, &uplinks); err != nil || !*uplinks.Config.Uplink {
		t.Errorf("uplinks %+v %v", uplinks.Config, err)
	}
	isFault[types.ResourceInUse](l, l.refusal(object.NewDistributedVirtualPortgroup(l.client.Client, uplinks.Self).Destroy(t.Context())))
	change := &types.VMwareDVSConfigSpec{DVSConfigSpec: types.DVSConfigSpec{ConfigVersion: "99"}, MaxMtu: 1500}
	isFault[types.ConcurrentAccess](l, l.refusal(made.Reconfigure(t.Context(), change)))
	change.ConfigVersion, change.MaxMtu = config.ConfigVersion, 500
	isFault[types.InvalidArgument](l, l.refusal(made.Reconfigure(t.Context(), change)))
	change.MaxMtu, change.MulticastFilteringMode = 1500, "legacyFiltering"
	host := *must(l.finder.HostSystem(t.Context(), "C0/esx1"))(t)
	member := types.DistributedVirtualSwitchHostMemberConfigSpec{Operation: string(types.ConfigSpecOperationAdd), Host: host.Reference()}
	change.Host = append(change.Host, member)
	l.result(made.Reconfigure(t.Context(), change))
	if now := read(); now.MulticastFilteringMode != "legacyFiltering" || now.IpfixConfig == nil || now.LinkDiscoveryProtocolConfig == nil {
		t.Errorf("config %+v", now)
	}
	if now := read(); now.MaxMtu != 1500 || now.Name != "DVS1" || now.ConfigVersion == config.ConfigVersion {
		t.Errorf("config %+v", now)
	}
	change.ConfigVersion, change.Host[0].Operation = read().ConfigVersion, string(types.ConfigSpecOperationRemove)
	l.result(made.Reconfigure(t.Context(), change))
	history := event.NewManager(l.client.Client)
	filter := types.EventFilterSpec{EventTypeId: []string{"DvsHostJoinedEvent", "DvsHostLeftEvent"}}
	newest := must(history.QueryEvents(t.Context(), filter))(t)[:2]
	left, joined := newest[0].(*types.DvsHostLeftEvent), newest[1].(*types.DvsHostJoinedEvent)
	if left.HostLeft.Name != "esx1" || joined.HostJoined.Host != host.Reference() || joined.Dvs.Name != "DVS1" || joined.UserName == "" {
		t.Errorf("events %+v %+v", left, joined)
	}
	l.result(made.Destroy(t.Context()))
}
