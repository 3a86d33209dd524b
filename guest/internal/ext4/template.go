// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package ext4

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// BlockBytes is the block size of the file system that the build creates.
const BlockBytes = 4096

// templateMagic is the beginning of the template. The blocks follow, each after its number (little-endian, 32 bits).
const templateMagic = "GANTRYEXT4\n"

type block struct {
	number  uint32
	content []byte
}

// Template is an empty file system, reduced to its nonzero blocks.
type Template struct {
	blocks []block
}

// ParseTemplate parses the template that the build writes.
func ParseTemplate(content []byte) (*Template, error) {
	rest, found := bytes.CutPrefix(content, []byte(templateMagic))
	if !found {
		return nil, errors.New("not a file system template")
	}
	template := &Template{}
	for len(rest) > 0 {
		if len(rest) < 4+BlockBytes {
			return nil, errors.New("file system template is cut short")
		}
		template.blocks = append(template.blocks, block{
			number: binary.LittleEndian.Uint32(rest), content: rest[4 : 4+BlockBytes],
		})
		rest = rest[4+BlockBytes:]
	}
	if len(template.blocks) == 0 || template.blocks[0].number != 0 {
		return nil, errors.New("file system template does not begin with the superblock")
	}
	return template, nil
}

// Device is the target of a file system.
type Device interface {
	io.WriterAt
	Sync() error
}

// Write creates the file system with the given UUID on a blank device of the given size. The superblock is written last.
// Until then, the first block marks that formatting has begun, so that it is repeated after a reset.
func (t *Template) Write(device Device, deviceBytes int64, id string) error {
	uuid, err := parseUUID(id)
	if err != nil {
		return err
	}
	first := bytes.Clone(t.blocks[0].content)
	super := superblock(first[superblockOffset : superblockOffset+superblockBytes])
	if need := super.blocks() * super.blockSize(); deviceBytes < need {
		return fmt.Errorf("the disk has %d bytes; the smallest file system needs %d", deviceBytes, need)
	}
	super.setUUID(uuid)
	mark := make([]byte, BlockBytes)
	copy(mark, formatMark+id)
	if err := writeAndSync(device, block{0, mark}); err != nil {
		return err
	}
	if err := writeAndSync(device, t.blocks[1:]...); err != nil {
		return err
	}
	return writeAndSync(device, block{0, first})
}

func writeAndSync(device Device, blocks ...block) error {
	for _, block := range blocks {
		if _, err := device.WriteAt(block.content, int64(block.number)*BlockBytes); err != nil {
			return fmt.Errorf("write block %d: %w", block.number, err)
		}
	}
	if err := device.Sync(); err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	return nil
}

// Interrupted returns whether the formatting of a disk for this UUID was interrupted.
func Interrupted(reader io.ReaderAt, id string) (bool, error) {
	want := formatMark + id
	begin := make([]byte, len(want))
	if _, err := reader.ReadAt(begin, 0); err != nil {
		return false, err
	}
	if string(begin) != want {
		return false, nil
	}
	_, err := readSuperblock(reader)
	if errors.Is(err, errNotExt4) {
		return true, nil
	}
	return false, err
}
