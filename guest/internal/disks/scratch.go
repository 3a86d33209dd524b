// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package disks

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"gantry.invalid/guest/internal/failure"
	"gantry.invalid/guest/internal/filesystems"
	"gantry.invalid/guest/internal/format"
)

// FileSystem is a disk for a file system of the container. Unless it has one, it may be formatted. One that is a copy has the UUID of
// its origin, and is to get its own.
type FileSystem struct {
	Disk Disk
	// Kind is the file system that the disk has. It is nil if the disk is not formatted.
	Kind   *filesystems.Kind
	Copied bool
}

// purpose has the failures of a disk, what it is for, and the UUIDs that the file system may have as a copy.
type purpose struct {
	missing, foreign failure.Code
	name             string
	origins          []string
}

// FindScratch waits for the writable disk: the file system with the given UUID, or a blank disk at the unit, which may be
// formatted. A disk whose formatting was interrupted counts as blank. A disk with any other content is refused.
func (f *Finder) FindScratch(ctx context.Context, id string, unit int) (FileSystem, error) {
	return f.find(ctx, id, &unit, purpose{
		missing: failure.ScratchMissing, foreign: failure.ScratchForeign, name: "this container's file system",
	})
}

// FindVolume waits for the disk of a volume in the same way. Without a unit, only a formatted disk is found. The disk at the unit
// may be a copy that still has the UUID of one of the origins.
func (f *Finder) FindVolume(ctx context.Context, id string, unit *int, origins ...string) (FileSystem, error) {
	return f.find(ctx, id, unit, purpose{
		missing: failure.VolumeMissing, foreign: failure.VolumeForeign, name: "the volume's file system", origins: origins,
	})
}

func (f *Finder) find(ctx context.Context, id string, unit *int, use purpose) (FileSystem, error) {
	var (
		chosen FileSystem
		ok     bool
		last   []Disk
	)
	err := f.Await(ctx, func(found []Disk) (bool, error) {
		last = found
		var err error
		chosen, ok, err = choose(found, id, unit, use)
		return ok || err != nil, err
	})
	switch {
	case err != nil:
		return FileSystem{}, failure.From(err, use.missing)
	case !ok && unit == nil:
		return FileSystem{}, failure.New(use.missing, "no disk holds the file system %s; %s", id, Describe(last))
	case !ok:
		return FileSystem{}, failure.New(use.missing,
			"no disk holds the file system %s and there is none at unit %d; %s", id, *unit, Describe(last))
	}
	return chosen, nil
}

func choose(found []Disk, id string, unit *int, use purpose) (FileSystem, bool, error) {
	var holders []Disk
	for _, disk := range found {
		if holder(disk, id) != nil {
			holders = append(holders, disk)
		}
	}
	atUnit := slices.IndexFunc(found, func(disk Disk) bool { return unit != nil && disk.Unit == *unit })
	switch {
	case len(holders) > 1:
		// A copy that init does not know of. Which of them is the original, nothing on them tells.
		names := make([]string, len(holders))
		for i, disk := range holders {
			names[i] = disk.Name
		}
		return FileSystem{}, false, failure.New(use.foreign, "%s all hold %s %s; none was changed", strings.Join(names, ", "), use.name, id)
	case len(holders) == 1:
		return FileSystem{Disk: holders[0], Kind: holder(holders[0], id)}, true, nil
	case atUnit < 0:
		return FileSystem{}, false, nil
	}
	if kind := holder(found[atUnit], use.origins...); kind != nil {
		return FileSystem{Disk: found[atUnit], Kind: kind, Copied: true}, true, nil
	}
	return FileSystem{Disk: found[atUnit]}, true, formattable(found[atUnit], id, use)
}

// holder returns the file system of a disk, if it has one of the identities.
func holder(disk Disk, ids ...string) *filesystems.Kind {
	file, err := disk.Open()
	if err != nil {
		return nil
	}
	defer file.Close()
	return filesystems.Holder(file, ids...)
}

func formattable(disk Disk, id string, use purpose) error {
	file, err := disk.Open()
	if err != nil {
		return failure.New(use.missing, "open %s: %v", disk.Path, err)
	}
	defer file.Close()
	for _, owner := range append([]string{id}, use.origins...) {
		interrupted, err := format.Interrupted(file, owner)
		if err != nil {
			return failure.New(use.missing, "read %s: %v", disk.Path, err)
		}
		if interrupted {
			return nil
		}
	}
	offset, blank, err := IsBlank(file, disk.Size)
	if err != nil {
		return failure.New(use.missing, "read %s: %v", disk.Path, err)
	}
	if blank {
		return nil
	}
	what := fmt.Sprintf("data near byte %d", offset)
	if described := filesystems.Describe(file); described != "" {
		what = described
	}
	return failure.New(use.foreign,
		"%s at unit %d is not blank: it holds %s, not %s %s; it was not changed",
		disk.Name, disk.Unit, what, use.name, id)
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
