// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The search for other devices that have an address of this VM, before it is used.

package network

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mdlayher/packet"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"gantry.invalid/guest/internal/failure"
)

const (
	// probes is how often other devices are asked, as by RFC 5227.
	probes = 3
	// probeInterval is shorter than that of the RFC, which is made for networks of its time: the container waits for it.
	probeInterval = 100 * time.Millisecond
	// carrierDeadline is the time in which an adapter must be connected after it was brought up.
	carrierDeadline = 3 * time.Second
)

// awaitCarrier waits until frames can be sent, and returns whether they can.
func awaitCarrier(ctx context.Context, link netlink.Link) (bool, error) {
	limited, cancel := context.WithTimeout(ctx, carrierDeadline)
	defer cancel()
	for {
		current, err := netlink.LinkByIndex(link.Attrs().Index)
		if err != nil {
			return false, err
		}
		if current.Attrs().OperState == netlink.OperUp || current.Attrs().OperState == netlink.OperUnknown {
			return true, nil
		}
		if !sleep(limited, poll) {
			return false, ctx.Err()
		}
	}
}

// refuseConflicts returns a failure with the addresses that other devices on the network have.
func refuseConflicts(ctx context.Context, link netlink.Link, addresses []netip.Addr) error {
	owners, mu := map[netip.Addr]net.HardwareAddr{}, sync.Mutex{}
	results := make(chan error, len(addresses))
	for _, address := range addresses {
		go func() {
			owner, err := findOwner(ctx, link, address)
			if owner != nil {
				mu.Lock()
				owners[address] = owner
				mu.Unlock()
			}
			results <- err
		}()
	}
	var failed []error
	for range addresses {
		failed = append(failed, <-results)
	}
	if err := errors.Join(failed...); err != nil {
		return fmt.Errorf("%s: %w", link.Attrs().Name, err)
	}
	if len(owners) == 0 {
		return nil
	}
	return conflict(link.Attrs().Name, owners)
}

func conflict(adapter string, owners map[netip.Addr]net.HardwareAddr) error {
	var items []string
	for _, address := range slices.SortedFunc(maps.Keys(owners), netip.Addr.Compare) {
		items = append(items, fmt.Sprintf("%v by the one with the MAC address %v", address, owners[address]))
	}
	return failure.New(failure.AddressInUse, "other devices on the network of %s have addresses of this container: %s",
		adapter, strings.Join(items, ", "))
}

// findOwner asks who has the address, and returns the MAC address of the first device that answers, or nil.
func findOwner(ctx context.Context, link netlink.Link, address netip.Addr) (owner net.HardwareAddr, err error) {
	connection, err := listen(link, address)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, connection.Close()) }()
	own := link.Attrs().HardwareAddr
	to, probe := probeFrame(own, address)
	for range probes {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if _, err := connection.WriteTo(probe, &packet.Addr{HardwareAddr: to}); err != nil {
			return nil, fmt.Errorf("ask who has %v: %w", address, err)
		}
		owner, err := awaitOwner(connection, own, address)
		if owner != nil || err != nil {
			return owner, err
		}
	}
	return nil, nil
}

// awaitOwner reads frames until one has the owner or the interval is over.
func awaitOwner(connection net.PacketConn, own net.HardwareAddr, address netip.Addr) (net.HardwareAddr, error) {
	if err := connection.SetReadDeadline(time.Now().Add(probeInterval)); err != nil {
		return nil, err
	}
	frame := make([]byte, 256)
	for {
		length, _, err := connection.ReadFrom(frame)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("wait for the owner of %v: %w", address, err)
		}
		if owner := ownerIn(frame[:length], address); owner != nil && !bytes.Equal(owner, own) {
			return owner, nil
		}
	}
}

// announce tells all devices on the network that this one has the addresses.
func announce(link netlink.Link, addresses []netip.Addr) error {
	for _, address := range addresses {
		connection, err := listen(link, address)
		if err != nil {
			return err
		}
		to, frame := announcementFrame(link.Attrs().HardwareAddr, address)
		_, err = connection.WriteTo(frame, &packet.Addr{HardwareAddr: to})
		if err := errors.Join(err, connection.Close()); err != nil {
			return fmt.Errorf("announce %v on %s: %w", address, link.Attrs().Name, err)
		}
	}
	return nil
}

func listen(link netlink.Link, address netip.Addr) (*packet.Conn, error) {
	protocol := unix.ETH_P_ARP
	if address.Is6() {
		protocol = unix.ETH_P_IPV6
	}
	adapter := &net.Interface{Index: link.Attrs().Index, Name: link.Attrs().Name, HardwareAddr: link.Attrs().HardwareAddr}
	return packet.Listen(adapter, packet.Raw, protocol, nil)
}
