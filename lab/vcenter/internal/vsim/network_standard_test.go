// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"slices"
	"testing"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

func (l *lab) networkSystem(host string) *object.HostNetworkSystem {
	l.Helper()
	found := must(l.finder.HostSystem(l.Context(), host))(l)
	return must(found.ConfigManager().NetworkSystem(l.Context()))(l)
}

func portGroup(name string, vlan int32) types.HostPortGroupSpec {
	return types.HostPortGroupSpec{Name: name, VswitchName: "vSwitch0", VlanId: vlan}
}

func (l *lab) addPortGroup(host string, spec types.HostPortGroupSpec) {
	l.Helper()
	if err := l.networkSystem(host).AddPortGroup(l.Context(), spec); err != nil {
		l.Fatal(err)
	}
}

// portGroupsOf returns the port groups that a host's configuration lists, by name.
func (l *lab) portGroupsOf(host string) map[string]types.HostPortGroup {
	l.Helper()
	var read mo.HostSystem
	found := must(l.finder.HostSystem(l.Context(), host))(l)
	if err := found.Properties(l.Context(), found.Reference(), []string{"config.network"}, &read); err != nil {
		l.Fatal(err)
	}
	groups := map[string]types.HostPortGroup{}
	for _, group := range read.Config.Network.Portgroup {
		groups[group.Spec.Name] = group
	}
	return groups
}

// networkNamed returns the hosts of a network; nil if there is none of this name.
func (l *lab) networkNamed(name string) *mo.Network {
	l.Helper()
	found, err := l.finder.Network(l.Context(), name)
	if err != nil {
		return nil
	}
	var read mo.Network
	if err := l.client.RetrieveOne(l.Context(), found.Reference(), nil, &read); err != nil {
		l.Fatal(err)
	}
	return &read
}

func TestAStandardPortGroupOfSeveralHostsIsOneNetwork(t *testing.T) {
	l := newLab(t)
	l.addPortGroup("esx1", portGroup("web", 20))
	l.addPortGroup("esx2", portGroup("web", 20))
	network := l.networkNamed("web")
	if network == nil || len(network.Host) != 2 {
		t.Fatalf("network %+v", network)
	}
	for _, host := range []string{"esx1", "esx2"} {
		group, there := l.portGroupsOf(host)["web"]
		if !there || group.Spec.VlanId != 20 || group.ComputedPolicy.Security == nil || *group.ComputedPolicy.Security.AllowPromiscuous {
			t.Errorf("%s has %+v", host, group)
		}
	}
	if _, there := l.portGroupsOf("esx3")["web"]; there {
		t.Error("esx3 has the port group")
	}
	// A VM on a host that has it is connected to it, and to the segment of its VLAN.
	vm := l.create(l.spec("web", scsi(), newDisk(gib), card("web", "")))
	l.result(vm.PowerOn(t.Context()))
	if nic := l.guests.lastStarted().NICs[0]; nic.Network != "vSwitch0 VLAN 20" {
		t.Errorf("connected to %q", nic.Network)
	}
}

func TestStandardPortGroupsAreRefusedAsOnAHost(t *testing.T) {
	l := newLab(t)
	system := l.networkSystem("esx1")
	l.addPortGroup("esx1", portGroup("web", 20))
	isFault[types.AlreadyExists](l, l.faultOf(system.AddPortGroup(t.Context(), portGroup("web", 20))))
	isFault[types.NotFound](l, l.faultOf(system.AddPortGroup(t.Context(), types.HostPortGroupSpec{Name: "x", VswitchName: "vSwitch9"})))
	for _, vlan := range []int32{-1, 4096} {
		isFault[types.InvalidArgument](l, l.faultOf(system.AddPortGroup(t.Context(), portGroup("x", vlan))))
	}
	isFault[types.NotFound](l, l.faultOf(system.UpdatePortGroup(t.Context(), "none", portGroup("none", 1))))
	isFault[types.NotFound](l, l.faultOf(system.RemovePortGroup(t.Context(), "none")))
	if l.networkNamed("x") != nil || l.networkNamed("web") == nil {
		t.Error("a refused call has changed the networks")
	}
}

func TestAStandardPortGroupIsUpdated(t *testing.T) {
	l := newLab(t)
	l.addPortGroup("esx1", portGroup("web", 20))
	spec := portGroup("web", 21)
	spec.Policy.Security = &types.HostNetworkSecurityPolicy{AllowPromiscuous: types.NewBool(true)}
	if err := l.networkSystem("esx1").UpdatePortGroup(t.Context(), "web", spec); err != nil {
		t.Fatal(err)
	}
	group := l.portGroupsOf("esx1")["web"]
	if group.Spec.VlanId != 21 || !*group.ComputedPolicy.Security.AllowPromiscuous || !*group.ComputedPolicy.Security.ForgedTransmits {
		t.Errorf("group %+v", group)
	}
}

func TestASettingOfAStandardPortGroupIsInheritedByItself(t *testing.T) {
	inherited := defaultHostPolicy()
	empty := computedPolicy(inherited, &types.HostNetworkPolicy{})
	if *empty.Security.MacChanges != true || empty.NicTeaming.Policy != "loadbalance_srcid" || *empty.ShapingPolicy.Enabled {
		t.Errorf("computed %+v", empty)
	}
	own := types.HostNetworkPolicy{Security: &types.HostNetworkSecurityPolicy{AllowPromiscuous: types.NewBool(true)},
		NicTeaming: &types.HostNicTeamingPolicy{NotifySwitches: types.NewBool(false)}}
	computed := computedPolicy(inherited, &own)
	if !*computed.Security.AllowPromiscuous || !*computed.Security.MacChanges {
		t.Errorf("security %+v", computed.Security)
	}
	if *computed.NicTeaming.NotifySwitches || !*computed.NicTeaming.ReversePolicy || computed.NicTeaming.Policy != "loadbalance_srcid" {
		t.Errorf("teaming %+v", computed.NicTeaming)
	}
	// What is not set is shown as empty, not as missing.
	shown := completePolicy(own)
	if shown.Security.MacChanges != nil || shown.NicTeaming.FailureCriteria == nil || shown.OffloadPolicy == nil || shown.ShapingPolicy == nil {
		t.Errorf("shown %+v", shown)
	}
}

func TestAStandardPortGroupInUseStays(t *testing.T) {
	l := newLab(t)
	l.addPortGroup("esx1", portGroup("web", 20))
	vm := l.create(l.spec("web", scsi(), newDisk(gib), card("web", "")))
	l.result(vm.PowerOn(t.Context()))
	used := isFault[types.ResourceInUse](l, l.faultOf(l.networkSystem("esx1").RemovePortGroup(t.Context(), "web")))
	if used.Name != "web" {
		t.Errorf("fault %+v", used)
	}
	// On another host, nothing uses it; the network stays with the first one.
	l.addPortGroup("esx2", portGroup("web", 20))
	if err := l.networkSystem("esx2").RemovePortGroup(t.Context(), "web"); err != nil {
		t.Fatal(err)
	}
	if network := l.networkNamed("web"); network == nil || len(network.Host) != 1 {
		t.Errorf("network %+v", network)
	}
	l.result(vm.PowerOff(t.Context()))
	l.result(vm.Destroy(t.Context()))
	if err := l.networkSystem("esx1").RemovePortGroup(t.Context(), "web"); err != nil {
		t.Fatal(err)
	}
	if l.networkNamed("web") != nil {
		t.Error("the network is still there")
	}
}

func TestARunningVMFollowsTheVLANOfItsPortGroup(t *testing.T) {
	l := newLab(t)
	l.addPortGroup("esx1", portGroup("web", 20))
	vm := l.create(l.spec("web", scsi(), newDisk(gib), card("web", "")))
	l.result(vm.PowerOn(t.Context()))
	if err := l.networkSystem("esx1").UpdatePortGroup(t.Context(), "web", portGroup("web", 30)); err != nil {
		t.Fatal(err)
	}
	if nics := l.guests.connected(vm.Reference().Value); !slices.Equal(nics, []string{"vSwitch0 VLAN 30"}) {
		t.Errorf("connected to %v", nics)
	}
}

func TestAVirtualSwitchIsChanged(t *testing.T) {
	l := newLab(t)
	system := l.networkSystem("esx1")
	spec := types.HostVirtualSwitchSpec{NumPorts: 128, Mtu: 9000}
	if err := system.UpdateVirtualSwitch(t.Context(), "vSwitch0", spec); err != nil {
		t.Fatal(err)
	}
	isFault[types.NotFound](l, l.faultOf(system.UpdateVirtualSwitch(t.Context(), "vSwitch9", spec)))
	spec.Mtu = 500
	isFault[types.InvalidArgument](l, l.faultOf(system.UpdateVirtualSwitch(t.Context(), "vSwitch0", spec)))
	isFault[types.AlreadyExists](l, l.faultOf(system.AddVirtualSwitch(t.Context(), "vSwitch0", nil)))
	isFault[types.ResourceInUse](l, l.faultOf(system.RemoveVirtualSwitch(t.Context(), "vSwitch0")))
	if err := system.AddVirtualSwitch(t.Context(), "vSwitch1", nil); err != nil {
		t.Fatal(err)
	}
	var read mo.HostSystem
	found := must(l.finder.HostSystem(t.Context(), "esx1"))(t)
	if err := found.Properties(t.Context(), found.Reference(), []string{"config.network"}, &read); err != nil {
		t.Fatal(err)
	}
	switches := read.Config.Network.Vswitch
	if len(switches) != 2 || switches[0].Mtu != 9000 || switches[1].Mtu != 1500 || !slices.Contains(switches[0].Portgroup, "key-vim.host.PortGroup-VM Network") {
		t.Errorf("switches %+v", switches)
	}
}
