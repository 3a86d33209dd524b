// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The names of an address, which a client asks for by a name under in-addr.arpa or ip6.arpa.

package resolver

import (
	"cmp"
	"encoding/hex"
	"net/netip"
	"slices"
	"strings"
)

const (
	reverse4 = ".in-addr.arpa"
	reverse6 = ".ip6.arpa"
	// labels6 is the number of labels of an IPv6 address: one for each hexadecimal digit.
	labels6 = 32
)

// reverseNames returns the names of each address. A name of several containers comes after those of the one alone, since programs
// take the first.
func reverseNames(addresses map[string][]netip.Addr) map[netip.Addr][]string {
	names := make(map[netip.Addr][]string)
	for name, all := range addresses {
		for _, address := range all {
			if !slices.Contains(names[address], name) {
				names[address] = append(names[address], name)
			}
		}
	}
	for _, found := range names {
		slices.SortFunc(found, func(one, other string) int {
			return cmp.Or(cmp.Compare(len(addresses[one]), len(addresses[other])), cmp.Compare(one, other))
		})
	}
	return names
}

// reversed returns the address that a name under in-addr.arpa or ip6.arpa stands for (RFC 1035, section 3.5; RFC 3596, section 2.5).
func reversed(name string) (netip.Addr, bool) {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if digits, found := strings.CutSuffix(name, reverse4); found {
		labels := strings.Split(digits, ".")
		slices.Reverse(labels)
		address, err := netip.ParseAddr(strings.Join(labels, "."))
		return address, err == nil && address.Is4()
	}
	digits, found := strings.CutSuffix(name, reverse6)
	labels := strings.Split(digits, ".")
	if !found || len(labels) != labels6 {
		return netip.Addr{}, false
	}
	slices.Reverse(labels)
	bytes, err := hex.DecodeString(strings.Join(labels, ""))
	if err != nil {
		return netip.Addr{}, false
	}
	return netip.AddrFromSlice(bytes)
}
