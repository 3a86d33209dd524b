// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package qcow2 creates overlays: files with the changes of a disk on top of its parent's data.
package qcow2

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

const (
	magic            = 0x514649fb // "QFI\xfb"
	version          = 3
	clusterBits      = 16
	clusterSize      = 1 << clusterBits
	refcountOrder    = 4 // 16 bits each
	headerLength     = 104
	extensionFormat  = 0xe2792aca // format of the backing file
	bytesPerL1Entry  = clusterSize / 8 * clusterSize
	maxVirtualSize   = int64(62) << 40
	maxBackingName   = 1023
	refcountTableAt  = 1 * clusterSize
	refcountBlockAt  = 2 * clusterSize
	level1TableAt    = 3 * clusterSize
	clustersBeforeL1 = 3
	l1OffsetMask     = 0x00fffffffffffe00
)

type header struct {
	Magic, Version        uint32
	BackingOffset         uint64
	BackingSize           uint32
	ClusterBits           uint32
	Size                  uint64
	CryptMethod           uint32
	L1Size                uint32
	L1Offset              uint64
	RefcountTableOffset   uint64
	RefcountTableClusters uint32
	Snapshots             uint32
	SnapshotsOffset       uint64
	Incompatible          uint64
	Compatible            uint64
	Autoclear             uint64
	RefcountOrder         uint32
	HeaderLength          uint32
}

// Create creates an empty overlay. backing is absolute or relative to the overlay's directory.
func Create(path string, size int64, backing, backingFormat string) error {
	if size <= 0 || size > maxVirtualSize {
		return fmt.Errorf("an overlay cannot have %d bytes", size)
	}
	if backing == "" || len(backing) > maxBackingName {
		return fmt.Errorf("an overlay cannot have the backing file %q", backing)
	}
	l1Entries := (size + bytesPerL1Entry - 1) / bytesPerL1Entry
	l1Clusters := (l1Entries*8 + clusterSize - 1) / clusterSize
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = errors.Join(
		file.Truncate((clustersBeforeL1+l1Clusters)*clusterSize),
		writeAt(file, 0, encodeHeader(size, uint32(l1Entries), backing, backingFormat)),
		writeAt(file, refcountTableAt, binary.BigEndian.AppendUint64(nil, refcountBlockAt)),
		writeAt(file, refcountBlockAt, bytes.Repeat([]byte{0, 1}, int(clustersBeforeL1+l1Clusters))),
		file.Close())
	if err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

func encodeHeader(size int64, l1Entries uint32, backing, format string) []byte {
	var extensions bytes.Buffer
	padded := make([]byte, (len(format)+7)/8*8)
	copy(padded, format)
	must(binary.Write(&extensions, binary.BigEndian, []uint32{extensionFormat, uint32(len(format))}))
	extensions.Write(padded)
	must(binary.Write(&extensions, binary.BigEndian, []uint32{0, 0}))

	var b bytes.Buffer
	must(binary.Write(&b, binary.BigEndian, header{Magic: magic, Version: version,
		BackingOffset: uint64(headerLength + extensions.Len()), BackingSize: uint32(len(backing)),
		ClusterBits: clusterBits, Size: uint64(size), L1Size: l1Entries, L1Offset: level1TableAt,
		RefcountTableOffset: refcountTableAt, RefcountTableClusters: 1,
		RefcountOrder: refcountOrder, HeaderLength: headerLength}))
	b.Write(extensions.Bytes())
	b.WriteString(backing)
	return b.Bytes()
}

// Untouched returns whether nothing has been written to the overlay, so that its parent has all its data.
func Untouched(path string) (bool, error) {
	file, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer file.Close()
	_, entries, err := readTable(file)
	if err != nil {
		return false, fmt.Errorf("%s: %w", path, err)
	}
	for _, entry := range entries {
		if entry&l1OffsetMask != 0 {
			return false, nil
		}
	}
	return true, nil
}

// readTable reads the header of an overlay and its level 1 table.
func readTable(file io.ReaderAt) (h header, entries []uint64, err error) {
	source := io.NewSectionReader(file, 0, headerLength)
	if err := binary.Read(source, binary.BigEndian, &h); err != nil {
		return h, nil, err
	}
	if h.Magic != magic || h.L1Size > uint32(maxVirtualSize/bytesPerL1Entry) {
		return h, nil, fmt.Errorf("it is not a qcow2 file that the lab has created")
	}
	entries = make([]uint64, h.L1Size)
	table := io.NewSectionReader(file, int64(h.L1Offset), int64(h.L1Size)*8)
	return h, entries, binary.Read(table, binary.BigEndian, entries)
}

func writeAt(file *os.File, offset int64, data []byte) error {
	_, err := file.WriteAt(data, offset)
	return err
}

// must panics on an error. Writes to memory fail only for values without a fixed size.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
