// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package disks

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"gantry.invalid/guest/internal/ext4"
	"gantry.invalid/guest/internal/failure"
)

// Scratch is the writable disk.
type Scratch struct {
	Disk      Disk
	Formatted bool
}

// FindScratch waits for the file system with the given UUID, or for a blank disk at the unit, which may be formatted. A disk
// whose formatting was interrupted counts as blank. A disk with any other content is refused.
func (f *Finder) FindScratch(ctx context.Context, id string, unit int) (Scratch, error) {
	var (
		scratch Scratch
		ok      bool
		last    []Disk
	)
	err := f.Await(ctx, func(found []Disk) (bool, error) {
		last = found
		for _, disk := range found {
			if formatted, err := holds(disk, id); err == nil && formatted {
				scratch, ok = Scratch{Disk: disk, Formatted: true}, true
				return true, nil
			}
		}
		for _, disk := range found {
			if disk.Unit != unit {
				continue
			}
			if err := formattable(disk, id); err != nil {
				return true, err
			}
			scratch, ok = Scratch{Disk: disk}, true
			return true, nil
		}
		return false, nil
	})
	switch {
	case err != nil:
		return Scratch{}, failure.From(err, failure.ScratchMissing)
	case !ok:
		return Scratch{}, failure.New(failure.ScratchMissing,
			"no disk holds the file system %s and there is none at unit %d; %s", id, unit, Describe(last))
	}
	return scratch, nil
}

func holds(disk Disk, id string) (bool, error) {
	file, err := disk.Open()
	if err != nil {
		return false, err
	}
	defer file.Close()
	volume, err := ext4.UUID(file)
	return err == nil && volume == id, err
}

func formattable(disk Disk, id string) error {
	file, err := disk.Open()
	if err != nil {
		return failure.New(failure.ScratchMissing, "open %s: %v", disk.Path, err)
	}
	defer file.Close()
	interrupted, err := ext4.Interrupted(file, id)
	if err != nil {
		return failure.New(failure.ScratchMissing, "read %s: %v", disk.Path, err)
	}
	if interrupted {
		return nil
	}
	offset, blank, err := IsBlank(file, disk.Size)
	if err != nil {
		return failure.New(failure.ScratchMissing, "read %s: %v", disk.Path, err)
	}
	if blank {
		return nil
	}
	what := fmt.Sprintf("data near byte %d", offset)
	if volume, err := ext4.UUID(file); err == nil {
		what = "the ext4 file system " + volume
	}
	return failure.New(failure.ScratchForeign,
		"%s at unit %d is not blank: it holds %s, not this container's file system %s; it was not changed",
		disk.Name, disk.Unit, what, id)
}

const (
	// The sizes at both ends that are read completely: file systems, partition tables and RAID members have their signatures
	// there.
	blankBegin = 1 << 20
	blankEnd   = 256 << 10
	// The size and the number of samples between them.
	blankSample  = 4096
	blankSamples = 16
)

// IsBlank checks that both ends and samples between them contain only zeros, and returns the offset of other data.
func IsBlank(reader io.ReaderAt, size int64) (offset int64, blank bool, err error) {
	check := func(start, length int64) (bool, error) {
		start = max(0, start)
		chunk := make([]byte, min(length, size-start))
		if _, err := reader.ReadAt(chunk, start); err != nil {
			return false, err
		}
		offset = start
		return bytes.Equal(chunk, make([]byte, len(chunk))), nil
	}
	places := [][2]int64{{0, blankBegin}, {size - blankEnd, blankEnd}}
	if size > blankBegin+blankEnd {
		for i := int64(1); i < blankSamples; i++ {
			places = append(places, [2]int64{size / blankSamples * i / blankSample * blankSample, blankSample})
		}
	}
	for _, place := range places {
		if blank, err := check(place[0], place[1]); err != nil || !blank {
			return offset, false, err
		}
	}
	return 0, true, nil
}
