// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Lists of the kernel's network objects, which can change while they are read.

package network

import (
	"errors"

	"github.com/vishvananda/netlink"
)

// dumpAttempts limits how often a list is read that changes each time.
const dumpAttempts = 20

// whole reads a list until the kernel has not changed it meanwhile (NLM_F_DUMP_INTR, for instance since an address of another
// adapter was added): such a list can lack entries.
func whole[T any](read func() ([]T, error)) (list []T, err error) {
	for range dumpAttempts {
		if list, err = read(); !errors.Is(err, netlink.ErrDumpInterrupted) {
			break
		}
	}
	return list, err
}
