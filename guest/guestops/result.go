// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The output of a program, and the file with its result. The file is encoded while it is read, so that memory holds only the
// output itself.

package guestops

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"strings"
	"time"
)

// chunkBytes is a multiple of three, so that chunks of a stream can be encoded in base64 one by one.
const chunkBytes = 12 << 10

// stream keeps the begin of an output stream of a program. The rest is accepted and dropped: the program must not block.
type stream struct {
	table     *programs
	limit     int
	kept      int
	chunks    [][]byte // all but the last have chunkBytes
	truncated bool
}

func (s *stream) Write(text []byte) (int, error) {
	taken := 0
	if wanted := min(len(text), s.limit-s.kept); wanted > 0 && !s.truncated {
		taken = s.table.grant(wanted)
	}
	if taken < len(text) {
		s.truncated = true
	}
	s.kept += taken
	for rest := text[:taken]; len(rest) > 0; {
		if count := len(s.chunks); count == 0 || len(s.chunks[count-1]) == chunkBytes {
			s.chunks = append(s.chunks, nil)
		}
		last := &s.chunks[len(s.chunks)-1]
		size := min(len(rest), chunkBytes-len(*last))
		*last = append(*last, rest[:size]...)
		rest = rest[size:]
	}
	return len(text), nil
}

// ReadAt reads the base64 of the stream.
func (s *stream) ReadAt(into []byte, offset int64) (int, error) {
	const encodedChunk = int64(chunkBytes / 3 * 4)
	read := 0
	for read < len(into) {
		at := offset + int64(read)
		index := at / encodedChunk
		if index >= int64(len(s.chunks)) {
			return read, io.EOF
		}
		encoded := base64.StdEncoding.AppendEncode(nil, s.chunks[index])
		if at%encodedChunk >= int64(len(encoded)) {
			return read, io.EOF
		}
		read += copy(into[read:], encoded[at%encodedChunk:])
	}
	return read, nil
}

func (s *stream) encodedSize() int64 { return int64(base64.StdEncoding.EncodedLen(s.kept)) }

// result is the file with the result of a program that has ended.
type result struct {
	ended          time.Time
	stdout, stderr *stream
	parts          []part
}

// part is a part of a file.
type part struct {
	content io.ReaderAt
	size    int64
}

// document is the result as JSON.
type document struct {
	RC              int      `json:"rc"`
	Signal          *int     `json:"signal"`
	TimedOut        bool     `json:"timed_out"`
	StdoutTruncated bool     `json:"stdout_truncated"`
	StderrTruncated bool     `json:"stderr_truncated"`
	Error           *Failure `json:"error"`
	Stdout          string   `json:"stdout"`
	Stderr          string   `json:"stderr"`
}

// The places of the streams in the document. They are its last values, and no other value contains a NUL.
const (
	stdoutPlace = "\x00stdout"
	stderrPlace = "\x00stderr"
)

func newResult(ended *program) *result {
	described := document{RC: ended.exit.Code, TimedOut: ended.timedOut, StdoutTruncated: ended.stdout.truncated,
		StderrTruncated: ended.stderr.truncated, Error: ended.failure, Stdout: stdoutPlace, Stderr: stderrPlace}
	if ended.exit.Signal != 0 {
		described.Signal = &ended.exit.Signal
	}
	text, err := json.Marshal(described)
	if err != nil {
		panic(err) // a struct of numbers and texts can always be encoded
	}
	before, rest, _ := strings.Cut(string(text), `"stdout":"\u0000stdout`)
	between, after, _ := strings.Cut(rest, `\u0000stderr`)
	fixed := func(text string) part { return part{strings.NewReader(text), int64(len(text))} }
	return &result{ended: ended.ended, stdout: ended.stdout, stderr: ended.stderr, parts: []part{
		fixed(before + `"stdout":"`), {ended.stdout, ended.stdout.encodedSize()}, fixed(between), {ended.stderr, ended.stderr.encodedSize()},
		fixed(after),
	}}
}

func (r *result) memory() int { return r.stdout.kept + r.stderr.kept }

func (r *result) modified() time.Time { return r.ended }

func (r *result) size() int64 {
	total := int64(0)
	for _, one := range r.parts {
		total += one.size
	}
	return total
}

// ReadAt reads the document.
func (r *result) ReadAt(into []byte, offset int64) (int, error) {
	read := 0
	for _, one := range r.parts {
		if offset >= one.size {
			offset -= one.size
			continue
		}
		wanted := min(int64(len(into)-read), one.size-offset)
		count, err := one.content.ReadAt(into[read:read+int(wanted)], offset)
		read += count
		if err != nil && int64(count) < wanted {
			return read, err
		}
		offset = 0
		if read == len(into) {
			return read, nil
		}
	}
	return read, io.EOF
}
