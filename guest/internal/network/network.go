// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package network

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"gantry.invalid/guest/internal/failure"
	"gantry.invalid/guest/internal/spec"
)

const sysDirectory = "/sys"

// Manager configures the adapters once, and renews DHCP leases.
type Manager struct {
	Hostname string
	// Wake receives a value when an adapter may have appeared.
	Wake <-chan struct{}
	Logf func(format string, args ...any)
	// Changed is called after a lease has changed an address or the name servers.
	Changed func()

	mu     sync.Mutex
	leases map[string]lease
	names  []string
}

// lease is the DHCP configuration of one adapter.
type lease struct {
	prefix  netip.Prefix
	gateway netip.Addr
	routes  []route
	servers []netip.Addr
	search  []string
}

type route struct {
	destination netip.Prefix
	gateway     netip.Addr
}

// Configure brings up loopback and the spec's networks concurrently, and returns when all have their addresses.
func (m *Manager) Configure(ctx context.Context, networks []spec.Network) error {
	m.leases = map[string]lease{}
	if err := configureLoopback(); err != nil {
		return failure.New(failure.NetworkFailed, "loopback: %v", err)
	}
	if len(networks) == 0 {
		return nil
	}
	adapters, err := await(ctx, lister{sys: sysDirectory}, networks, m.Wake)
	if err != nil {
		return err
	}
	if err := renameInOrder(adapters); err != nil {
		return failure.New(failure.NetworkFailed, "%v", err)
	}
	results := make(chan error, len(adapters))
	for i, adapter := range adapters {
		m.names = append(m.names, adapter.Name)
		go func() { results <- m.configure(ctx, adapter, networks[i]) }()
	}
	var failed error
	for range adapters {
		if err := <-results; err != nil && failed == nil {
			failed = err
		}
	}
	return failed
}

func configureLoopback() error {
	link, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	return netlink.LinkSetUp(link)
}

// renameInOrder names the interfaces of the spec's networks eth0, eth1 and so on, as containers expect.
func renameInOrder(adapters []Adapter) error {
	inOrder := true
	for i, adapter := range adapters {
		inOrder = inOrder && adapter.Name == fmt.Sprintf("eth%d", i)
	}
	if inOrder {
		return nil
	}
	links, err := whole(netlink.LinkList)
	if err != nil {
		return err
	}
	// All adapters are renamed to temporary names first, since a new name may still be in use by another adapter.
	for _, link := range links {
		if link.Attrs().Flags&net.FlagLoopback != 0 {
			continue
		}
		if err := netlink.LinkSetName(link, fmt.Sprintf("spare%d", link.Attrs().Index)); err != nil {
			return fmt.Errorf("rename %s: %w", link.Attrs().Name, err)
		}
	}
	indices := map[string]int{}
	for _, link := range links {
		indices[link.Attrs().Name] = link.Attrs().Index
	}
	for i := range adapters {
		link, err := netlink.LinkByIndex(indices[adapters[i].Name])
		if err != nil {
			return err
		}
		adapters[i].Name = fmt.Sprintf("eth%d", i)
		if err := netlink.LinkSetName(link, adapters[i].Name); err != nil {
			return fmt.Errorf("rename to %s: %w", adapters[i].Name, err)
		}
	}
	return nil
}

func (m *Manager) configure(ctx context.Context, adapter Adapter, network spec.Network) error {
	link, err := netlink.LinkByName(adapter.Name)
	if err != nil {
		return failure.New(failure.NetworkFailed, "%s: %v", adapter.Name, err)
	}
	if err := chooseIPv6(adapter.Name, network.IPv6); err != nil {
		return failure.New(failure.NetworkFailed, "%s: %v", adapter.Name, err)
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return failure.New(failure.NetworkFailed, "bring up %s: %v", adapter.Name, err)
	}
	if err := m.setStatic(ctx, link, network.Statics()); err != nil {
		return failure.From(err, failure.NetworkFailed)
	}
	routed := make(chan error, 1)
	go func() { routed <- awaitIPv6(ctx, link, network.IPv6) }()
	if network.DHCP {
		err = m.obtain(ctx, link)
	}
	if advertised := <-routed; err == nil {
		err = advertised
	}
	return err
}

// setStatic sets addresses that no other device has, and announces them: other hosts may have cached the MAC address of
// a previous owner.
func (m *Manager) setStatic(ctx context.Context, link netlink.Link, statics []spec.Static) error {
	if len(statics) == 0 {
		return nil
	}
	name := link.Attrs().Name
	addresses := make([]netip.Addr, 0, len(statics))
	for _, static := range statics {
		addresses = append(addresses, static.Prefix.Addr())
	}
	connected, err := awaitCarrier(ctx, link)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if !connected {
		m.Logf("%s is not connected, so no other device with %v can be found", name, addresses)
	} else if err := refuseConflicts(ctx, link, addresses); err != nil {
		return err
	}
	for _, static := range statics {
		if err := apply(link, lease{}, lease{prefix: static.Prefix, gateway: static.Gateway}); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if connected {
		return announce(link, addresses)
	}
	return nil
}

// apply replaces the old configuration by the new one.
func apply(link netlink.Link, old, new lease) error {
	if old.prefix.IsValid() && old.prefix != new.prefix {
		if err := netlink.AddrDel(link, address(old.prefix)); err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) {
			return fmt.Errorf("remove %v: %w", old.prefix, err)
		}
	}
	if !new.prefix.IsValid() {
		return nil
	}
	if err := netlink.AddrReplace(link, address(new.prefix)); err != nil {
		return fmt.Errorf("add %v: %w", new.prefix, err)
	}
	for _, route := range new.routes {
		if err := addRoute(link, route); err != nil {
			return err
		}
	}
	if new.gateway.IsValid() {
		everything := netip.PrefixFrom(netip.IPv4Unspecified(), 0)
		if new.gateway.Is6() {
			everything = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
		}
		return addRoute(link, route{destination: everything, gateway: new.gateway})
	}
	return nil
}

func address(prefix netip.Prefix) *netlink.Addr {
	addr := &netlink.Addr{IPNet: ipNet(prefix)}
	if prefix.Addr().Is6() {
		// No other device has it (refuseConflicts), and the kernel's duplicate address detection takes longer.
		addr.Flags = unix.IFA_F_NODAD
	}
	return addr
}

// addRoute adds a route. Of several adapters with a gateway the first in the spec is used.
func addRoute(link netlink.Link, wanted route) error {
	kernelRoute := &netlink.Route{
		LinkIndex: link.Attrs().Index,
		Dst:       ipNet(wanted.destination),
		Priority:  metric(link.Attrs().Name),
		Scope:     netlink.SCOPE_LINK,
	}
	if wanted.gateway.IsValid() && !wanted.gateway.IsUnspecified() {
		kernelRoute.Gw = wanted.gateway.AsSlice()
		kernelRoute.Scope = netlink.SCOPE_UNIVERSE
		// A gateway outside of the adapter's subnet, which some providers use, is assumed to be on the link.
		kernelRoute.Flags = int(netlink.FLAG_ONLINK)
	}
	if err := netlink.RouteReplace(kernelRoute); err != nil {
		return fmt.Errorf("route to %v by %v: %w", wanted.destination, wanted.gateway, err)
	}
	return nil
}

// metric returns 1 for eth0, 2 for eth1, and so on: renameInOrder has numbered the adapters in the order of the spec. The
// kernel's own interface indices follow the virtual hardware instead, while networks select their adapter by MAC address.
func metric(adapter string) int {
	number, err := strconv.Atoi(strings.TrimPrefix(adapter, "eth"))
	if err != nil {
		return math.MaxInt32
	}
	return number + 1
}

func ipNet(prefix netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: prefix.Addr().AsSlice(), Mask: net.CIDRMask(prefix.Bits(), prefix.Addr().BitLen())}
}

// Resolver returns the name servers and search domains of the leases, in the order of the adapters.
func (m *Manager) Resolver() (servers, search []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, name := range m.names {
		for _, server := range m.leases[name].servers {
			servers = append(servers, server.String())
		}
		search = append(search, m.leases[name].search...)
	}
	return servers, search
}

// PrimaryAddress returns the address of the first adapter, for the container's entry in /etc/hosts. It is not valid if there
// is none.
func (m *Manager) PrimaryAddress() netip.Addr {
	for _, name := range m.names {
		device, err := net.InterfaceByName(name)
		if err != nil {
			continue
		}
		addresses, err := device.Addrs()
		if err != nil {
			continue
		}
		for _, address := range addresses {
			prefix, err := netip.ParsePrefix(address.String())
			if err == nil && !prefix.Addr().IsLinkLocalUnicast() {
				return prefix.Addr()
			}
		}
	}
	return netip.Addr{}
}

// SetDefaults lets unprivileged processes of the container listen on low ports and send pings, as in Docker.
func SetDefaults() error {
	return errors.Join(
		os.WriteFile("/proc/sys/net/ipv4/ip_unprivileged_port_start", []byte("0"), 0),
		os.WriteFile("/proc/sys/net/ipv4/ping_group_range", []byte("0 2147483647"), 0),
	)
}
