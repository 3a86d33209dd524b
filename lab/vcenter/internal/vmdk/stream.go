// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package vmdk reads the stream-optimized disk format in which disks are uploaded to and downloaded from vCenter, and writes
// the descriptors of the disks in a datastore. The format is VMware's "Virtual Disk Format 5.0".
package vmdk

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const (
	sectorSize = 512

	magic            = 0x564d444b // "KDMV", little endian
	flagCompressed   = 1 << 16
	flagMarkers      = 1 << 17
	compressDeflate  = 1
	grainSectors     = 128 // the size that VMware writes and all readers expect: 64 KiB
	entriesPerTable  = 512
	maxCapacity      = 64 << 40 / sectorSize // vSphere's largest disk is 62 TB
	maxOverhead      = 1 << 16
	directoryAtEnd   = ^uint64(0)
	maxCompressed    = grainSectors*sectorSize*2 + 1024
	markerEOS        = 0
	markerTable      = 1
	markerDirectory  = 2
	markerFooter     = 3
	markerHeaderSize = 12
)

// ErrFormat is the error for a stream that is not a complete, consistent stream-optimized disk.
var ErrFormat = errors.New("it is not a valid stream-optimized VMDK")

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrFormat}, args...)...)
}

// header is the first sector of the file, and the footer.
type header struct {
	Magic, Version, Flags                     uint32
	Capacity, GrainSize                       uint64
	DescriptorOffset, DescriptorSize          uint64
	EntriesPerTable                           uint32
	RedundantDirectory, Directory, Overhead   uint64
	UncleanShutdown                           uint8
	SingleEnd, NonEnd, DoubleEnd1, DoubleEnd2 byte
	Compression                               uint16
	Padding                                   [433]byte
}

func parseHeader(sector []byte) (header, error) {
	var h header
	if err := binary.Read(bytes.NewReader(sector), binary.LittleEndian, &h); err != nil {
		return h, invalid("header: %v", err)
	}
	switch {
	case h.Magic != magic:
		return h, invalid("no VMDK magic")
	case h.Flags&(flagCompressed|flagMarkers) != flagCompressed|flagMarkers || h.Compression != compressDeflate:
		return h, invalid("not compressed with markers (flags %#x, algorithm %d)", h.Flags, h.Compression)
	case h.GrainSize != grainSectors || h.EntriesPerTable != entriesPerTable:
		return h, invalid("grains of %d sectors, %d to a table", h.GrainSize, h.EntriesPerTable)
	case h.Capacity == 0 || h.Capacity > maxCapacity:
		return h, invalid("capacity of %d sectors", h.Capacity)
	case h.Overhead == 0 || h.Overhead > maxOverhead:
		return h, invalid("overhead of %d sectors", h.Overhead)
	}
	return h, nil
}

// Decode writes the disk in the stream to raw, a new file, with holes where the stream has no grains. The stream must have the
// given capacity in bytes. Grain tables and directory are checked against the grains that were read. It returns ErrFormat for
// a stream that ends too early, and the reader's own error for one that cannot be read.
func Decode(stream io.Reader, raw Output, capacity int64) error {
	source := &failingReader{reader: stream}
	d := decoder{in: source, raw: raw, capacity: capacity, grains: map[uint64]uint32{}}
	err := d.run()
	switch {
	case source.failure != nil:
		return source.failure
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return invalid("it ends after %d bytes, before its end marker", d.sector*sectorSize)
	}
	return err
}

// Output is a file that has zeros where nothing has been written.
type Output interface {
	io.WriterAt
	Truncate(size int64) error
}

// failingReader records why its source could not be read.
type failingReader struct {
	reader  io.Reader
	failure error
}

func (f *failingReader) Read(p []byte) (int, error) {
	n, err := f.reader.Read(p)
	if err != nil && err != io.EOF {
		f.failure = err
	}
	return n, err
}

type decoder struct {
	in       io.Reader
	raw      Output
	capacity int64
	head     header
	sector   uint64            // position in the stream
	grains   map[uint64]uint32 // first sector on the disk -> sector in the stream
	tables   []table
	dirAt    uint64 // where the grain directory's sectors begin
	footer   bool
	buffer   [maxCompressed + sectorSize]byte
	grain    [grainSectors * sectorSize]byte
}

type table struct {
	at      uint64
	entries []uint32
}

func (d *decoder) run() error {
	first, err := d.read(1)
	if err != nil {
		return err
	}
	if d.head, err = parseHeader(first); err != nil {
		return err
	}
	if found := int64(d.head.Capacity) * sectorSize; found != d.capacity {
		return invalid("it has a capacity of %d bytes, the disk %d", found, d.capacity)
	}
	front := make([]byte, d.head.Overhead*sectorSize)
	copy(front, first)
	if _, err := io.ReadFull(d.in, front[sectorSize:]); err != nil {
		return err
	}
	d.sector = d.head.Overhead
	if err := d.raw.Truncate(int64(d.head.Capacity) * sectorSize); err != nil {
		return err
	}
	for {
		done, err := d.marker()
		if err != nil {
			return err
		}
		if done {
			return d.finish(front)
		}
	}
}

// read returns the next n sectors. They are valid until the next call.
func (d *decoder) read(n uint64) ([]byte, error) {
	if n*sectorSize > uint64(len(d.buffer)) {
		return nil, invalid("a piece of %d sectors at sector %d", n, d.sector)
	}
	piece := d.buffer[:n*sectorSize]
	if _, err := io.ReadFull(d.in, piece); err != nil {
		return nil, err
	}
	d.sector += n
	return piece, nil
}

func (d *decoder) marker() (done bool, err error) {
	at := d.sector
	first, err := d.read(1)
	if err != nil {
		return false, err
	}
	value, size := binary.LittleEndian.Uint64(first), binary.LittleEndian.Uint32(first[8:])
	if size > 0 {
		return false, d.readGrain(at, value, size)
	}
	switch kind := binary.LittleEndian.Uint32(first[12:]); kind {
	case markerEOS:
		return true, nil
	case markerTable:
		return false, d.readTable(value)
	case markerDirectory:
		d.dirAt = d.sector
		return false, d.readDirectory(value)
	case markerFooter:
		return false, d.readFooter(value)
	default:
		return false, invalid("marker of kind %d at sector %d", kind, at)
	}
}

func (d *decoder) readGrain(at, lba uint64, size uint32) error {
	if lba%grainSectors != 0 || lba >= d.head.Capacity || size > maxCompressed {
		return invalid("grain of %d bytes for disk sector %d at sector %d", size, lba, at)
	}
	if _, twice := d.grains[lba]; twice {
		return invalid("disk sector %d comes twice", lba)
	}
	total := (uint64(markerHeaderSize) + uint64(size) + sectorSize - 1) / sectorSize
	piece := d.buffer[:total*sectorSize]
	if _, err := io.ReadFull(d.in, piece[sectorSize:]); err != nil { // the first sector is in the buffer already
		return err
	}
	d.sector += total - 1
	inflater, err := zlib.NewReader(bytes.NewReader(piece[markerHeaderSize : markerHeaderSize+size]))
	if err != nil {
		return invalid("grain for disk sector %d: %v", lba, err)
	}
	defer inflater.Close()
	want := min(grainSectors, d.head.Capacity-lba) * sectorSize
	if _, err := io.ReadFull(inflater, d.grain[:want]); err != nil {
		return invalid("grain for disk sector %d: %v", lba, err)
	}
	if extra, err := inflater.Read(make([]byte, 1)); extra != 0 || !errors.Is(err, io.EOF) { // verifies the checksum, too
		return invalid("grain for disk sector %d: %d bytes too many, or %v", lba, extra, err)
	}
	d.grains[lba] = uint32(at)
	_, err = d.raw.WriteAt(d.grain[:want], int64(lba)*sectorSize)
	return err
}

func (d *decoder) readTable(sectors uint64) error {
	if sectors != entriesPerTable*4/sectorSize {
		return invalid("grain table of %d sectors", sectors)
	}
	at := d.sector
	piece, err := d.read(sectors)
	if err != nil {
		return err
	}
	d.tables = append(d.tables, table{at, words(piece, entriesPerTable)})
	return nil
}

// readDirectory reads the directory after its marker and checks it.
func (d *decoder) readDirectory(sectors uint64) error {
	if want := (d.tableCount()*4 + sectorSize - 1) / sectorSize; sectors != want {
		return invalid("grain directory of %d sectors for %d tables", sectors, d.tableCount())
	}
	content := make([]byte, sectors*sectorSize)
	if _, err := io.ReadFull(d.in, content); err != nil {
		return err
	}
	d.sector += sectors
	byPosition := map[uint32][]uint32{}
	for _, t := range d.tables {
		byPosition[uint32(t.at)] = t.entries
	}
	return d.check(content, func(position uint32) ([]uint32, bool) {
		entries, there := byPosition[position]
		return entries, there
	})
}

// frontDirectory checks a directory before the grains, with its tables.
func (d *decoder) frontDirectory(front []byte) error {
	start, length := d.head.Directory*sectorSize, d.tableCount()*4
	if d.head.Directory >= d.head.Overhead || start+length > uint64(len(front)) {
		return invalid("grain directory at sector %d", d.head.Directory)
	}
	return d.check(front[start:start+length], func(position uint32) ([]uint32, bool) {
		at := uint64(position) * sectorSize
		if at+entriesPerTable*4 > uint64(len(front)) {
			return nil, false
		}
		return words(front[at:], entriesPerTable), true
	})
}

func (d *decoder) tableCount() uint64 {
	return (d.head.Capacity + grainSectors*entriesPerTable - 1) / (grainSectors * entriesPerTable)
}

func words(content []byte, count int) []uint32 {
	entries := make([]uint32, count)
	for i := range entries {
		entries[i] = binary.LittleEndian.Uint32(content[i*4:])
	}
	return entries
}

// check follows the directory to its tables, and the tables to the grains that were read.
func (d *decoder) check(directory []byte, tableAt func(uint32) ([]uint32, bool)) error {
	found := 0
	for i, position := range words(directory, int(d.tableCount())) {
		if position == 0 {
			continue
		}
		entries, there := tableAt(position)
		if !there {
			return invalid("grain directory points to sector %d, where no table is", position)
		}
		for j, at := range entries {
			if at == 0 {
				continue
			}
			lba := (uint64(i)*entriesPerTable + uint64(j)) * grainSectors
			if d.grains[lba] != at {
				return invalid("grain table has disk sector %d at sector %d, found at %d", lba, at, d.grains[lba])
			}
			found++
		}
	}
	if found != len(d.grains) {
		return invalid("%d grains, %d in the tables", len(d.grains), found)
	}
	return nil
}

func (d *decoder) readFooter(sectors uint64) error {
	if sectors != 1 {
		return invalid("footer of %d sectors", sectors)
	}
	piece, err := d.read(1)
	if err != nil {
		return err
	}
	foot, err := parseHeader(piece)
	if err != nil {
		return err
	}
	if foot.Capacity != d.head.Capacity || foot.Directory != d.dirAt {
		return invalid("footer and header disagree")
	}
	d.footer = true
	return nil
}

func (d *decoder) finish(front []byte) error {
	switch {
	case d.head.Directory != directoryAtEnd:
		return d.frontDirectory(front)
	case d.dirAt == 0:
		return invalid("no grain directory")
	case !d.footer:
		return invalid("no footer")
	}
	return nil
}
