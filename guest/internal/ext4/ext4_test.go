// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package ext4

import (
	"bytes"
	"encoding/binary"
	"testing"

	"gantry.invalid/guest/internal/format"
)

const id = "8d0c0000-0000-4000-8000-000000000001"

// memory is a disk in memory.
type memory []byte

func (m memory) WriteAt(data []byte, offset int64) (int, error) { return copy(m[offset:], data), nil }

func (m memory) ReadAt(data []byte, offset int64) (int, error) { return copy(data, m[offset:]), nil }

func (m memory) Sync() error { return nil }

// template has a superblock of 16 blocks of 4 KiB.
func template(t *testing.T) *format.Template {
	t.Helper()
	first := make([]byte, format.BlockBytes)
	super := first[superblockOffset:]
	binary.LittleEndian.PutUint16(super[magicField:], magic)
	binary.LittleEndian.PutUint32(super[blocksCountLow:], 16)
	binary.LittleEndian.PutUint32(super[logBlockSize:], 2)
	parsed, err := format.Parse(append([]byte("GANTRYFS1\n\x00\x00\x00\x00"), first...))
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestWriteCreatesTheFileSystemWithTheUUID(t *testing.T) {
	device := make(memory, 16*format.BlockBytes)
	if err := Write(template(t), device, int64(len(device)), id); err != nil {
		t.Fatal(err)
	}
	if got, err := UUID(device); err != nil || got != id {
		t.Errorf("UUID %q, %v", got, err)
	}
	if got, err := Bytes(device); err != nil || got != int64(len(device)) {
		t.Errorf("%d bytes, %v", got, err)
	}
	if !bytes.Equal(device[:superblockOffset], make([]byte, superblockOffset)) {
		t.Error("the mark is still there")
	}
}

func TestWriteRefusesADiskThatIsTooSmall(t *testing.T) {
	device := make(memory, 16*format.BlockBytes)
	if err := Write(template(t), device, 15*format.BlockBytes, id); err == nil {
		t.Error("no error")
	}
	if !bytes.Equal(device, make(memory, len(device))) {
		t.Error("something was written")
	}
}
