// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// IP pools, which the vSphere Client calls network protocol profiles: ranges of addresses, from which extensions of vCenter take
// addresses for vApps. Guests never get them from here. (API, IpPoolManager.)

package vsim

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"gantry.invalid/lab/vcenter/internal/vim"
)

type ipPools struct {
	mu   sync.Mutex
	all  []*ipPool
	last int32 // the last id
}

type ipPool struct {
	datacenter ref
	config     types.IpPool
	given      []givenAddress
}

// givenAddress is an allocation. vCenter requires the caller to be an extension; the lab takes the user's name as the extension's key.
type givenAddress struct {
	extension, id string
	address       netip.Addr
}

func (s *Server) ipPoolMethods() map[string]handler {
	return map[string]handler{
		"IpPoolManager.CreateIpPool":        method(s.createIPPool),
		"IpPoolManager.UpdateIpPool":        method(s.updateIPPool),
		"IpPoolManager.DestroyIpPool":       method(s.destroyIPPool),
		"IpPoolManager.QueryIpPools":        method(s.queryIPPools),
		"IpPoolManager.AllocateIpv4Address": method(s.allocateIPv4),
		"IpPoolManager.AllocateIpv6Address": method(s.allocateIPv6),
		"IpPoolManager.ReleaseIpAllocation": method(s.releaseIP),
		"IpPoolManager.QueryIPAllocations":  method(s.queryIPAllocations),
	}
}

// createIPPool refuses a name that the datacenter has. ("InvalidArgument: if the name of the pool already exists on the datacenter";
// "The name field must be defined, all other fields are optional".)
func (s *Server) createIPPool(_ *simulator.Context, request *types.CreateIpPool) (soap.HasFault, types.BaseMethodFault) {
	s.ipPools.mu.Lock()
	defer s.ipPools.mu.Unlock()
	made := &ipPool{datacenter: request.Dc, config: types.IpPool{Ipv4Config: &types.IpPoolIpPoolConfigInfo{}, Ipv6Config: &types.IpPoolIpPoolConfigInfo{}}}
	if request.Pool.Name == "" {
		return nil, invalidArgument("pool.name")
	}
	if fault := s.changeIPPool(made, request.Pool); fault != nil {
		return nil, fault
	}
	s.ipPools.last++
	made.config.Id = s.ipPools.last
	s.ipPools.all = append(s.ipPools.all, made)
	s.showIPPools()
	return &methods.CreateIpPoolBody{Res: &types.CreateIpPoolResponse{Returnval: made.config.Id}}, nil
}

func (s *Server) updateIPPool(_ *simulator.Context, request *types.UpdateIpPool) (soap.HasFault, types.BaseMethodFault) {
	s.ipPools.mu.Lock()
	defer s.ipPools.mu.Unlock()
	pool, fault := s.ipPool("pool.id", request.Dc, request.Pool.Id)
	if fault == nil {
		fault = s.changeIPPool(pool, request.Pool)
	}
	s.showIPPools()
	return &methods.UpdateIpPoolBody{Res: &types.UpdateIpPoolResponse{}}, fault
}

// changeIPPool sets the fields that are given. Allocations end that no range contains any more ("reserved in the IP pool until
// released ..., or until the IP pool is configured to have an IP range that does not contain the IP address").
func (s *Server) changeIPPool(pool *ipPool, asked types.IpPool) types.BaseMethodFault {
	asked.Name = escaped(asked.Name)
	for _, other := range s.ipPools.all {
		if other != pool && other.datacenter == pool.datacenter && asked.Name == other.config.Name {
			return vim.InvalidArgumentf("pool.name", "%q is the name of another IP pool of the datacenter.", asked.Name)
		}
	}
	merged := pool.config
	merged.Name, merged.HttpProxy = orDefault(asked.Name, merged.Name), orDefault(asked.HttpProxy, merged.HttpProxy)
	merged.HostPrefix, merged.DnsDomain = orDefault(asked.HostPrefix, merged.HostPrefix), orDefault(asked.DnsDomain, merged.DnsDomain)
	merged.DnsSearchPath = orDefault(asked.DnsSearchPath, merged.DnsSearchPath)
	merged.Ipv4Config, merged.Ipv6Config = orElse(asked.Ipv4Config, merged.Ipv4Config), orElse(asked.Ipv6Config, merged.Ipv6Config)
	merged.Ipv4Config = withServers(merged.Ipv4Config, pool.config.Ipv4Config)
	merged.Ipv6Config = withServers(merged.Ipv6Config, pool.config.Ipv6Config)
	var ranges []ipRange
	for name, family := range map[string]*types.IpPoolIpPoolConfigInfo{"ipv4Config": merged.Ipv4Config, "ipv6Config": merged.Ipv6Config} {
		parsed, err := parseRanges(family.Range, name == "ipv6Config")
		if err != nil {
			return vim.InvalidArgumentf("pool."+name+".range", "%v.", err)
		}
		ranges = append(ranges, parsed...)
	}
	pool.config = merged
	if asked.NetworkAssociation != nil {
		s.associate(pool, asked.NetworkAssociation)
	}
	pool.given = slices.DeleteFunc(pool.given, func(given givenAddress) bool {
		return !slices.ContainsFunc(ranges, func(one ipRange) bool { return slices.Contains(one.addresses(), given.address) })
	})
	return nil
}

// withServers returns the configuration of a family with its DNS servers: an empty list leaves them as they were, and one with only an
// empty string clears them. (API, IpPoolIpPoolConfigInfo.)
func withServers(asked, before *types.IpPoolIpPoolConfigInfo) *types.IpPoolIpPoolConfigInfo {
	made := *asked
	if len(made.Dns) == 0 {
		made.Dns = before.Dns
	}
	if slices.Equal(made.Dns, []string{""}) {
		made.Dns = nil
	}
	return &made
}

// destroyIPPool refuses it while addresses are allocated. ("InvalidState: if the pool is in use and the force flag is false".)
func (s *Server) destroyIPPool(_ *simulator.Context, request *types.DestroyIpPool) (soap.HasFault, types.BaseMethodFault) {
	s.ipPools.mu.Lock()
	defer s.ipPools.mu.Unlock()
	pool, fault := s.ipPool("id", request.Dc, request.Id)
	if fault != nil {
		return nil, fault
	}
	if len(pool.given) > 0 && !request.Force {
		return nil, invalidState(fmt.Sprintf("The IP pool %s is in use.", pool.config.Name))
	}
	s.ipPools.all = slices.DeleteFunc(s.ipPools.all, func(one *ipPool) bool { return one == pool })
	s.showIPPools()
	return &methods.DestroyIpPoolBody{Res: &types.DestroyIpPoolResponse{}}, nil
}

func (s *Server) queryIPPools(_ *simulator.Context, request *types.QueryIpPools) (soap.HasFault, types.BaseMethodFault) {
	s.ipPools.mu.Lock()
	defer s.ipPools.mu.Unlock()
	found := []types.IpPool{}
	for _, pool := range s.ipPools.all {
		if pool.datacenter != request.Dc {
			continue
		}
		shown := pool.config
		shown.AllocatedIpv4Addresses, shown.AvailableIpv4Addresses = pool.count(false)
		shown.AllocatedIpv6Addresses, shown.AvailableIpv6Addresses = pool.count(true)
		shown.NetworkAssociation = slices.DeleteFunc(slices.Clone(shown.NetworkAssociation), func(one types.IpPoolAssociation) bool {
			return one.Network != nil && s.registry.Get(*one.Network) == nil // the network has been removed
		})
		for i, association := range shown.NetworkAssociation {
			if association.Network != nil {
				shown.NetworkAssociation[i].NetworkName = s.nameOf(*association.Network)
			}
		}
		found = append(found, shown)
	}
	return &methods.QueryIpPoolsBody{Res: &types.QueryIpPoolsResponse{Returnval: found}}, nil
}

func (s *Server) allocateIPv4(ctx *simulator.Context, request *types.AllocateIpv4Address) (soap.HasFault, types.BaseMethodFault) {
	address, fault := s.allocateIP(ctx, request.Dc, request.PoolId, request.AllocationId, false)
	return &methods.AllocateIpv4AddressBody{Res: &types.AllocateIpv4AddressResponse{Returnval: address}}, fault
}

func (s *Server) allocateIPv6(ctx *simulator.Context, request *types.AllocateIpv6Address) (soap.HasFault, types.BaseMethodFault) {
	address, fault := s.allocateIP(ctx, request.Dc, request.PoolId, request.AllocationId, true)
	return &methods.AllocateIpv6AddressBody{Res: &types.AllocateIpv6AddressResponse{Returnval: address}}, fault
}

// allocateIP returns the address of the allocation, or the next one, or an empty string if there is none. ("Calling this function
// twice with the same allocation ID for the same pool yields the same IP address"; "An IPv4 address if the pool has an available
// IPv4 address in its address ranges, otherwise the empty string".)
func (s *Server) allocateIP(ctx *simulator.Context, datacenter ref, id int32, allocation string, v6 bool) (string, types.BaseMethodFault) {
	s.ipPools.mu.Lock()
	defer s.ipPools.mu.Unlock()
	pool, fault := s.ipPool("poolId", datacenter, id)
	if fault != nil {
		return "", fault
	}
	extension := ctx.Session.UserName
	taken := map[netip.Addr]bool{}
	for _, given := range pool.given {
		if given.extension == extension && given.id == allocation && given.address.Is6() == v6 {
			return given.address.String(), nil
		}
		taken[given.address] = true
	}
	for _, address := range pool.addresses(v6) {
		if !taken[address] {
			pool.given = append(pool.given, givenAddress{extension, allocation, address})
			return address.String(), nil
		}
	}
	return "", nil
}

// releaseIP ends an allocation of the caller, with its addresses of both kinds.
func (s *Server) releaseIP(ctx *simulator.Context, request *types.ReleaseIpAllocation) (soap.HasFault, types.BaseMethodFault) {
	s.ipPools.mu.Lock()
	defer s.ipPools.mu.Unlock()
	pool, fault := s.ipPool("poolId", request.Dc, request.PoolId)
	if fault != nil {
		return nil, fault
	}
	pool.given = slices.DeleteFunc(pool.given, func(given givenAddress) bool {
		return given.extension == ctx.Session.UserName && given.id == request.AllocationId
	})
	return &methods.ReleaseIpAllocationBody{Res: &types.ReleaseIpAllocationResponse{}}, nil
}

func (s *Server) queryIPAllocations(_ *simulator.Context, request *types.QueryIPAllocations) (soap.HasFault, types.BaseMethodFault) {
	s.ipPools.mu.Lock()
	defer s.ipPools.mu.Unlock()
	pool, fault := s.ipPool("poolId", request.Dc, request.PoolId)
	if fault != nil {
		return nil, fault
	}
	found := []types.IpPoolManagerIpAllocation{}
	for _, given := range pool.given {
		if given.extension == request.ExtensionKey {
			found = append(found, types.IpPoolManagerIpAllocation{IpAddress: given.address.String(), AllocationId: given.id})
		}
	}
	return &methods.QueryIPAllocationsBody{Res: &types.QueryIPAllocationsResponse{Returnval: found}}, nil
}

// ipPool returns a pool of the datacenter. What vCenter answers for an unknown id is unconfirmed.
func (s *Server) ipPool(property string, datacenter ref, id int32) (*ipPool, types.BaseMethodFault) {
	for _, pool := range s.ipPools.all {
		if pool.datacenter == datacenter && pool.config.Id == id {
			return pool, nil
		}
	}
	return nil, vim.InvalidArgumentf(property, "The datacenter has no IP pool %d.", id)
}

// addresses returns the addresses that may be allocated ("IP addresses can only be allocated from the range if the IP pool is
// enabled": API, IpPoolIpPoolConfigInfo).
func (p *ipPool) addresses(v6 bool) []netip.Addr {
	family := p.config.Ipv4Config
	if v6 {
		family = p.config.Ipv6Config
	}
	ranges, err := parseRanges(family.Range, v6)
	if err != nil || !vim.IsTrue(family.IpPoolEnabled) {
		return nil // an invalid range is refused before it is stored
	}
	var all []netip.Addr
	for _, one := range ranges {
		all = append(all, one.addresses()...)
	}
	return all
}

func (p *ipPool) count(v6 bool) (allocated, available int32) {
	for _, given := range p.given {
		if given.address.Is6() == v6 {
			allocated++
		}
	}
	return allocated, max(int32(len(p.addresses(v6)))-allocated, 0)
}

// ipRange is written as its first address, a hash and its length.
type ipRange struct {
	first  netip.Addr
	length int
}

const longestRange = 1 << 16

func (r ipRange) addresses() []netip.Addr {
	var all []netip.Addr
	for address := r.first; len(all) < r.length && address.IsValid(); address = address.Next() {
		all = append(all, address)
	}
	return all
}

func parseRanges(text string, v6 bool) ([]ipRange, error) {
	var parsed []ipRange
	for _, one := range strings.Split(text, ",") {
		if strings.TrimSpace(text) == "" {
			break
		}
		start, count, _ := strings.Cut(one, "#")
		first, err := netip.ParseAddr(strings.TrimSpace(start))
		length, countErr := strconv.Atoi(strings.TrimSpace(count))
		if err != nil || countErr != nil || first.Is6() != v6 || length < 1 || length > longestRange {
			return nil, fmt.Errorf("%q is not a range such as 192.0.2.235#20", one)
		}
		parsed = append(parsed, ipRange{first, length})
	}
	return parsed, nil
}
