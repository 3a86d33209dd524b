// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package network

import (
	"net"
)

// Addresses maps the MAC address of each configured adapter to its addresses with prefix lengths, without link-local
// addresses.
func Addresses() (map[string][]string, error) {
	devices, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	found := map[string][]string{}
	for _, device := range devices {
		if device.Flags&net.FlagLoopback != 0 || len(device.HardwareAddr) == 0 {
			continue
		}
		addresses, err := device.Addrs()
		if err != nil {
			return nil, err
		}
		for _, address := range addresses {
			if prefix, ok := address.(*net.IPNet); ok && !prefix.IP.IsLinkLocalUnicast() {
				mac := device.HardwareAddr.String()
				found[mac] = append(found[mac], prefix.String())
			}
		}
	}
	return found, nil
}
