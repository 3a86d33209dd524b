// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Segments: the files of a log, each with records that follow those of the one before it.

package logbuf

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
)

// The beginning of a segment: segmentMagic, and three numbers.
const (
	segmentMagic     = "GNTRLOG1"
	segmentHeadBytes = int64(len(segmentMagic) + 3*8)
)

// segmentHead says which part of a log a file has.
type segmentHead struct {
	log   uint64 // a random number of the log
	base  int64  // offset of the first record
	first uint64 // number of the first record
}

// segment is a file with records.
type segment struct {
	segmentHead
	file *os.File
	size int64 // of all records
}

// openSegment returns nil if there is no such file, or if it is none of a log.
func openSegment(path string) (*segment, error) {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	begin := make([]byte, segmentHeadBytes)
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	if _, err := file.ReadAt(begin, 0); err != nil || string(begin[:len(segmentMagic)]) != segmentMagic {
		return nil, file.Close()
	}
	numbers := begin[len(segmentMagic):]
	return &segment{file: file, size: info.Size() - segmentHeadBytes, segmentHead: segmentHead{log: binary.BigEndian.Uint64(numbers),
		base: int64(binary.BigEndian.Uint64(numbers[8:])), first: binary.BigEndian.Uint64(numbers[16:])}}, nil
}

func createSegment(path string, begin segmentHead) (*segment, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	content := binary.BigEndian.AppendUint64([]byte(segmentMagic), begin.log)
	content = binary.BigEndian.AppendUint64(content, uint64(begin.base))
	content = binary.BigEndian.AppendUint64(content, begin.first)
	if _, err := file.Write(content); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &segment{segmentHead: begin, file: file}, nil
}

// after returns the head of the next segment.
func (s *segment) after(next uint64) segmentHead {
	return segmentHead{log: s.log, base: s.base + s.size, first: next}
}

// write appends records, all or none of them.
func (s *segment) write(records []byte) error {
	if _, err := s.file.WriteAt(records, segmentHeadBytes+s.size); err != nil {
		return errors.Join(err, s.file.Truncate(segmentHeadBytes+s.size))
	}
	s.size += int64(len(records))
	return nil
}

// repair removes what follows the last complete record, and returns the number of the next one.
func (s *segment) repair() (next uint64, err error) {
	next, complete := s.first, int64(0)
	err = s.scan(s.base, func(found record) error {
		next, complete = found.number+1, found.offset+recordHeadBytes+int64(found.length)-s.base
		return nil
	})
	if err != nil {
		return 0, err
	}
	s.size = complete
	return next, s.file.Truncate(segmentHeadBytes + complete)
}

// record is a record that is scanned.
type record struct {
	recordHead
	offset int64
	text   io.Reader // the rest is skipped
}

// scan calls the function with each complete record from an offset on, until it returns an error, which scan returns. It ends
// before anything that is no record.
func (s *segment) scan(from int64, call func(record) error) error {
	at := from
	reader := bufio.NewReaderSize(io.NewSectionReader(s.file, segmentHeadBytes+from-s.base, s.base+s.size-from), 32<<10)
	for {
		begin, err := reader.Peek(recordHeadBytes)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		found, isRecord := decodeRecordHead(begin)
		end := at + recordHeadBytes + int64(found.length)
		if !isRecord || end > s.base+s.size {
			return nil
		}
		if _, err := reader.Discard(recordHeadBytes); err != nil {
			return err
		}
		text := &io.LimitedReader{R: reader, N: int64(found.length)}
		if err := call(record{recordHead: found, offset: at, text: text}); err != nil {
			return err
		}
		if _, err := reader.Discard(int(text.N)); err != nil {
			return err
		}
		at = end
	}
}
