// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package ext4

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
)

const id = "8d0c0000-0000-4000-8000-000000000001"

// disk keeps the flushed content, and simulates a power failure at a given flush.
type disk struct {
	content []byte
	stable  []byte
	flushes int
	dieAt   int
}

var errPower = errors.New("power failure")

func (d *disk) WriteAt(data []byte, offset int64) (int, error) {
	return copy(d.content[offset:], data), nil
}

func (d *disk) ReadAt(data []byte, offset int64) (int, error) {
	return copy(data, d.content[offset:]), nil
}

func (d *disk) Sync() error {
	d.flushes++
	if d.flushes == d.dieAt {
		return errPower
	}
	d.stable = bytes.Clone(d.content)
	return nil
}

func newDisk(dieAt int) *disk {
	return &disk{content: make([]byte, 16*BlockBytes), stable: make([]byte, 16*BlockBytes), dieAt: dieAt}
}

// template has a superblock of 16 blocks of 4 KiB and one more block.
func template(t *testing.T) *Template {
	t.Helper()
	first := make([]byte, BlockBytes)
	super := first[superblockOffset:]
	binary.LittleEndian.PutUint16(super[magicField:], magic)
	binary.LittleEndian.PutUint32(super[blocksCountLow:], 16)
	binary.LittleEndian.PutUint32(super[logBlockSize:], 2)
	encoded := []byte(templateMagic)
	for number, content := range map[uint32][]byte{0: first} {
		encoded = binary.LittleEndian.AppendUint32(encoded, number)
		encoded = append(encoded, content...)
	}
	encoded = binary.LittleEndian.AppendUint32(encoded, 7)
	encoded = append(encoded, bytes.Repeat([]byte{7}, BlockBytes)...)
	parsed, err := ParseTemplate(encoded)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestWriteCreatesTheFileSystemWithTheUUID(t *testing.T) {
	device := newDisk(0)
	if err := template(t).Write(device, 16*BlockBytes, id); err != nil {
		t.Fatal(err)
	}
	if got, err := UUID(device); err != nil || got != id {
		t.Errorf("UUID %q, %v", got, err)
	}
	if got, err := Bytes(device); err != nil || got != 16*BlockBytes {
		t.Errorf("%d bytes, %v", got, err)
	}
	if device.content[7*BlockBytes] != 7 {
		t.Error("the other block is missing")
	}
	if !bytes.Equal(device.content[:superblockOffset], make([]byte, superblockOffset)) {
		t.Error("the mark is still there")
	}
	if interrupted, err := Interrupted(device, id); err != nil || interrupted {
		t.Errorf("interrupted is %v, %v", interrupted, err)
	}
}

func TestAnInterruptedWriteCanBeRepeated(t *testing.T) {
	for dieAt := 1; dieAt <= 3; dieAt++ {
		device := newDisk(dieAt)
		if err := template(t).Write(device, 16*BlockBytes, id); !errors.Is(err, errPower) {
			t.Fatalf("flush %d: %v", dieAt, err)
		}
		// Data that was written but not flushed may be lost or kept.
		for name, content := range map[string][]byte{"lost": device.stable, "kept": device.content} {
			left := &disk{content: bytes.Clone(content)}
			interrupted, err := Interrupted(left, id)
			if err != nil {
				t.Fatal(err)
			}
			blank := bytes.Equal(left.content, make([]byte, len(left.content)))
			volume, err := UUID(left)
			complete := err == nil && volume == id
			if !interrupted && !blank && !complete {
				t.Errorf("flush %d, %s: neither blank, interrupted nor complete", dieAt, name)
			}
			if complete && left.content[7*BlockBytes] != 7 {
				t.Errorf("flush %d, %s: complete without all blocks", dieAt, name)
			}
		}
	}
}

func TestInterruptedIsOnlyForTheSameID(t *testing.T) {
	device := newDisk(0)
	copy(device.content, formatMark+"11111111-2222-4333-8444-555555555555")
	if interrupted, err := Interrupted(device, id); err != nil || interrupted {
		t.Errorf("interrupted is %v, %v", interrupted, err)
	}
}

func TestWriteRefusesADiskThatIsTooSmall(t *testing.T) {
	device := newDisk(0)
	if err := template(t).Write(device, 15*BlockBytes, id); err == nil {
		t.Error("no error")
	}
	if device.flushes != 0 {
		t.Error("something was written")
	}
}

func TestParseTemplateRefusesInvalidTemplates(t *testing.T) {
	for name, content := range map[string]string{
		"empty": "", "no blocks": templateMagic, "cut short": templateMagic + "\x00\x00\x00\x00abc",
	} {
		if _, err := ParseTemplate([]byte(content)); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}
