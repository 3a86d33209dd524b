// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The subnets of networks that are created while the lab runs.

package machine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"sync"
)

// subnetBits is the prefix length of the subnets of a pool.
const subnetBits = 24

// ErrNoSubnet means that all subnets of a pool are in use.
var ErrNoSubnet = errors.New("all subnets for networks that are created while the lab runs are in use; see network_pool in lab.toml")

// SubnetPool hands out subnets, each of them once.
type SubnetPool struct {
	all netip.Prefix // the zero value has no subnets

	mu   sync.Mutex
	next uint32
}

// NewSubnetPool returns the pool of an IPv4 prefix. An empty text is a pool without subnets.
func NewSubnetPool(cidr string) (*SubnetPool, error) {
	if cidr == "" {
		return &SubnetPool{}, nil
	}
	all, err := netip.ParsePrefix(cidr)
	if err != nil {
		return nil, fmt.Errorf("network pool: %w", err)
	}
	if !all.Addr().Is4() || all.Bits() > subnetBits || all.Bits() < 8 {
		return nil, fmt.Errorf("network pool: want IPv4 with a prefix length of 8 to %d, not %s", subnetBits, all)
	}
	return &SubnetPool{all: all.Masked()}, nil
}

// Prefix returns the addresses of all subnets; the zero value if there are none.
func (p *SubnetPool) Prefix() netip.Prefix { return p.all }

// Next returns a subnet that nobody has yet.
func (p *SubnetPool) Next() (netip.Prefix, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.all.IsValid() || p.next >= 1<<(subnetBits-p.all.Bits()) {
		return netip.Prefix{}, ErrNoSubnet
	}
	subnet := netip.PrefixFrom(Offset(p.all, p.next<<(32-subnetBits)), subnetBits)
	p.next++
	return subnet, nil
}

// Offset returns the nth address of a subnet.
func Offset(subnet netip.Prefix, n uint32) netip.Addr {
	base := subnet.Addr().As4()
	var result [4]byte
	binary.BigEndian.PutUint32(result[:], binary.BigEndian.Uint32(base[:])+n)
	return netip.AddrFrom4(result)
}
