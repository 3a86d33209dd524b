// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package network

import (
	"net/netip"
	"strings"
	"testing"

	"gantry.invalid/guest/internal/spec"
)

func TestHostsFile(t *testing.T) {
	file := HostsFile("web.example.com", netip.MustParseAddr("10.0.0.5"), map[string]string{"db": "10.0.0.6", "cache": "fd00::7"})
	for _, line := range []string{
		"127.0.0.1\tlocalhost\n", "10.0.0.6\tdb\n", "fd00::7\tcache\n", "10.0.0.5\tweb.example.com web\n",
	} {
		if !strings.Contains(file, line) {
			t.Errorf("%q is not in %q", line, file)
		}
	}
}

func TestHostsFileWithoutANetwork(t *testing.T) {
	if file := HostsFile("web", netip.Addr{}, nil); !strings.HasSuffix(file, "\n127.0.0.1\tweb\n") {
		t.Errorf("got %q", file)
	}
}

func TestResolvFileTakesEachPartFromTheSpecOrTheLease(t *testing.T) {
	leasedServers, leasedSearch := []string{"10.0.0.1"}, []string{"lan"}
	for want, dns := range map[string]spec.DNS{
		"nameserver 10.0.0.1\nsearch lan\n":                    {},
		"nameserver 1.1.1.1\nsearch lan\n":                     {Servers: []string{"1.1.1.1"}},
		"nameserver 10.0.0.1\nsearch a b\noptions ndots:2 x\n": {Search: []string{"a", "b"}, Options: []string{"ndots:2", "x"}},
	} {
		if got := ResolvFile(dns, leasedServers, leasedSearch); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestNamesWithoutADotAreAskedForAsTheyAreFirst(t *testing.T) {
	for want, options := range map[string][]string{
		"nameserver 127.0.0.11\noptions ndots:0\n":   nil,
		"nameserver 127.0.0.11\noptions x ndots:0\n": {"x"},
		"nameserver 127.0.0.11\noptions ndots:2 x\n": {"ndots:2", "x"},
	} {
		dns := spec.DNS{Servers: []string{"127.0.0.11"}, Options: options}
		if got := ResolvFile(WithNames(dns), nil, nil); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
