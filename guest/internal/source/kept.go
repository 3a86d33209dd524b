// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package source

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"gantry.invalid/guest/internal/disks"
	"gantry.invalid/guest/internal/ext4"
	"gantry.invalid/guest/record"
)

// Kept is the document that init has kept on the scratch disk when the container was started before. It replaces one that
// vSphere has dropped from guest info.
type Kept struct {
	Finder *disks.Finder
	// Machine is the firmware's UUID of this VM.
	Machine string
	// Document reads the document from the file system of a disk.
	Document func(disk disks.Disk) ([]byte, error)
}

// Name returns the name of the source for messages.
func (Kept) Name() string { return "the scratch disk" }

// Kind returns the value of the status.
func (Kept) Kind() string { return "scratch_disk" }

// Read returns the document of the disk that is certainly this container's: its record names this VM and the file system, and
// has the digest of the document. The VM may be a clone with a copy of the disk, or have the disk of another container attached.
// No disk appears any more: the sources before have waited.
func (k Kept) Read(context.Context) ([]byte, error) {
	if k.Machine == "" {
		return nil, ErrAbsent
	}
	found, err := k.Finder.List()
	if err != nil {
		return nil, err
	}
	for _, disk := range found {
		kept, ok := k.own(disk)
		if !ok {
			continue
		}
		document, err := k.Document(disk)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, ErrAbsent
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", disk.Name, err)
		}
		if record.Digest(document) != kept.Spec {
			// The machine was interrupted between writing the one and the other.
			return nil, ErrAbsent
		}
		return document, nil
	}
	return nil, ErrAbsent
}

// own returns the record of a disk that belongs to this VM. A disk that cannot be read is reported by the code that needs it.
func (k Kept) own(disk disks.Disk) (record.Record, bool) {
	file, err := disk.Open()
	if err != nil {
		return record.Record{}, false
	}
	defer file.Close()
	kept, err := record.Read(file)
	if err != nil || kept.Machine != k.Machine {
		return record.Record{}, false
	}
	volume, err := ext4.UUID(file)
	return kept, err == nil && volume == kept.ID
}
