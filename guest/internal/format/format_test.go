// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package format

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

// template has a first block that begins with 9, and the block 7.
func template(t *testing.T) *Template {
	t.Helper()
	encoded := []byte(templateMagic)
	for _, number := range []byte{0, 7} {
		content := bytes.Repeat([]byte{number}, BlockBytes)
		content[0] = number + 9
		encoded = append(binary.LittleEndian.AppendUint32(encoded, uint32(number)), content...)
	}
	parsed, err := Parse(encoded)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestWriteTakesAnotherFirstBlock(t *testing.T) {
	device, one := newDisk(0), template(t)
	first := one.First()
	first[1] = 5
	if err := one.Write(device, id, first); err != nil {
		t.Fatal(err)
	}
	if device.content[0] != 9 || device.content[1] != 5 || device.content[7*BlockBytes] != 16 {
		t.Errorf("%v and %v", device.content[:2], device.content[7*BlockBytes])
	}
	if one.First()[1] != 0 {
		t.Error("the template has changed")
	}
}

func TestAnInterruptedWriteCanBeRepeated(t *testing.T) {
	for dieAt := 1; dieAt <= 3; dieAt++ {
		device, one := newDisk(dieAt), template(t)
		if err := one.Write(device, id, one.First()); !errors.Is(err, errPower) {
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
			complete := left.content[0] == 9
			if !interrupted && !blank && !complete {
				t.Errorf("flush %d, %s: neither blank, interrupted nor complete", dieAt, name)
			}
			if complete && left.content[7*BlockBytes] != 16 {
				t.Errorf("flush %d, %s: complete without all blocks", dieAt, name)
			}
		}
	}
}

func TestInterruptedIsOnlyForTheSameID(t *testing.T) {
	device := newDisk(0)
	copy(device.content, mark+"11111111-2222-4333-8444-555555555555")
	if interrupted, err := Interrupted(device, id); err != nil || interrupted {
		t.Errorf("interrupted is %v, %v", interrupted, err)
	}
}

func TestParseRefusesInvalidTemplates(t *testing.T) {
	for name, content := range map[string]string{
		"empty": "", "no blocks": templateMagic, "cut short": templateMagic + "\x00\x00\x00\x00abc",
		"no superblock": templateMagic + "\x01\x00\x00\x00" + string(make([]byte, BlockBytes)),
	} {
		if _, err := Parse([]byte(content)); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}
