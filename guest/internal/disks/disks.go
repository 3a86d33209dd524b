// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package disks finds the container's disks by their content, never by their order.
package disks

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"time"
)

// quiet is the time without new disks after which a missing disk is reported.
const quiet = 10 * time.Second

const sectorBytes = 512

// Disk is a block device.
type Disk struct {
	Name string // sda
	Path string // /dev/sda
	Size int64
	// Unit is the disk's unit on the first controller of its type, or -1 if it is on another one.
	Unit int
}

// Open opens the disk for reading.
func (d Disk) Open() (*os.File, error) { return os.Open(d.Path) }

// Finder lists the disks of the VM.
type Finder struct {
	Sys  string          // /sys
	Dev  string          // /dev
	Wake <-chan struct{} // receives a value when a disk may have appeared
}

// Await calls look with the disks at each change, until look returns true or no disk has appeared for a while.
func (f *Finder) Await(ctx context.Context, look func([]Disk) (bool, error)) error {
	deadline := time.NewTimer(quiet)
	defer deadline.Stop()
	for {
		found, err := f.List()
		if err != nil {
			return err
		}
		done, err := look(found)
		if done || err != nil {
			return err
		}
		select {
		case <-f.Wake:
			deadline.Reset(quiet)
		case <-deadline.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// List returns the disks that are present.
func (f *Finder) List() ([]Disk, error) {
	entries, err := os.ReadDir(filepath.Join(f.Sys, "block"))
	if err != nil {
		return nil, err
	}
	var found []Disk
	for _, entry := range entries {
		if !isDiskName(entry.Name()) {
			continue
		}
		directory := filepath.Join(f.Sys, "block", entry.Name())
		content, err := os.ReadFile(filepath.Join(directory, "size"))
		if err != nil {
			// The disk has been removed meanwhile.
			continue
		}
		sectors, err := strconv.ParseInt(strings.TrimSpace(string(content)), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("size of %s: %w", entry.Name(), err)
		}
		found = append(found, Disk{
			Name: entry.Name(), Path: filepath.Join(f.Dev, entry.Name()), Size: sectors * sectorBytes, Unit: -1,
		})
	}
	f.setUnits(found)
	return found, nil
}

func isDiskName(name string) bool {
	for _, prefix := range []string{"sd", "vd", "nvme"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// setUnits sets the units of SCSI disks to their target on the first SCSI host, and of virtio disks, which have no units, to
// their position on the PCI bus.
func (f *Finder) setUnits(found []Disk) {
	firstHost := -1
	address := func(disk Disk) (host, target int, ok bool) {
		link, err := os.Readlink(filepath.Join(f.Sys, "block", disk.Name, "device"))
		if err != nil {
			return 0, 0, false
		}
		var channel, lun int
		count, err := fmt.Sscanf(filepath.Base(link), "%d:%d:%d:%d", &host, &channel, &target, &lun)
		return host, target, count == 4 && err == nil
	}
	for _, disk := range found {
		if host, _, ok := address(disk); ok && (firstHost < 0 || host < firstHost) {
			firstHost = host
		}
	}
	virtio := map[string]int{}
	for i := range found {
		if host, target, ok := address(found[i]); ok && host == firstHost {
			found[i].Unit = target
		}
		if strings.HasPrefix(found[i].Name, "vd") {
			if place, err := filepath.EvalSymlinks(filepath.Join(f.Sys, "block", found[i].Name)); err == nil {
				virtio[place] = i
			}
		}
	}
	places := make([]string, 0, len(virtio))
	for place := range virtio {
		places = append(places, place)
	}
	sort.Strings(places)
	for unit, place := range places {
		found[virtio[place]].Unit = unit
	}
}

// Describe returns a list of disks for a message.
func Describe(found []Disk) string {
	if len(found) == 0 {
		return "there are no disks"
	}
	items := make([]string, 0, len(found))
	for _, disk := range found {
		items = append(items, fmt.Sprintf("%s (unit %d, %d bytes)", disk.Name, disk.Unit, disk.Size))
	}
	return "the disks are " + strings.Join(items, ", ")
}
