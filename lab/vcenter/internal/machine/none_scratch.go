// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The scratch disks of the guests of None. Nothing mounts them: what a client can read of the disk of a VM that is off is there,
// the beginning of its file system and the record that init keeps before it.

package machine

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"time"

	"gantry.invalid/guest/record"
)

const (
	scratchUnit = 1

	// The places of a superblock's fields on the disk.
	ext4Magic = 1024 + 0x38
	ext4UUID  = 1024 + 0x68
)

// keepStart replaces the record of an earlier run.
func (g *guestRun) keepStart() error {
	now := time.Now().UTC().Format(time.RFC3339Nano)
	g.started = &now
	return g.keep(record.Status{State: record.Started}, "")
}

// keepEnd records the last status of a run, and the end of its output.
func (g *guestRun) keepEnd(status map[string]any, output string) error {
	text, err := json.Marshal(status)
	if err != nil {
		return err
	}
	ended := record.Status{}
	if err := json.Unmarshal(text, &ended); err != nil {
		return err
	}
	ended.StartedAt = g.started
	return g.keep(ended, output)
}

// keep writes the record of a run to its scratch disk, if that is a file of the disk's content and it is the container's own or
// blank.
func (g *guestRun) keep(status record.Status, output string) error {
	path := g.scratchPath()
	if path == "" {
		return nil
	}
	volume, err := hex.DecodeString(strings.ReplaceAll(g.document.ID, "-", ""))
	if err != nil {
		return err
	}
	disk, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	kept := record.Record{
		ID: g.document.ID, Machine: g.spec.UUID, Spec: record.Digest(g.lastDocument().text), Status: status,
	}
	return errors.Join(writeScratch(disk, kept, volume, output), disk.Close())
}

func (g *guestRun) scratchPath() string {
	for _, disk := range g.spec.Disks {
		if disk.Unit == scratchUnit && disk.Format == "raw" && !disk.ReadOnly {
			return disk.Path
		}
	}
	return ""
}

func writeScratch(disk *os.File, kept record.Record, volume []byte, output string) error {
	isOwn, err := isBlankOr(disk, volume)
	if err != nil || !isOwn {
		return err
	}
	if err := kept.Write(unsynced{disk}, []byte(output)); err != nil {
		return err
	}
	if _, err := disk.WriteAt(binary.LittleEndian.AppendUint16(nil, 0xef53), ext4Magic); err != nil {
		return err
	}
	_, err = disk.WriteAt(volume, ext4UUID)
	return err
}

// unsynced is a disk that survives the end of the lab, but not that of the machine, which takes no time.
type unsynced struct{ io.WriterAt }

func (unsynced) Sync() error { return nil }

// isBlankOr returns whether the disk has no file system or the one of this volume.
func isBlankOr(disk io.ReaderAt, volume []byte) (bool, error) {
	found := make([]byte, len(volume))
	if _, err := disk.ReadAt(found, ext4UUID); err != nil {
		return false, err
	}
	return string(found) == string(volume) || strings.Trim(string(found), "\x00") == "", nil
}
