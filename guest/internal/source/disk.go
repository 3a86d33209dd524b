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

// diskMagic is the beginning of a spec disk. The document and then NULs follow.
const diskMagic = "GANTRYSPEC1\n"

// Disk is a small disk that contains only the spec.
type Disk struct {
	Finder *disks.Finder
}

// Name returns the name of the source for messages.
func (Disk) Name() string { return "a spec disk" }

// Kind returns the value of the status.
func (Disk) Kind() string { return "spec_disk" }

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

// readSpecDisk returns false for disks that cannot be read: an unreadable disk is reported by the code that needs it.
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
