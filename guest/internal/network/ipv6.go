// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// IPv6 of an adapter by the kernel: what it accepts of the routers, and the wait for an address that they advertise.

package network

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"gantry.invalid/guest/internal/failure"
	"gantry.invalid/guest/internal/spec"
)

const (
	// ipv6Deadline is the time in which a router must have advertised an address, if one is awaited.
	ipv6Deadline = 30 * time.Second
	poll         = 50 * time.Millisecond
)

// chooseIPv6 sets what the kernel does when the adapter comes up. A kernel without IPv6 has no such settings.
func chooseIPv6(adapter string, wanted *spec.IPv6) error {
	for setting, value := range ipv6Settings(wanted) {
		path := filepath.Join("/proc/sys/net/ipv6/conf", adapter, setting)
		if err := os.WriteFile(path, []byte(value), 0); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// ipv6Settings returns the settings that differ from the kernel's: an adapter with a static address has no other one,
// and one with a gateway no other router.
func ipv6Settings(wanted *spec.IPv6) map[string]string {
	settings := map[string]string{}
	switch {
	case wanted == nil:
	case wanted.Mode == spec.IPv6Disabled:
		settings["disable_ipv6"] = "1"
	case wanted.Mode == spec.IPv6Static:
		settings["autoconf"] = "0"
		if wanted.Gateway != "" {
			settings["accept_ra_defrtr"] = "0"
		}
	}
	return settings
}

// awaitIPv6 waits for an address that a router advertises, if the spec requires one.
func awaitIPv6(ctx context.Context, link netlink.Link, wanted *spec.IPv6) error {
	if wanted == nil || wanted.Mode != spec.IPv6Auto {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, ipv6Deadline)
	defer cancel()
	for {
		addresses, err := whole(func() ([]netlink.Addr, error) { return netlink.AddrList(link, netlink.FAMILY_V6) })
		if err != nil {
			return failure.New(failure.IPv6Failed, "%s: %v", link.Attrs().Name, err)
		}
		if anyUsable(addresses) {
			return nil
		}
		if !sleep(limited, poll) {
			break
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return failure.New(failure.IPv6Failed, "no router has advertised an IPv6 prefix for addresses on %s (%s) within %v",
		link.Attrs().Name, link.Attrs().HardwareAddr, ipv6Deadline)
}

// anyUsable returns whether one of the addresses reaches beyond the link, and no other device has it.
func anyUsable(addresses []netlink.Addr) bool {
	for _, address := range addresses {
		if address.Scope == int(netlink.SCOPE_UNIVERSE) || address.Scope == int(netlink.SCOPE_SITE) {
			if address.Flags&(unix.IFA_F_TENTATIVE|unix.IFA_F_DADFAILED) == 0 {
				return true
			}
		}
	}
	return false
}
