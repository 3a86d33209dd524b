// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package format creates file systems without their mkfs: the build creates empty ones, and the bootstrap contains the nonzero
// blocks of each.
package format

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// BlockBytes is the size of a block of a template, and of the file systems that the build creates.
const BlockBytes = 4096

const (
	// templateMagic is the beginning of a template. The blocks follow, each after its number (little-endian, 32 bits).
	templateMagic = "GANTRYFS1\n"
	// mark is what a disk begins with while it is formatted. The identity of the file system follows.
	mark = "GANTRYFORMAT1\n"
)

type block struct {
	number  uint32
	content []byte
}

// Template is an empty file system, reduced to its nonzero blocks.
type Template struct {
	blocks []block
}

// Parse parses a template that the build has written.
func Parse(content []byte) (*Template, error) {
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

// First returns a copy of the first block, which has the superblock.
func (t *Template) First() []byte { return bytes.Clone(t.blocks[0].content) }

// Device is the target of a file system.
type Device interface {
	io.WriterAt
	Sync() error
}

// Write creates the file system on a blank device. Its first block, which may differ from the template's, is written last. Until
// then, the first block marks that formatting for this identity has begun, so that it is repeated after a reset.
func (t *Template) Write(device Device, id string, first []byte) error {
	begun := make([]byte, BlockBytes)
	copy(begun, mark+id)
	if err := writeAndSync(device, block{0, begun}); err != nil {
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

// Interrupted returns whether the formatting of a disk for this identity was interrupted.
func Interrupted(reader io.ReaderAt, id string) (bool, error) {
	want := mark + id
	begin := make([]byte, len(want))
	if _, err := reader.ReadAt(begin, 0); err != nil {
		return false, err
	}
	return string(begin) == want, nil
}
