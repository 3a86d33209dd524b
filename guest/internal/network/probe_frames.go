// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The frames that ask who has an address, and that announce it: ARP (RFC 5227) and neighbor discovery (RFC 4861, RFC 4862).

package network

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

const (
	ethernetBytes = 14
	arpBytes      = 28
	ipv6Bytes     = 40

	arpRequest = 1

	neighborSolicitation  = 135
	neighborAdvertisement = 136
	neighborBytes         = 24 // of a message without options
	linkAddressOption     = 2  // the link-layer address of the target
	overrideFlag          = 0x20
	hopLimit              = 255 // others have been forwarded
)

var (
	broadcast = net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	allNodes  = netip.MustParseAddr("ff02::1")
)

// probeFrame returns the frame that asks whether another device has an address, from a device without one.
func probeFrame(mac net.HardwareAddr, address netip.Addr) (to net.HardwareAddr, frame []byte) {
	if address.Is4() {
		return broadcast, arpFrame(mac, netip.IPv4Unspecified(), address)
	}
	group := solicitedNode(address)
	return groupMAC(group), neighborFrame(mac, netip.IPv6Unspecified(), group, neighborSolicitation, 0, address, nil)
}

// announcementFrame returns the frame that tells all devices who has an address.
func announcementFrame(mac net.HardwareAddr, address netip.Addr) (to net.HardwareAddr, frame []byte) {
	if address.Is4() {
		return broadcast, arpFrame(mac, address, address)
	}
	option := append([]byte{linkAddressOption, 1}, mac...)
	return groupMAC(allNodes), neighborFrame(mac, address, allNodes, neighborAdvertisement, overrideFlag, address, option)
}

// ownerIn returns the MAC address of the device that says in a frame that it has the address, or nil. A probe of another
// device says nothing: switches send them too, to find out where an address is.
func ownerIn(frame []byte, address netip.Addr) net.HardwareAddr {
	if len(frame) < ethernetBytes {
		return nil
	}
	kind, payload := binary.BigEndian.Uint16(frame[12:]), frame[ethernetBytes:]
	switch {
	case address.Is4() && kind == unix.ETH_P_ARP:
		return arpOwner(payload, address)
	case address.Is6() && kind == unix.ETH_P_IPV6:
		return neighborOwner(frame[6:12], payload, address)
	}
	return nil
}

func arpFrame(mac net.HardwareAddr, sender, target netip.Addr) []byte {
	frame := ethernet(mac, broadcast, unix.ETH_P_ARP)
	frame = append(frame, 0, 1, 8, 0, 6, 4, 0, arpRequest) // Ethernet, IPv4, and the lengths of their addresses
	frame = append(append(frame, mac...), sender.AsSlice()...)
	return append(append(frame, make([]byte, 6)...), target.AsSlice()...)
}

func arpOwner(payload []byte, address netip.Addr) net.HardwareAddr {
	if len(payload) < arpBytes || !bytes.Equal(payload[:6], []byte{0, 1, 8, 0, 6, 4}) {
		return nil
	}
	if !bytes.Equal(payload[14:18], address.AsSlice()) {
		return nil
	}
	return bytes.Clone(payload[8:14])
}

func neighborFrame(
	mac net.HardwareAddr, source, destination netip.Addr, kind, flags byte, target netip.Addr, option []byte,
) []byte {
	message := append([]byte{kind, 0, 0, 0, flags, 0, 0, 0}, target.AsSlice()...)
	message = append(message, option...)
	binary.BigEndian.PutUint16(message[2:], checksum(source, destination, message))
	frame := ethernet(mac, groupMAC(destination), unix.ETH_P_IPV6)
	frame = append(frame, 0x60, 0, 0, 0)
	frame = binary.BigEndian.AppendUint16(frame, uint16(len(message)))
	frame = append(frame, unix.IPPROTO_ICMPV6, hopLimit)
	frame = append(append(frame, source.AsSlice()...), destination.AsSlice()...)
	return append(frame, message...)
}

// neighborOwner returns the link-layer address that an advertisement has for the target, or the one that it comes from.
func neighborOwner(from, payload []byte, address netip.Addr) net.HardwareAddr {
	if len(payload) < ipv6Bytes+neighborBytes || payload[6] != unix.IPPROTO_ICMPV6 || payload[7] != hopLimit {
		return nil
	}
	message := payload[ipv6Bytes:]
	if message[0] != neighborAdvertisement || !bytes.Equal(message[8:24], address.AsSlice()) {
		return nil
	}
	option := message[neighborBytes:]
	if len(option) >= 8 && option[0] == linkAddressOption && option[1] == 1 {
		return bytes.Clone(option[2:8])
	}
	return bytes.Clone(from)
}

func ethernet(from, to net.HardwareAddr, kind uint16) []byte {
	return binary.BigEndian.AppendUint16(append(bytes.Clone(to), from...), kind)
}

// solicitedNode returns the multicast group that devices with this address listen to.
func solicitedNode(address netip.Addr) netip.Addr {
	group, whole := netip.MustParseAddr("ff02::1:ff00:0").As16(), address.As16()
	copy(group[13:], whole[13:])
	return netip.AddrFrom16(group)
}

func groupMAC(group netip.Addr) net.HardwareAddr {
	whole := group.As16()
	return append(net.HardwareAddr{0x33, 0x33}, whole[12:]...)
}

// checksum returns the checksum of an ICMPv6 message with its pseudo-header (RFC 8200, section 8.1).
func checksum(source, destination netip.Addr, message []byte) uint16 {
	data := append(append(source.AsSlice(), destination.AsSlice()...), 0, 0, 0, byte(len(message)), 0, 0, 0, unix.IPPROTO_ICMPV6)
	data = append(data, message...)
	var sum uint32
	for i := 0; i+1 < len(data); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(data[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
