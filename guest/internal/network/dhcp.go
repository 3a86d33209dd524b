// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package network

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/nclient4"
	"github.com/vishvananda/netlink"

	"gantry.invalid/guest/internal/failure"
)

const (
	// dhcpDeadline is the time in which the first lease must be obtained.
	dhcpDeadline = 30 * time.Second
	// firstTry is the timeout of the first request. It doubles with each try.
	firstTry = 2 * time.Second
	// tries is larger than the number of tries before the deadline.
	tries = 8
)

// obtain gets the first lease and then renews it in the background.
func (m *Manager) obtain(ctx context.Context, link netlink.Link) error {
	name := link.Attrs().Name
	limited, cancel := context.WithTimeout(ctx, dhcpDeadline)
	defer cancel()
	obtained, err := m.request(limited, name, nil)
	if err != nil {
		return failure.New(failure.DHCPFailed, "no lease on %s (%s) within %v: %v",
			name, link.Attrs().HardwareAddr, dhcpDeadline, err)
	}
	if err := m.applyLease(link, obtained); err != nil {
		return failure.New(failure.DHCPFailed, "%s: %v", name, err)
	}
	keeping := keeper{
		request: func(ctx context.Context, held *nclient4.Lease) (*nclient4.Lease, error) {
			return m.request(ctx, name, held)
		},
		apply:   func(obtained *nclient4.Lease) error { return m.applyLease(link, obtained) },
		drop:    func() error { return m.dropLease(link) },
		changed: m.Changed,
		logf: func(format string, args ...any) {
			m.Logf("%s: %s", name, fmt.Sprintf(format, args...))
		},
	}
	// Renewals continue after the boot, which ends ctx.
	go keeping.keep(context.WithoutCancel(ctx), obtained)
	return nil
}

// request requests a lease, or the renewal of one.
func (m *Manager) request(ctx context.Context, name string, renew *nclient4.Lease) (obtained *nclient4.Lease, err error) {
	client, err := nclient4.New(name, nclient4.WithTimeout(firstTry), nclient4.WithRetry(tries))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	options := []dhcpv4.Modifier{
		dhcpv4.WithOption(dhcpv4.OptHostName(m.Hostname)),
		dhcpv4.WithRequestedOptions(dhcpv4.OptionClasslessStaticRoute, dhcpv4.OptionDNSDomainSearchList),
	}
	if renew != nil {
		return client.Renew(ctx, renew, options...)
	}
	return client.Request(ctx, options...)
}

// applyLease configures the link by a lease.
func (m *Manager) applyLease(link netlink.Link, obtained *nclient4.Lease) error {
	name := link.Attrs().Name
	new, err := parseLease(obtained.ACK)
	if err != nil {
		return err
	}
	m.mu.Lock()
	old := m.leases[name]
	m.leases[name] = new
	m.mu.Unlock()
	if err := apply(link, old, new); err != nil {
		return err
	}
	m.Logf("%s has %v by DHCP", name, new.prefix)
	return nil
}

// parseLease parses the server's answer.
func parseLease(ack *dhcpv4.DHCPv4) (lease, error) {
	addr, ok := netip.AddrFromSlice(ack.YourIPAddr.To4())
	if !ok {
		return lease{}, fmt.Errorf("the server gave no address: %v", ack.YourIPAddr)
	}
	bits := addr.BitLen()
	if mask := ack.SubnetMask(); mask != nil {
		bits, _ = mask.Size()
	}
	parsed := lease{prefix: netip.PrefixFrom(addr, bits)}
	if routers := ack.Router(); len(routers) > 0 {
		parsed.gateway, _ = netip.AddrFromSlice(routers[0].To4())
	}
	for _, server := range ack.DNS() {
		if addr, ok := netip.AddrFromSlice(server.To4()); ok {
			parsed.servers = append(parsed.servers, addr)
		}
	}
	if search := ack.DomainSearch(); search != nil {
		parsed.search = search.Labels
	} else if domain := ack.DomainName(); domain != "" {
		parsed.search = []string{domain}
	}
	// By RFC 3442, classless routes replace the router option, including the default route.
	if routes := ack.ClasslessStaticRoute(); len(routes) > 0 {
		parsed.gateway = netip.Addr{}
		for _, given := range routes {
			bits, _ := given.Dest.Mask.Size()
			destination, okDestination := netip.AddrFromSlice(given.Dest.IP.To4())
			gateway, okGateway := netip.AddrFromSlice(given.Router.To4())
			if okDestination && okGateway {
				parsed.routes = append(parsed.routes, route{netip.PrefixFrom(destination, bits), gateway})
			}
		}
	}
	return parsed, nil
}

// dropLease removes the configuration of the lease.
func (m *Manager) dropLease(link netlink.Link) error {
	name := link.Attrs().Name
	m.mu.Lock()
	old := m.leases[name]
	delete(m.leases, name)
	m.mu.Unlock()
	return apply(link, old, lease{})
}
