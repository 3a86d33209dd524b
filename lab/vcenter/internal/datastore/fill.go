// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Disks that are moved between vCenters, which have datastores of their own.

package datastore

import "fmt"

// FillDisk gives a disk of its own, made before, the content that another one shows. The other one's machine must not
// write meanwhile; it may be on, and stand still.
func (s *Stores) FillDisk(target Path, from *Stores, source Path) error {
	chain, err := from.Chain(source)
	if err != nil {
		return err
	}
	disk, err := s.Disk(target)
	if err != nil {
		return err
	}
	if disk.Parent != nil || disk.Capacity != chain[0].Capacity {
		return fmt.Errorf("%s cannot take the content of %s: it is of another size, or stands on another disk", target, source)
	}
	store := s.byName[target.Store]
	defer store.Account(disk.Data)
	return copyChain(store, chain, disk.Data)
}
