// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package source

import (
	"bytes"
	"context"
	"io"

	"gantry.invalid/guest/internal/disks"
	"gantry.invalid/guest/internal/spec"
)

// diskMagic is how a spec disk begins; the document follows, then NULs.
const diskMagic = "GANTRYSPEC1\n"

// Disk is a small disk that holds nothing but the spec.
type Disk struct {
	Finder *disks.Finder
}

// Name is how messages call this source.
func (Disk) Name() string { return "a spec disk" }

// Read returns the spec of the first disk that has its magic number, waiting until no more disks appear.
func (d Disk) Read(ctx context.Context) ([]byte, error) {
	var document []byte
	err := d.Finder.Await(ctx, func(found []disks.Disk) (bool, error) {
		for _, disk := range found {
			if content, ok := readSpecDisk(disk); ok {
				document = content
				return true, nil
			}
		}
		return false, nil
	})
	if err != nil {
		return nil, err
	}
	if document == nil {
		return nil, ErrAbsent
	}
	return document, nil
}

// readSpecDisk skips disks that cannot be read: they are not what is looked for, and whoever needs them reports it.
func readSpecDisk(disk disks.Disk) ([]byte, bool) {
	file, err := disk.Open()
	if err != nil {
		return nil, false
	}
	defer file.Close()
	magic := make([]byte, len(diskMagic))
	if _, err := io.ReadFull(file, magic); err != nil || string(magic) != diskMagic {
		return nil, false
	}
	content, err := io.ReadAll(io.LimitReader(file, spec.MaxBytes))
	if err != nil {
		return nil, false
	}
	document, _, _ := bytes.Cut(content, []byte{0})
	return document, true
}
