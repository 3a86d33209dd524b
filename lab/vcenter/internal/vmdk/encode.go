// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The writer of the stream-optimized format.

package vmdk

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"io"
)

const (
	streamVersion     = 3
	flagNewlines      = 1       // the bytes that reveal a transfer that changes line ends are valid
	streamOverhead    = 128     // sectors; the header and the descriptor are in them
	descriptorSectors = 20      // after the header
	streamContentID   = 1 << 16 // any value but 0xfffffffe and 0xffffffff, which have a meaning
)

// Input is the content of a disk.
type Input interface {
	io.ReaderAt
	// Next returns the first offset from the given one that may have data, or the size of the disk if all of the rest is zero.
	Next(offset int64) (int64, error)
}

// Encode writes a disk of the given capacity in bytes as a stream-optimized VMDK, with the grains that are not zero. It reads
// no more of the disk than it has written, so that a receiver may stop after the beginning.
func Encode(output io.Writer, disk Input, capacity int64) error {
	if capacity <= 0 || capacity%sectorSize != 0 || capacity/sectorSize > maxCapacity {
		return fmt.Errorf("a disk of %d bytes cannot be a stream-optimized VMDK", capacity)
	}
	e := encoder{out: output, disk: disk, capacity: capacity}
	if err := e.front(); err != nil {
		return err
	}
	tables := (capacity + tableBytes - 1) / tableBytes
	for number := range tables {
		if err := e.table(number); err != nil {
			return err
		}
	}
	return e.end()
}

const (
	grainBytes = grainSectors * sectorSize
	tableBytes = grainBytes * entriesPerTable // the part of the disk that one grain table is for
)

type encoder struct {
	out       io.Writer
	disk      Input
	capacity  int64
	sector    uint64   // position in the stream
	directory []uint32 // where the tables are; 0: all grains of a table are zero
	grain     [grainBytes]byte
	record    bytes.Buffer
}

func (e *encoder) header(directory uint64) []byte {
	var b bytes.Buffer
	mustEncode(binary.Write(&b, binary.LittleEndian, header{Magic: magic, Version: streamVersion,
		Flags: flagNewlines | flagCompressed | flagMarkers, Capacity: uint64(e.capacity / sectorSize), GrainSize: grainSectors,
		DescriptorOffset: 1, DescriptorSize: descriptorSectors, EntriesPerTable: entriesPerTable, Directory: directory,
		Overhead: streamOverhead, SingleEnd: '\n', NonEnd: ' ', DoubleEnd1: '\r', DoubleEnd2: '\n', Compression: compressDeflate}))
	return b.Bytes()
}

// front writes the header and the descriptor.
func (e *encoder) front() error {
	front := make([]byte, streamOverhead*sectorSize)
	copy(front, e.header(directoryAtEnd))
	copy(front[sectorSize:], fmt.Sprintf("# Disk DescriptorFile\nversion=1\nCID=%08x\nparentCID=%s\ncreateType=\"streamOptimized\"\n\n"+
		"# Extent description\nRW %d SPARSE \"disk.vmdk\"\n\n# The Disk Data Base\n#DDB\n\nddb.adapterType = \"lsilogic\"\n",
		streamContentID, noParent, e.capacity/sectorSize))
	return e.write(front)
}

func (e *encoder) write(sectors []byte) error {
	_, err := e.out.Write(sectors)
	e.sector += uint64(len(sectors) / sectorSize)
	return err
}

// table writes the grains of one table, and the table if there are any.
func (e *encoder) table(number int64) error {
	entries, found := make([]uint32, entriesPerTable), false
	end := min((number+1)*tableBytes, e.capacity)
	for offset := number * tableBytes; offset < end; offset += grainBytes {
		next, err := e.disk.Next(offset)
		if err != nil {
			return err
		}
		if offset = next / grainBytes * grainBytes; offset >= end {
			break
		}
		data := e.grain[:min(grainBytes, e.capacity-offset)]
		if err := readFull(e.disk, data, offset); err != nil {
			return err
		}
		if isZero(data) {
			continue
		}
		entries[offset%tableBytes/grainBytes], found = uint32(e.sector), true
		if err := e.writeGrain(data, offset); err != nil {
			return err
		}
	}
	if !found {
		e.directory = append(e.directory, 0)
		return nil
	}
	e.directory = append(e.directory, uint32(e.sector+1))
	return e.writeMetadata(markerTable, entries)
}

func (e *encoder) writeGrain(data []byte, offset int64) error {
	e.record.Reset()
	e.record.Write(make([]byte, markerHeaderSize))
	compressor := zlib.NewWriter(&e.record)
	if _, err := compressor.Write(data); err != nil {
		return err
	}
	if err := compressor.Close(); err != nil {
		return err
	}
	size := e.record.Len() - markerHeaderSize
	e.record.Write(make([]byte, -e.record.Len()&(sectorSize-1)))
	binary.LittleEndian.PutUint64(e.record.Bytes(), uint64(offset/sectorSize))
	binary.LittleEndian.PutUint32(e.record.Bytes()[8:], uint32(size))
	return e.write(e.record.Bytes())
}

// writeMetadata writes a marker and the table after it.
func (e *encoder) writeMetadata(kind uint32, entries []uint32) error {
	content := make([]byte, (len(entries)*4+sectorSize-1)/sectorSize*sectorSize)
	for n, entry := range entries {
		binary.LittleEndian.PutUint32(content[n*4:], entry)
	}
	return e.write(append(marker(kind, len(content)/sectorSize), content...))
}

// end writes the directory, the footer and the marker of the end.
func (e *encoder) end() error {
	at := e.sector + 1
	if err := e.writeMetadata(markerDirectory, e.directory); err != nil {
		return err
	}
	if err := e.write(append(marker(markerFooter, 1), e.header(at)...)); err != nil {
		return err
	}
	return e.write(marker(markerEOS, 0))
}

func marker(kind uint32, sectors int) []byte {
	m := make([]byte, sectorSize)
	binary.LittleEndian.PutUint64(m, uint64(sectors))
	binary.LittleEndian.PutUint32(m[markerHeaderSize:], kind)
	return m
}

// readFull reads a part of a disk. A reader may return io.EOF with the last bytes.
func readFull(disk io.ReaderAt, data []byte, offset int64) error {
	n, err := disk.ReadAt(data, offset)
	if n == len(data) {
		return nil
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}

func isZero(data []byte) bool {
	for _, b := range data {
		if b != 0 {
			return false
		}
	}
	return true
}

// mustEncode panics on an error: a value of fixed size is always written to memory.
func mustEncode(err error) {
	if err != nil {
		panic(err)
	}
}
