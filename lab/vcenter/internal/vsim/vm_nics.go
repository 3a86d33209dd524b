// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Network adapters: their networks and MAC addresses.

package vsim

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"net"
	"strings"
	"sync"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// configureCard resolves the adapter's network, which the VM's host must have, and assigns a MAC address.
func (d *draft) configureCard(change deviceChange, card *types.VirtualEthernetCard) (summary string, fault types.BaseMethodFault) {
	switch backing := card.Backing.(type) {
	case *types.VirtualEthernetCardNetworkBackingInfo:
		network := d.standardNetwork(backing)
		if network == nil {
			return "", change.invalid("device.backing.deviceName")
		}
		if spec := d.server.hostGroup(d.host.Self, network.Name); spec != nil && spec.VlanId == standardTrunk {
			return "", noTrunk(network.Name)
		}
		backing.DeviceName, backing.Network = network.Name, &network.Self
		summary = network.Name
	case *types.VirtualEthernetCardDistributedVirtualPortBackingInfo:
		group := d.server.groupOf(backing.Port)
		if group == nil {
			return "", change.invalid("device.backing.port.portgroupKey")
		}
		parent := d.server.registry.Get(*group.Config.DistributedVirtualSwitch).(*simulator.DistributedVirtualSwitch)
		if parent.Uuid != backing.Port.SwitchUuid {
			return "", change.invalid("device.backing.port.switchUuid")
		}
		if !isAccess(settingOf(group)) {
			return "", noTrunk(group.Name)
		}
		d.server.bindPort(&backing.Port, d.device(card.Key))
		summary = "DVSwitch: " + parent.Uuid
	case *types.VirtualEthernetCardOpaqueNetworkBackingInfo:
		if d.server.opaqueNetwork(backing) == nil {
			return "", change.invalid("device.backing.opaqueNetworkId") // unconfirmed
		}
		summary = backing.OpaqueNetworkType + ": " + backing.OpaqueNetworkId
	default:
		return "", change.invalid("device.backing")
	}
	return summary, d.setMAC(change, card)
}

func (d *draft) standardNetwork(backing *types.VirtualEthernetCardNetworkBackingInfo) *mo.Network {
	for _, reference := range d.host.Network {
		network, ok := d.server.registry.Get(reference).(*mo.Network)
		if !ok {
			continue
		}
		if network.Name == backing.DeviceName || backing.DeviceName == "" && backing.Network != nil && *backing.Network == reference {
			return network
		}
	}
	return nil
}

// setMAC checks a manual MAC address, and assigns one to an adapter that has none of its own.
func (d *draft) setMAC(change deviceChange, card *types.VirtualEthernetCard) types.BaseMethodFault {
	manual := hasType(card, types.VirtualEthernetCardMacTypeManual)
	automatic := hasType(card, types.VirtualEthernetCardMacTypeAssigned) || hasType(card, types.VirtualEthernetCardMacTypeGenerated)
	if manual || !automatic && card.MacAddress != "" && !d.hasMAC(card) {
		address, err := net.ParseMAC(card.MacAddress)
		if err != nil || len(address) != 6 || address[0]&1 != 0 {
			return change.invalid("device.macAddress")
		}
		card.MacAddress, card.AddressType = address.String(), string(types.VirtualEthernetCardMacTypeManual)
		return nil
	}
	// "The server might override the specified value for "Generated" or "Assigned" if it does not fall in the right ranges or is
	// determined to be a duplicate" (API, VirtualEthernetCard.macAddress), such as that of its source in the edits of a clone.
	if automatic && !d.server.macs.usable(card.MacAddress, d.hasMAC(card)) || card.MacAddress == "" {
		card.MacAddress = d.server.newMAC()
		d.undo = append(d.undo, func() error { d.server.macs.release(card.MacAddress); return nil })
	}
	card.AddressType = string(types.VirtualEthernetCardMacTypeAssigned)
	return nil
}

func hasType(card *types.VirtualEthernetCard, kind types.VirtualEthernetCardMacType) bool {
	return strings.EqualFold(card.AddressType, string(kind))
}

// permitMACs refuses manual addresses that VMware reserves. ESXi accepts them in the configuration and refuses to power on the VM:
// of the prefixes 00:0c:29 and 00:50:56, only 00:50:56:00:00:00 to 00:50:56:3f:ff:ff are for manual addresses. (vSphere Networking,
// "Static MAC Addresses"; community.vmware issues 25 and 1159, terraform-provider-esxi issue 184.)
func permitMACs(cards []*types.VirtualEthernetCard) types.BaseMethodFault {
	for _, card := range cards {
		address, err := net.ParseMAC(card.MacAddress)
		if err != nil || !hasType(card, types.VirtualEthernetCardMacTypeManual) {
			continue
		}
		vmware := bytes.HasPrefix(address, []byte{0x00, 0x50, 0x56})
		if bytes.HasPrefix(address, []byte{0x00, 0x0c, 0x29}) || vmware && address[3] > 0x3f {
			return vmConfigFault(fmt.Sprintf("%s is not an allowed static Ethernet address. It conflicts with VMware reserved MACs.", address))
		}
	}
	return nil
}

// hasMAC returns true for an edit that repeats the adapter's address.
func (d *draft) hasMAC(card *types.VirtualEthernetCard) bool {
	old, _ := d.device(card.Key).(types.BaseVirtualEthernetCard)
	return old != nil && old.GetVirtualEthernetCard().MacAddress == card.MacAddress
}

// macs holds the addresses of drafts, which are not in the inventory yet.
type macs struct {
	mu    sync.Mutex
	given map[string]bool
}

// usable returns whether an address is in the range of vCenter and belongs to this adapter, or to none so far.
func (m *macs) usable(address string, own bool) bool {
	parsed, err := net.ParseMAC(address)
	if err != nil || !bytes.HasPrefix(parsed, []byte{0x00, 0x50, 0x56}) || parsed[3]&0xc0 != 0x80 {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return own || !m.given[parsed.String()]
}

func (m *macs) release(address string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.given, address)
}

// newMAC returns an address from the range of vCenter. It is never assigned to another VM again.
func (s *Server) newMAC() string {
	s.macs.mu.Lock()
	defer s.macs.mu.Unlock()
	if s.macs.given == nil {
		s.macs.given = map[string]bool{}
	}
	for {
		var tail [3]byte
		if _, err := rand.Read(tail[:]); err != nil {
			panic(err) // the system has no source of randomness
		}
		address := fmt.Sprintf("00:50:56:%02x:%02x:%02x", 0x80|tail[0]&0x3f, tail[1], tail[2])
		if !s.macs.given[address] {
			s.macs.given[address] = true
			return address
		}
	}
}

// networkOf returns the network that an adapter is connected to.
func (s *Server) networkOf(card *types.VirtualEthernetCard) (reference ref, name string) {
	switch backing := card.Backing.(type) {
	case *types.VirtualEthernetCardNetworkBackingInfo:
		return *backing.Network, backing.DeviceName
	case *types.VirtualEthernetCardDistributedVirtualPortBackingInfo:
		if group := s.groupOf(backing.Port); group != nil {
			return group.Self, group.Name
		}
	case *types.VirtualEthernetCardOpaqueNetworkBackingInfo:
		if network := s.opaqueNetwork(backing); network != nil {
			return network.Self, network.Name
		}
	}
	return reference, name
}
