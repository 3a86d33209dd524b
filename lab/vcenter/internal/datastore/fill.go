// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Disks that move between vCenters with separate datastores.

package datastore

import "fmt"

// FillDisk copies the content of a disk to an existing disk without a parent. The VM of the source must not write meanwhile;
// a running guest must be stopped.
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
		return fmt.Errorf("%s cannot take the content of %s: it has another size, or it has a parent", target, source)
	}
	store := s.byName[target.Store]
	defer store.Account(disk.Data)
	return copyChain(store, chain, disk.Data)
}
