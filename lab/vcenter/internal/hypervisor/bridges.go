// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The address plan: a bridge for each network, with its gateway and DHCP range.

package hypervisor

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"

	"gantry.invalid/lab/vcenter/internal/machine"
)

// The limits of subnets keep the static quarter and the DHCP range usable, and the lease table small.
const (
	widestSubnet    = 16
	narrowestSubnet = 28
)

type bridge struct {
	name    string // of the interface
	network string // the layer 2 network
	subnet  netip.Prefix
	gateway netip.Addr // the bridge's own address, and the DHCP server's
	first   netip.Addr // of the DHCP range
	last    netip.Addr
}

// planBridges assigns a bridge to each network. The lowest quarter of each subnet is reserved for static addresses and
// excluded from DHCP.
func planBridges(networks []Network) ([]bridge, error) {
	bridges := make([]bridge, 0, len(networks))
	for index, network := range networks {
		subnet, err := netip.ParsePrefix(network.Subnet)
		if err != nil {
			return nil, fmt.Errorf("network %q: subnet %q: %w", network.Name, network.Subnet, err)
		}
		subnet = subnet.Masked()
		if !subnet.Addr().Is4() || subnet.Bits() < widestSubnet || subnet.Bits() > narrowestSubnet {
			return nil, fmt.Errorf("network %q: subnet %s: want IPv4 with a prefix length of %d to %d",
				network.Name, subnet, widestSubnet, narrowestSubnet)
		}
		for _, other := range bridges {
			if other.network == network.Name {
				return nil, fmt.Errorf("network %q is configured twice", network.Name)
			}
			if other.subnet.Overlaps(subnet) {
				return nil, fmt.Errorf("network %q: subnet %s overlaps %s of network %q",
					network.Name, subnet, other.subnet, other.network)
			}
		}
		bridges = append(bridges, newBridge(index, network.Name, subnet))
	}
	return bridges, nil
}

func newBridge(index int, network string, subnet netip.Prefix) bridge {
	size := uint32(1) << (32 - subnet.Bits())
	return bridge{
		name:    fmt.Sprintf("br%d", index),
		network: network,
		subnet:  subnet,
		gateway: machine.Offset(subnet, 1),
		first:   machine.Offset(subnet, size/4),
		last:    machine.Offset(subnet, size-2),
	}
}

// hardwareAddress returns the fixed MAC address of a bridge. Without one, a bridge uses the lowest address of its ports, so
// that it would change when VMs start and stop, and guests would use an outdated one.
func (b bridge) hardwareAddress() string {
	address := b.gateway.As4()
	return net.HardwareAddr(append([]byte{0x02, 0x00}, address[:]...)).String()
}

// netmask returns the netmask in dotted form, as dnsmasq requires.
func (b bridge) netmask() string {
	var mask [4]byte
	binary.BigEndian.PutUint32(mask[:], ^uint32(0)<<(32-b.subnet.Bits()))
	return netip.AddrFrom4(mask).String()
}
