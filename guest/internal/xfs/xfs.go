// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package xfs creates XFS file systems from templates of empty ones, which the kernel grows to the size of the disk, and identifies
// them by their label.
//
// All that are created have the UUID of their template, because the kernel replays the log of an unclean file system only under
// the UUID that it was written with. So they are mounted with "nouuid", and a digest of the identity is the label, which the kernel
// changes through the log.
package xfs

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strings"

	"gantry.invalid/guest/internal/format"
)

// Options of a mount.
const Options = "nouuid"

// Offsets of fields in the superblock, from the beginning of the disk. Numbers are big-endian, but for the checksum.
const (
	magicField     = 0
	blockSizeField = 4
	blocksField    = 8
	labelField     = 108
	checksumField  = 224
	sectorBytes    = 512

	magic      = "XFSB"
	labelBytes = 12

	// FS_IOC_SETFSLABEL with an array of FSLABEL_MAX characters.
	ioctlSetLabel = 0x41009432
	maxLabelBytes = 256
	// XFS_IOC_FSGROWFSDATA with struct xfs_growfs_data.
	ioctlGrow = 0x4010586e
)

var errNotXFS = errors.New("not an XFS file system")

type superblock []byte

func readSuperblock(reader io.ReaderAt) (superblock, error) {
	sector := make([]byte, sectorBytes)
	if _, err := reader.ReadAt(sector, 0); err != nil {
		return nil, err
	}
	if string(sector[magicField:magicField+len(magic)]) != magic {
		return nil, errNotXFS
	}
	return sector, nil
}

func (s superblock) blockSize() int64 { return int64(binary.BigEndian.Uint32(s[blockSizeField:])) }

func (s superblock) blocks() int64 { return int64(binary.BigEndian.Uint64(s[blocksField:])) }

func (s superblock) label() string {
	return strings.TrimRight(string(s[labelField:labelField+labelBytes]), "\x00")
}

func (s superblock) setLabel(label string) {
	clear(s[labelField : labelField+labelBytes])
	copy(s[labelField:labelField+labelBytes], label)
	clear(s[checksumField : checksumField+4])
	binary.LittleEndian.PutUint32(s[checksumField:], crc32.Checksum(s, crc32.MakeTable(crc32.Castagnoli)))
}

// LabelOf returns the label of the file system with this identity: 12 characters for 72 bits of a digest.
func LabelOf(id string) string {
	digest := sha256.Sum256([]byte(id))
	return base64.RawURLEncoding.EncodeToString(digest[:])[:labelBytes]
}

// Label reads the label of the file system.
func Label(reader io.ReaderAt) (string, error) {
	super, err := readSuperblock(reader)
	if err != nil {
		return "", err
	}
	return super.label(), nil
}

// Bytes reads the current size of the file system.
func Bytes(reader io.ReaderAt) (int64, error) {
	super, err := readSuperblock(reader)
	if err != nil {
		return 0, err
	}
	return super.blocks() * super.blockSize(), nil
}

// Write creates the file system with this identity on a blank device, from the template for its size.
func Write(template *format.Template, device format.Device, deviceBytes int64, id string) error {
	first := template.First()
	super := superblock(first[:sectorBytes])
	if need := super.blocks() * super.blockSize(); deviceBytes < need {
		return fmt.Errorf("the disk has %d bytes; the smallest file system needs %d", deviceBytes, need)
	}
	super.setLabel(LabelOf(id))
	return template.Write(device, id, first)
}

// TemplateFor returns the largest of the templates, which are named by the sizes of their file systems in MiB, that fits the disk:
// a file system that grows gets more allocation groups of the same size, and many small ones are slow.
func TemplateFor(sizesMiB []int64, deviceBytes int64) (int64, error) {
	sizes := slices.Sorted(slices.Values(sizesMiB))
	for _, size := range slices.Backward(sizes) {
		if size<<20 <= deviceBytes {
			return size, nil
		}
	}
	if len(sizes) == 0 {
		return 0, errors.New("the bootstrap has no template of an XFS file system")
	}
	return 0, fmt.Errorf("the disk has %d bytes; the smallest XFS file system needs %d", deviceBytes, sizes[0]<<20)
}

// SetIdentity changes the identity of the file system mounted at the directory.
func SetIdentity(directory, id string) error {
	return format.ChangeMounted(directory, func(fd int) error { return ioctlLabel(fd, LabelOf(id)) })
}

// Grow grows the file system mounted at the directory to the size of its disk.
func Grow(directory string, diskBytes int64) error {
	return format.ChangeMounted(directory, func(fd int) error {
		if err := ioctlGrowData(fd, uint64(diskBytes/format.BlockBytes)); err != nil {
			return fmt.Errorf("grow to %d bytes: %w", diskBytes, err)
		}
		return nil
	})
}
