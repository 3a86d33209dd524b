// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"net"
	"net/netip"

	"gantry.invalid/guest/internal/failure"
	"gantry.invalid/guest/internal/rootfs"
	"gantry.invalid/guest/internal/spec"
)

// nfsModule is the kernel module that NFS requires, besides its dependencies.
const nfsModule = "nfsv4"

// mountNFS mounts the directories of NFS servers when the network is configured. Without any, the kernel modules are removed from
// memory.
func (m *machine) mountNFS(ctx context.Context, wanted []spec.NFS) error {
	if len(wanted) == 0 {
		if err := m.modules.Discard(nfsModule); err != nil {
			m.logError(err)
		}
		return nil
	}
	if err := m.modules.Load(nfsModule); err != nil {
		return failure.From(err, failure.VolumeMountFailed)
	}
	if err := shareNames(); err != nil {
		return err
	}
	return rootfs.NewNFS(lookup, m.console.logf).Mount(ctx, wanted)
}

func lookup(ctx context.Context, server string) ([]netip.Addr, error) {
	if address, err := netip.ParseAddr(server); err == nil {
		return []netip.Addr{address}, nil
	}
	return net.DefaultResolver.LookupNetIP(ctx, "ip", server)
}
