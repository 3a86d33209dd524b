// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package network

import (
	"fmt"
	"net/netip"
	"slices"
	"sort"
	"strings"

	"gantry.invalid/guest/internal/spec"
)

// HostsFile returns the content of /etc/hosts: the standard names, the names of the spec, and the container's own.
func HostsFile(hostname string, own netip.Addr, extra map[string]string) string {
	var file strings.Builder
	file.WriteString("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n" +
		"fe00::\tip6-localnet\nff00::\tip6-mcastprefix\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n")
	names := make([]string, 0, len(extra))
	for name := range extra {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		fmt.Fprintf(&file, "%s\t%s\n", extra[name], name)
	}
	if !own.IsValid() {
		own = netip.MustParseAddr("127.0.0.1")
	}
	fmt.Fprintf(&file, "%s\t%s", own, hostname)
	if short, _, qualified := strings.Cut(hostname, "."); qualified {
		fmt.Fprintf(&file, " %s", short)
	}
	file.WriteString("\n")
	return file.String()
}

// ResolvFile returns the content of /etc/resolv.conf: each part from the spec, or from DHCP if the spec has none.
func ResolvFile(dns spec.DNS, leasedServers, leasedSearch []string) string {
	servers, search := dns.Servers, dns.Search
	if len(servers) == 0 {
		servers = leasedServers
	}
	if len(search) == 0 {
		search = leasedSearch
	}
	var file strings.Builder
	for _, server := range servers {
		fmt.Fprintf(&file, "nameserver %s\n", server)
	}
	if len(search) > 0 {
		fmt.Fprintf(&file, "search %s\n", strings.Join(search, " "))
	}
	if len(dns.Options) > 0 {
		fmt.Fprintf(&file, "options %s\n", strings.Join(dns.Options, " "))
	}
	return file.String()
}

// WithNames returns the configuration for names without a dot, as in Docker: they are asked for as they are before a search domain
// is added, unless the spec says otherwise.
func WithNames(dns spec.DNS) spec.DNS {
	for _, option := range dns.Options {
		if strings.HasPrefix(option, "ndots:") {
			return dns
		}
	}
	dns.Options = append(slices.Clone(dns.Options), "ndots:0")
	return dns
}
