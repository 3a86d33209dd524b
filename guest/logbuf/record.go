// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Records: the lines of the output as they are stored and transferred (docs/developers/contracts.md, section 9).

package logbuf

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// Stream is the stream that a record was written to.
type Stream byte

// The streams.
const (
	Stdout Stream = 1
	Stderr Stream = 2
)

const (
	// recordHeadBytes is the size of what precedes the text of a record: stream, length, time and number.
	recordHeadBytes = 1 + 4 + 8 + 8
	// longestText is the size at which a line is split, as in Docker.
	longestText = 16 << 10
	// LongestRecord is the size of the longest record.
	LongestRecord = recordHeadBytes + longestText
)

// recordHead is what precedes the text of a record.
type recordHead struct {
	stream Stream
	length int
	time   int64  // nanoseconds since 1970
	number uint64 // of the record, from 0
}

func (h recordHead) appendTo(to []byte) []byte {
	to = append(to, byte(h.stream))
	to = binary.BigEndian.AppendUint32(to, uint32(h.length))
	to = binary.BigEndian.AppendUint64(to, uint64(h.time))
	return binary.BigEndian.AppendUint64(to, h.number)
}

// decodeRecordHead decodes the head of a record. It returns false if the bytes are none.
func decodeRecordHead(from []byte) (recordHead, bool) {
	if len(from) < recordHeadBytes {
		return recordHead{}, false
	}
	found := recordHead{stream: Stream(from[0]), length: int(binary.BigEndian.Uint32(from[1:])), time: int64(binary.BigEndian.Uint64(from[5:])),
		number: binary.BigEndian.Uint64(from[13:])}
	return found, (found.stream == Stdout || found.stream == Stderr) && found.length > 0 && found.length <= longestText
}

// Position is a place between two records of a log.
type Position struct {
	Log    uint64 // a random number of the log
	Number uint64 // of the next record
	Offset int64  // of the next record, in bytes of all records so far
}

func (p Position) String() string { return fmt.Sprintf("%016x-%d-%d", p.Log, p.Number, p.Offset) }

// ParsePosition parses the text of a position.
func ParsePosition(text string) (p Position, err error) {
	parts := strings.Split(text, "-")
	if len(parts) != 3 {
		return Position{}, fmt.Errorf("%q is not a position", text)
	}
	if p.Log, err = strconv.ParseUint(parts[0], 16, 64); err != nil {
		return Position{}, err
	}
	if p.Number, err = strconv.ParseUint(parts[1], 10, 64); err != nil {
		return Position{}, err
	}
	offset, err := strconv.ParseUint(parts[2], 10, 63)
	p.Offset = int64(offset)
	return p, err
}
