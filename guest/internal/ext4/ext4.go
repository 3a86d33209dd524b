// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package ext4 creates ext4 file systems from the template of an empty one of the minimum size, which the kernel grows to the size
// of the disk, and identifies them by their UUID.
package ext4

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"

	"gantry.invalid/guest/internal/format"
)

// Offsets of fields in the superblock, from the beginning of the disk.
const (
	superblockOffset = 1024
	superblockBytes  = 1024

	blocksCountLow  = 0x04
	logBlockSize    = 0x18
	magicField      = 0x38
	uuidField       = 0x68
	hashSeedField   = 0xec
	blocksCountHigh = 0x150
	checksumField   = 0x3fc

	magic     = 0xef53
	uuidBytes = 16
	ioctlGrow = 0x40086610 // EXT4_IOC_RESIZE_FS
	// EXT4_IOC_SETFSUUID, since Linux 6.0. struct fsuuid counts without the UUID that follows it.
	ioctlSetUUID = 0x4008662c
)

var errNotExt4 = errors.New("not an ext4 file system")

type superblock []byte

func readSuperblock(reader io.ReaderAt) (superblock, error) {
	block := make([]byte, superblockBytes)
	if _, err := reader.ReadAt(block, superblockOffset); err != nil {
		return nil, err
	}
	if binary.LittleEndian.Uint16(block[magicField:]) != magic {
		return nil, errNotExt4
	}
	return block, nil
}

func (s superblock) blockSize() int64 { return 1024 << binary.LittleEndian.Uint32(s[logBlockSize:]) }

func (s superblock) blocks() int64 {
	return int64(binary.LittleEndian.Uint32(s[blocksCountLow:])) |
		int64(binary.LittleEndian.Uint32(s[blocksCountHigh:]))<<32
}

// setUUID requires the metadata_csum_seed feature: with it, all other checksums stay valid.
func (s superblock) setUUID(uuid []byte) {
	copy(s[uuidField:], uuid)
	copy(s[hashSeedField:], uuid)
	sum := ^crc32.Checksum(s[:checksumField], crc32.MakeTable(crc32.Castagnoli))
	binary.LittleEndian.PutUint32(s[checksumField:], sum)
}

// UUID reads the UUID of the file system.
func UUID(reader io.ReaderAt) (string, error) {
	block, err := readSuperblock(reader)
	if err != nil {
		return "", err
	}
	text := hex.EncodeToString(block[uuidField : uuidField+uuidBytes])
	return strings.Join([]string{text[:8], text[8:12], text[12:16], text[16:20], text[20:]}, "-"), nil
}

// Bytes reads the current size of the file system.
func Bytes(reader io.ReaderAt) (int64, error) {
	block, err := readSuperblock(reader)
	if err != nil {
		return 0, err
	}
	return block.blocks() * block.blockSize(), nil
}

// Write creates the file system with the given UUID on a blank device of the given size.
func Write(template *format.Template, device format.Device, deviceBytes int64, id string) error {
	uuid, err := parseUUID(id)
	if err != nil {
		return err
	}
	first := template.First()
	super := superblock(first[superblockOffset : superblockOffset+superblockBytes])
	if need := super.blocks() * super.blockSize(); deviceBytes < need {
		return fmt.Errorf("the disk has %d bytes; the smallest file system needs %d", deviceBytes, need)
	}
	super.setUUID(uuid)
	return template.Write(device, id, first)
}

// SetUUID changes the UUID of the file system mounted at the directory. The kernel writes it through the journal: a superblock that
// is changed before the mount gets its former UUID again when the journal of an unclean file system is replayed.
func SetUUID(directory, id string) error {
	uuid, err := parseUUID(id)
	if err != nil {
		return err
	}
	return format.ChangeMounted(directory, func(fd int) error {
		if err := ioctlUUID(fd, uuid); err != nil {
			return fmt.Errorf("set the UUID %s: %w", id, err)
		}
		return nil
	})
}

// Grow grows the file system mounted at the directory to the size of its disk.
func Grow(directory string, diskBytes int64) error {
	return format.ChangeMounted(directory, func(fd int) error {
		if err := ioctlUint64(fd, ioctlGrow, uint64(diskBytes/format.BlockBytes)); err != nil {
			return fmt.Errorf("grow to %d bytes: %w", diskBytes, err)
		}
		return nil
	})
}

func parseUUID(text string) ([]byte, error) {
	uuid, err := hex.DecodeString(strings.ReplaceAll(text, "-", ""))
	if err != nil || len(uuid) != uuidBytes {
		return nil, fmt.Errorf("%q is not a UUID", text)
	}
	return uuid, nil
}
