// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package network

import (
	"encoding/binary"
	"encoding/hex"
	"net"
	"net/netip"
	"strings"
	"testing"

	"gantry.invalid/guest/internal/failure"
	"gantry.invalid/guest/internal/spec"
)

var (
	own     = net.HardwareAddr{0x00, 0x50, 0x56, 0, 0, 1}
	foreign = net.HardwareAddr{0x52, 0x55, 0x0a, 0, 2, 2}
	v4, v6  = netip.MustParseAddr("10.0.2.5"), netip.MustParseAddr("fd00:20::12:3456")
)

func TestProbesAreThoseOfTheRFCs(t *testing.T) {
	to, frame := probeFrame(own, v4)
	want := "ffffffffffff" + "005056000001" + "0806" + "0001080006040001" + "005056000001" + "00000000" + "000000000000" + "0a000205"
	if got := hex.EncodeToString(frame); got != want || to.String() != "ff:ff:ff:ff:ff:ff" {
		t.Errorf("ARP: %s to %v, want %s", got, to, want)
	}
	to, frame = probeFrame(own, v6)
	want = "3333ff123456" + "005056000001" + "86dd" + "60000000" + "0018" + "3a" + "ff" + strings.Repeat("00", 16) +
		"ff0200000000000000000001ff123456" + "8700"
	if got := hex.EncodeToString(frame); !strings.HasPrefix(got, want) || len(frame) != 78 || to.String() != "33:33:ff:12:34:56" {
		t.Errorf("neighbor solicitation: %s to %v, want %s…", got, to, want)
	}
}

// A message with its own checksum has the sum zero.
func TestTheChecksumIsThatOfTheMessage(t *testing.T) {
	for name, make := range map[string]func(net.HardwareAddr, netip.Addr) (net.HardwareAddr, []byte){
		"probe": probeFrame, "announcement": announcementFrame,
	} {
		_, frame := make(own, v6)
		ip := frame[ethernetBytes:]
		source, destination := netip.AddrFrom16([16]byte(ip[8:24])), netip.AddrFrom16([16]byte(ip[24:40]))
		if got := checksum(source, destination, ip[ipv6Bytes:]); got != 0 {
			t.Errorf("%s: %#x", name, got)
		}
		if int(binary.BigEndian.Uint16(ip[4:])) != len(ip)-ipv6Bytes {
			t.Errorf("%s: the length is %d", name, binary.BigEndian.Uint16(ip[4:]))
		}
	}
}

func TestAnAnnouncementNamesItsOwner(t *testing.T) {
	for _, address := range []netip.Addr{v4, v6} {
		_, frame := announcementFrame(foreign, address)
		if got := ownerIn(frame, address); got.String() != foreign.String() {
			t.Errorf("%v: %v", address, got)
		}
		if got := ownerIn(frame, address.Next()); got != nil {
			t.Errorf("another address than %v: %v", address, got)
		}
		for length := range frame {
			if length < len(frame)-8 && ownerIn(frame[:length], address) != nil {
				t.Errorf("%v: the first %d bytes name an owner", address, length)
			}
		}
	}
}

func TestAProbeOfAnotherDeviceIsNoOwner(t *testing.T) {
	for _, address := range []netip.Addr{v4, v6} {
		if _, frame := probeFrame(foreign, address); ownerIn(frame, address) != nil {
			t.Errorf("%v has an owner", address)
		}
	}
}

func TestAnAdvertisementWithoutItsOptionNamesItsSender(t *testing.T) {
	frame := neighborFrame(foreign, v6, allNodes, neighborAdvertisement, 0, v6, nil)
	if got := ownerIn(frame, v6); got.String() != foreign.String() {
		t.Errorf("owner: %v", got)
	}
	// One that a router has forwarded comes from another link.
	frame[ethernetBytes+7] = 64
	if got := ownerIn(frame, v6); got != nil {
		t.Errorf("forwarded: %v", got)
	}
}

func TestConflictsAreNamedTogether(t *testing.T) {
	err := conflict("eth1", map[netip.Addr]net.HardwareAddr{v6: foreign, v4: own})
	want := "other devices on the network of eth1 have addresses of this container: 10.0.2.5 by the one with the MAC address " +
		"00:50:56:00:00:01, fd00:20::12:3456 by the one with the MAC address 52:55:0a:00:02:02"
	if found := failure.From(err, failure.StartFailed); found.Code != failure.AddressInUse || found.Message != want {
		t.Errorf("%v", found)
	}
}

func TestTheKernelsSettingsOfIPv6(t *testing.T) {
	for _, test := range []struct {
		wanted *spec.IPv6
		want   string
	}{
		{nil, ""},
		{&spec.IPv6{Mode: spec.IPv6Auto}, ""},
		{&spec.IPv6{Mode: spec.IPv6Disabled}, "disable_ipv6=1"},
		{&spec.IPv6{Mode: spec.IPv6Static, Address: "fd00::5/64"}, "autoconf=0"},
		{&spec.IPv6{Mode: spec.IPv6Static, Address: "fd00::5/64", Gateway: "fe80::1"}, "accept_ra_defrtr=0 autoconf=0"},
	} {
		var items []string
		for _, setting := range []string{"accept_ra_defrtr", "autoconf", "disable_ipv6"} {
			if value, there := ipv6Settings(test.wanted)[setting]; there {
				items = append(items, setting+"="+value)
			}
		}
		if got := strings.Join(items, " "); got != test.want {
			t.Errorf("%+v: %s, want %s", test.wanted, got, test.want)
		}
	}
}
