// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The resolver for the names of other containers, if the document asks for one.

package main

import (
	"errors"
	"os"
	"time"

	"gantry.invalid/guest/internal/failure"
	"gantry.invalid/guest/internal/follow"
	"gantry.invalid/guest/internal/network"
	"gantry.invalid/guest/internal/resolver"
	"gantry.invalid/guest/internal/rootfs"
	"gantry.invalid/guest/internal/spec"
)

// namesKey is the key of guest info with the table of names, which clients of vSphere change while the VM is on.
const namesKey = "guestinfo.gantry.names"

// namesInterval is how often a running container looks for another table of names.
const namesInterval = 2 * time.Second

// openResolver starts to answer DNS, still without names, if the container finds others by name.
func (m *machine) openResolver(wanted *spec.Spec) error {
	if !wanted.DNS.Names {
		return nil
	}
	server, err := resolver.Listen(resolver.Address, m.console.logf)
	if err != nil {
		return failure.New(failure.NetworkFailed, "the resolver for names: %v", err)
	}
	m.resolver = server
	return nil
}

// resolvFile returns the content of /etc/resolv.conf, and lets the resolver use the name servers that it replaces there.
func (m *machine) resolvFile(dns spec.DNS, leasedServers, leasedSearch []string) string {
	if m.resolver == nil {
		return network.ResolvFile(dns, leasedServers, leasedSearch)
	}
	servers := dns.Servers
	if len(servers) == 0 {
		servers = leasedServers
	}
	m.resolver.SetServers(resolver.NameServers(servers))
	dns.Servers = []string{resolver.Host}
	return network.ResolvFile(network.WithNames(dns), nil, leasedSearch)
}

// followNames keeps the table of names current until the returned function is called, which waits for its end.
func (m *machine) followNames() (end func()) {
	if m.resolver == nil {
		return func() {}
	}
	follower := &follow.Follower[*resolver.Table]{
		Name: "the table of names", Interval: namesInterval,
		Read:         func() ([]byte, error) { return m.readGuestInfo(namesKey) },
		Parse:        resolver.ParseTable,
		IsFollowedBy: (*resolver.Table).IsFollowedBy,
		Use:          m.resolver.SetTable,
		Keep:         m.keepNames,
		Logf:         m.console.logf,
	}
	follower.Begin(&resolver.Table{})
	kept, err := rootfs.KeptNames(rootfs.StateDirectory)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		m.logError(err)
	}
	if len(kept) > 0 {
		follower.Take(kept)
	}
	// The table is there before the container starts.
	follower.Latest()
	return inBackground(follower.Follow)
}

// keepNames keeps the table of names on the scratch disk.
func (m *machine) keepNames(table []byte) {
	if err := rootfs.KeepNames(rootfs.StateDirectory, table); err != nil {
		m.console.logf("cannot keep the table of names: %v", err)
	}
}
