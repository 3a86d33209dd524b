// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package vsim

import (
	"slices"
	"testing"

	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// pools calls the IpPoolManager for the datacenter.
type pools struct {
	*lab
	manager, dc ref
}

func newPools(t *testing.T) pools {
	l := newLab(t)
	return pools{l, *l.client.ServiceContent.IpPoolManager, l.dc.Reference()}
}

func ipRangeOf(text string) *types.IpPoolIpPoolConfigInfo {
	return &types.IpPoolIpPoolConfigInfo{Range: text, IpPoolEnabled: types.NewBool(true)}
}

func (p pools) create(pool types.IpPool) (int32, error) {
	made, err := methods.CreateIpPool(p.Context(), p.client, &types.CreateIpPool{This: p.manager, Dc: p.dc, Pool: pool})
	if err != nil {
		return 0, err
	}
	return made.Returnval, nil
}

func (p pools) update(pool types.IpPool) error {
	_, err := methods.UpdateIpPool(p.Context(), p.client, &types.UpdateIpPool{This: p.manager, Dc: p.dc, Pool: pool})
	return err
}

func (p pools) destroy(id int32, force bool) error {
	_, err := methods.DestroyIpPool(p.Context(), p.client, &types.DestroyIpPool{This: p.manager, Dc: p.dc, Id: id, Force: force})
	return err
}

func (p pools) take(id int32, allocation string) string {
	p.Helper()
	request := &types.AllocateIpv4Address{This: p.manager, Dc: p.dc, PoolId: id, AllocationId: allocation}
	return must(methods.AllocateIpv4Address(p.Context(), p.client, request))(p).Returnval
}

func (p pools) one() types.IpPool {
	p.Helper()
	found := must(methods.QueryIpPools(p.Context(), p.client, &types.QueryIpPools{This: p.manager, Dc: p.dc}))(p).Returnval
	if len(found) != 1 {
		p.Fatalf("pools %+v", found)
	}
	return found[0]
}

func (p pools) allocations(id int32) []types.IpPoolManagerIpAllocation {
	p.Helper()
	request := &types.QueryIPAllocations{This: p.manager, Dc: p.dc, PoolId: id, ExtensionKey: testUser}
	return must(methods.QueryIPAllocations(p.Context(), p.client, request))(p).Returnval
}

func TestAddressesOfAnIPPoolAreAllocatedUntilNoneIsLeft(t *testing.T) {
	p := newPools(t)
	network := p.network.Reference()
	id := must(p.create(types.IpPool{Name: "front", Ipv4Config: ipRangeOf("192.0.2.254 # 3"), // two in this /24, and one after
		NetworkAssociation: []types.IpPoolAssociation{{Network: &network}}}))(t)
	if made := p.one(); made.Id != id || made.AvailableIpv4Addresses != 3 || made.Ipv6Config == nil || made.NetworkAssociation[0].NetworkName != "VM Network" {
		t.Errorf("pool %+v", made)
	}
	for _, want := range []struct{ id, address string }{{"a", "192.0.2.254"}, {"b", "192.0.2.255"}, {"a", "192.0.2.254"}, {"c", "192.0.3.0"}, {"d", ""}} {
		if got := p.take(id, want.id); got != want.address {
			t.Errorf("%s has %q instead of %q", want.id, got, want.address)
		}
	}
	if found := p.allocations(id); len(found) != 3 || found[1] != (types.IpPoolManagerIpAllocation{IpAddress: "192.0.2.255", AllocationId: "b"}) {
		t.Errorf("allocations %+v", found)
	}
	if used := p.one(); used.AllocatedIpv4Addresses != 3 || used.AvailableIpv4Addresses != 0 {
		t.Errorf("pool %+v", used)
	}
	release := &types.ReleaseIpAllocation{This: p.manager, Dc: p.dc, PoolId: id, AllocationId: "b"}
	if _, err := methods.ReleaseIpAllocation(t.Context(), p.client, release); err != nil {
		t.Fatal(err)
	}
	if got := p.take(id, "d"); got != "192.0.2.255" {
		t.Errorf("d has %q", got)
	}
	isFault[types.InvalidState](p.lab, p.faultOf(p.destroy(id, false)))
	// Addresses outside of the new range are free again.
	if err := p.update(types.IpPool{Id: id, Ipv4Config: ipRangeOf("192.0.2.255#1,192.0.2.10#2")}); err != nil {
		t.Fatal(err)
	}
	if changed := p.one(); changed.Name != "front" || changed.AllocatedIpv4Addresses != 1 || changed.AvailableIpv4Addresses != 2 {
		t.Errorf("pool %+v", changed)
	}
	if err := p.destroy(id, true); err != nil {
		t.Fatal(err)
	}
}

func TestIPPoolsAreRefusedAsInVCenter(t *testing.T) {
	p := newPools(t)
	id := must(p.create(types.IpPool{Name: "front"}))(t)
	if got := p.take(id, "a"); got != "" {
		t.Errorf("a pool without a range gives %q", got)
	}
	for _, wrong := range []types.IpPool{{}, {Name: "front"}, {Name: "back", Ipv4Config: ipRangeOf("192.0.2.1")},
		{Name: "back", Ipv4Config: ipRangeOf("2001:db8::1#2")}, {Name: "back", Ipv6Config: ipRangeOf("2001:db8::1#0")}} {
		_, err := p.create(wrong)
		isFault[types.InvalidArgument](p.lab, p.faultOf(err))
	}
	isFault[types.InvalidArgument](p.lab, p.faultOf(p.update(types.IpPool{Id: id + 1})))
	isFault[types.InvalidArgument](p.lab, p.faultOf(p.destroy(id+1, true)))
}

func TestAPoolHasAddressesOfBothKinds(t *testing.T) {
	p := newPools(t)
	ipv6 := ipRangeOf("2001:db8::fffe#3,2001:db8::10#1")
	ipv6.SubnetAddress, ipv6.Netmask, ipv6.Dns = "2001:db8::", "ffff:ffff:ffff:ffff::", []string{"2001:db8::53"}
	id := must(p.create(types.IpPool{Name: "front", Ipv4Config: ipRangeOf("192.0.2.1#2")}))(t)
	if err := p.update(types.IpPool{Id: id, Ipv6Config: ipv6}); err != nil {
		t.Fatal(err)
	}
	found := p.one()
	if found.AvailableIpv4Addresses != 2 || found.AvailableIpv6Addresses != 4 || found.Ipv4Config.Range != "192.0.2.1#2" {
		t.Errorf("the pool is %+v", found)
	}
	if got := found.Ipv6Config; got.Netmask != ipv6.Netmask || got.SubnetAddress != ipv6.SubnetAddress || len(got.Dns) != 1 {
		t.Errorf("IPv6 is %+v", got)
	}
}

func TestANetworkShowsItsIPPool(t *testing.T) {
	p := newPools(t)
	network := p.network.Reference()
	association := []types.IpPoolAssociation{{Network: &network}}
	shown := func() (string, int32) {
		t.Helper()
		var found mo.Network
		if err := p.network.Properties(t.Context(), network, []string{"summary.ipPoolId", "summary.ipPoolName"}, &found); err != nil {
			t.Fatal(err)
		}
		summary := found.Summary.GetNetworkSummary()
		if summary.IpPoolId == nil {
			return summary.IpPoolName, 0
		}
		return summary.IpPoolName, *summary.IpPoolId
	}
	first := must(p.create(types.IpPool{Name: "front", NetworkAssociation: association}))(t)
	if name, id := shown(); name != "front" || id != first {
		t.Errorf("the network shows %s (%d)", name, id)
	}
	// The network of another pool is taken from it.
	second := must(p.create(types.IpPool{Name: "back", NetworkAssociation: association}))(t)
	if name, id := shown(); name != "back" || id != second {
		t.Errorf("the network shows %s (%d)", name, id)
	}
	if err := p.destroy(second, false); err != nil {
		t.Fatal(err)
	}
	if name, id := shown(); name != "" || id != 0 {
		t.Errorf("the network shows %s (%d)", name, id)
	}
	if left := p.one(); len(left.NetworkAssociation) != 0 {
		t.Errorf("pool %+v", left)
	}
}

// govmomi leaves out empty strings of lists, so that it cannot clear them: the request is not made by a client here.
func TestDNSServersOfAnIPPoolAreClearedByAnEmptyOne(t *testing.T) {
	before := &types.IpPoolIpPoolConfigInfo{Dns: []string{"192.0.2.1"}}
	for _, one := range []struct{ given, want []string }{{nil, before.Dns}, {[]string{""}, nil}, {[]string{"192.0.2.2"}, []string{"192.0.2.2"}}} {
		got := withServers(&types.IpPoolIpPoolConfigInfo{Dns: one.given}, before)
		if !slices.Equal(got.Dns, one.want) {
			t.Errorf("%q makes %q of the servers", one.given, got.Dns)
		}
	}
}
