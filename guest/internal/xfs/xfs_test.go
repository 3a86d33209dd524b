// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package xfs

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"testing"

	"gantry.invalid/guest/internal/format"
)

const id = "8d0c0000-0000-4000-8000-000000000001"

// memory is a disk in memory.
type memory []byte

func (m memory) WriteAt(data []byte, offset int64) (int, error) { return copy(m[offset:], data), nil }

func (m memory) ReadAt(data []byte, offset int64) (int, error) { return copy(data, m[offset:]), nil }

func (m memory) Sync() error { return nil }

// template has a superblock of 16 blocks of 4 KiB, with a label that is longer than others.
func template(t *testing.T) *format.Template {
	t.Helper()
	first := make([]byte, format.BlockBytes)
	copy(first, magic)
	binary.BigEndian.PutUint32(first[blockSizeField:], format.BlockBytes)
	binary.BigEndian.PutUint64(first[blocksField:], 16)
	copy(first[labelField:], "twelve chars")
	parsed, err := format.Parse(append([]byte("GANTRYFS1\n\x00\x00\x00\x00"), first...))
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestWriteCreatesTheFileSystemWithTheLabel(t *testing.T) {
	device := make(memory, 16*format.BlockBytes)
	if err := Write(template(t), device, int64(len(device)), id); err != nil {
		t.Fatal(err)
	}
	if got, err := Label(device); err != nil || got != LabelOf(id) || len(got) != labelBytes {
		t.Errorf("label %q, %v", got, err)
	}
	if got, err := Bytes(device); err != nil || got != int64(len(device)) {
		t.Errorf("%d bytes, %v", got, err)
	}
	sector := bytes.Clone(device[:sectorBytes])
	sum := binary.LittleEndian.Uint32(sector[checksumField:])
	clear(sector[checksumField : checksumField+4])
	if want := crc32.Checksum(sector, crc32.MakeTable(crc32.Castagnoli)); sum != want {
		t.Errorf("checksum %x, want %x", sum, want)
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

func TestLabelsOfOtherIdentitiesDiffer(t *testing.T) {
	if LabelOf(id) == LabelOf("8d0c0000-0000-4000-8000-000000000002") {
		t.Error("two identities have one label")
	}
}

func TestTemplateForTakesTheLargestThatFits(t *testing.T) {
	for _, test := range []struct{ deviceMiB, want int64 }{{300, 300}, {1199, 300}, {1200, 1200}, {90000, 1200}} {
		got, err := TemplateFor([]int64{1200, 300}, test.deviceMiB<<20)
		if err != nil || got != test.want {
			t.Errorf("%d MiB: %d, %v", test.deviceMiB, got, err)
		}
	}
	for _, sizes := range [][]int64{{300, 1200}, nil} {
		if got, err := TemplateFor(sizes, 299<<20); err == nil {
			t.Errorf("%v: %d", sizes, got)
		}
	}
}
