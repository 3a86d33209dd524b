// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package hypervisor

import (
	"strings"
	"testing"
)

func TestEachNetworkHasItsBridgeAndRange(t *testing.T) {
	bridges, err := planBridges([]Network{{"VM Network", "10.77.0.0/20"}, {"backup", "10.78.3.9/24"}})
	if err != nil {
		t.Fatal(err)
	}
	wanted := []string{
		"br0 VM Network 10.77.0.0/20 10.77.0.1 10.77.4.0-10.77.15.254 255.255.240.0",
		"br1 backup 10.78.3.0/24 10.78.3.1 10.78.3.64-10.78.3.254 255.255.255.0",
	}
	for i, want := range wanted {
		b := bridges[i]
		got := strings.Join([]string{b.name, b.network, b.subnet.String(), b.gateway.String(),
			b.first.String() + "-" + b.last.String(), b.netmask()}, " ")
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestUnusableNetworksAreRefused(t *testing.T) {
	for want, networks := range map[string][]Network{
		"overlaps 10.0.0.0/16":      {{"a", "10.0.0.0/16"}, {"b", "10.0.7.0/24"}},
		"configured twice":          {{"a", "10.0.0.0/24"}, {"a", "10.1.0.0/24"}},
		"prefix length of 16 to 28": {{"a", "10.0.0.0/30"}},
		"want IPv4":                 {{"a", "fd00::/64"}},
		`subnet "10.0.0.0"`:         {{"a", "10.0.0.0"}},
	} {
		if _, err := planBridges(networks); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
