// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Pages as files, and the last page as it is published (docs/developers/contracts.md, sections 1 and 9).

package logbuf

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"time"
)

const (
	// publishedBytes limits the records of the last page, so that it fits into a key even if it cannot be compressed.
	publishedBytes = 44 << 10
	// TextBytes limits the text of the last page.
	TextBytes = 16 << 10
)

// pageHead is the first line of a page.
type pageHead struct {
	Next    string `json:"next"`
	End     string `json:"end"`
	Lost    uint64 `json:"lost"`
	Unknown bool   `json:"unknown_position"`
}

// Encode returns the page as a file: a line of JSON, and the records.
func (p Page) Encode() []byte {
	begin, err := json.Marshal(pageHead{Next: p.Next.String(), End: p.End.String(), Lost: p.Lost, Unknown: p.Unknown})
	if err != nil {
		panic(err) // a struct of numbers and texts can always be encoded
	}
	return append(append(begin, '\n'), p.Records...)
}

// Text returns the output of both streams in the records.
func (p Page) Text() []byte {
	var text []byte
	for entry := range p.Entries() {
		text = append(text, entry.Text...)
	}
	return text
}

// Entry is a line of a page.
type Entry struct {
	Stream Stream
	Time   time.Time
	Text   []byte
	Next   Position // behind the line
}

// Entries returns the lines of a page that were selected by its position alone.
func (p Page) Entries() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		next := p.Next
		next.Offset -= int64(len(p.Records))
		for rest := p.Records; len(rest) > 0; {
			found, _ := decodeRecordHead(rest)
			size := recordHeadBytes + found.length
			next.Number, next.Offset = found.number+1, next.Offset+int64(size)
			if !yield(Entry{Stream: found.stream, Time: time.Unix(0, found.time), Text: rest[recordHeadBytes:size], Next: next}) {
				return
			}
			rest = rest[size:]
		}
	}
}

// Add adds a line that is not in the log.
func (p *Page) Add(stream Stream, line string) {
	line = line[:min(len(line), longestText)]
	begin := recordHead{stream: stream, length: len(line), time: time.Now().UnixNano(), number: p.End.Number}
	p.Records = append(begin.appendTo(p.Records), line...)
}

// Last returns the last records of the log, with at most TextBytes of text.
func (l *Log) Last() (Page, error) {
	view, err := l.view()
	if err != nil {
		return Page{}, err
	}
	page := Page{Next: view.end, End: view.end}
	var records bytes.Buffer
	text := 0
	err = view.scan(0, func(found record) error {
		records.Write(found.appendTo(nil))
		_, err := io.Copy(&records, found.text)
		for text += found.length; text > TextBytes || records.Len() > publishedBytes; {
			oldest, _ := decodeRecordHead(records.Bytes())
			records.Next(recordHeadBytes + oldest.length)
			text -= oldest.length
		}
		return err
	})
	page.Records = records.Bytes()
	return page, errors.Join(err, view.close())
}

// Publish returns the page as it is published: compressed, in base64.
func (p Page) Publish() (string, error) {
	var packed bytes.Buffer
	writer, err := flate.NewWriter(&packed, flate.BestSpeed)
	if err != nil {
		return "", err
	}
	if _, err := writer.Write(p.Encode()); err != nil {
		return "", err
	}
	if err := writer.Close(); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(packed.Bytes()), nil
}
