// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Static addresses that another VM on the same network has: the guest asks for them before it uses its own.

package machine

import (
	"fmt"
	"net/netip"
	"slices"
)

// failToConnect reports that the guest cannot use its addresses, and stays on for a while with its tools, as the bootstrap's init
// does.
func (n *None) failToConnect(run *guestRun, message string) {
	n.events.Guest(run.spec.ID, GuestInfo{Hostname: run.document.Hostname, Operations: run.document.Operations != nil})
	if ending, isFirst := n.beginEnd(run); isFirst {
		failure := map[string]string{"code": "address_in_use", "message": message}
		n.end(run, ending, map[string]any{"state": "error", "exit_code": nil, "error": failure}, message+"\n", lingerEnded)
	}
}

// conflict returns the failure of a guest with an address that another VM has, or an empty text. The caller holds the lock.
func (n *None) conflict(spec Spec, document containerSpec) string {
	for i, network := range document.Networks {
		if i >= len(spec.NICs) || !spec.NICs[i].Connected {
			continue
		}
		for _, static := range network.statics() {
			if owner := n.ownerOf(static, spec.NICs[i].Network); owner != "" {
				return fmt.Sprintf("other devices on the network of eth%d have addresses of this container: "+
					"%v by the one with the MAC address %s", i, static, owner)
			}
		}
	}
	return ""
}

// ownerOf returns the MAC address of the VM that has an address on a network, or an empty text.
func (n *None) ownerOf(address netip.Addr, network string) string {
	for _, run := range n.running {
		if run.reported == nil || run.suspended != nil {
			continue
		}
		for _, nic := range run.reported.NICs {
			if run.isConnected(nic.MAC, network) && slices.ContainsFunc(nic.Addresses, isAddress(address)) {
				return nic.MAC
			}
		}
	}
	return ""
}

func (g *guestRun) isConnected(mac, network string) bool {
	return slices.ContainsFunc(g.spec.NICs, func(nic NIC) bool {
		return nic.MAC == mac && nic.Network == network && nic.Connected
	})
}

func isAddress(address netip.Addr) func(string) bool {
	return func(reported string) bool {
		prefix, err := netip.ParsePrefix(reported)
		return err == nil && prefix.Addr() == address
	}
}

// statics returns the static addresses of an adapter, without those that the guest would refuse.
func (n containerNetwork) statics() []netip.Addr {
	texts := []string{n.Address}
	if n.IPv6 != nil {
		texts = append(texts, n.IPv6.Address)
	}
	var found []netip.Addr
	for _, text := range texts {
		if prefix, err := netip.ParsePrefix(text); err == nil {
			found = append(found, prefix.Addr())
		}
	}
	return found
}
