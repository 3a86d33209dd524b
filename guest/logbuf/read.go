// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Reading: pages of records from a position on.

package logbuf

import (
	"bytes"
	"errors"
	"io"
	"slices"
)

// errEnough ends a scan.
var errEnough = errors.New("enough is read")

// Query selects records.
type Query struct {
	From    *Position // nil: the oldest record
	Tail    int       // the last so many of those that are selected; negative: all
	Since   int64     // nanoseconds since 1970; records before are left out
	Until   int64     // records from then on are left out; 0: none are
	Streams []Stream  // empty: all
	Limit   int       // bytes of a page, at least LongestRecord
}

// Page is the answer to a query.
type Page struct {
	Records []byte
	Next    Position // where the next page begins
	End     Position // the end of the log
	Lost    uint64   // records between the position of the query and the next page that do not exist any more
	Unknown bool     // the position is not of this log, so the page begins with the oldest record
}

func (q Query) selects(found record) bool {
	return found.time >= q.Since && (q.Until == 0 || found.time < q.Until) &&
		(len(q.Streams) == 0 || slices.Contains(q.Streams, found.stream))
}

// Read returns the records of a query that fit into a page. The container can write meanwhile.
func (l *Log) Read(query Query) (Page, error) {
	view, err := l.view()
	if err != nil {
		return Page{}, err
	}
	page, err := view.read(query)
	return page, errors.Join(err, view.close())
}

// view is what a log has at one time.
type view struct {
	segments []*segment // in their order
	end      Position
}

// view opens the files again: a rotation while they are read does not change them.
func (l *Log) view() (view, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	v := view{end: Position{Log: l.begin.log, Number: l.next, Offset: l.begin.base}}
	if l.current != nil {
		v.end.Offset = l.current.base + l.current.size
	}
	for _, name := range []string{previousName, currentName} {
		found, err := openSegment(l.path(name))
		if err != nil {
			return v, errors.Join(err, v.close())
		}
		if found != nil {
			v.segments = append(v.segments, found)
		}
	}
	return v, nil
}

func (v view) close() error {
	var failures []error
	for _, one := range v.segments {
		failures = append(failures, one.file.Close())
	}
	return errors.Join(failures...)
}

// begin returns where a query begins, and whether its position is of this log.
func (v view) begin(from *Position) (Position, bool, error) {
	oldest := v.end
	if len(v.segments) > 0 {
		oldest.Number, oldest.Offset = v.segments[0].first, v.segments[0].base
	}
	if from == nil {
		return oldest, true, nil
	}
	isOld := from.Offset < oldest.Offset
	if from.Log != v.end.Log || from.Number > v.end.Number || from.Offset > v.end.Offset || isOld && from.Number > oldest.Number {
		return oldest, false, nil
	}
	if isOld {
		return Position{Log: from.Log, Number: from.Number, Offset: oldest.Offset}, true, nil
	}
	isBegin := from.Offset == v.end.Offset
	err := v.scan(from.Offset, func(found record) error {
		isBegin = found.offset == from.Offset && found.number >= from.Number
		return errEnough
	})
	if !isBegin {
		return oldest, false, err
	}
	return *from, true, err
}

// scan calls the function with all records from an offset on, until it returns an error. errEnough is none for the caller.
func (v view) scan(from int64, call func(record) error) error {
	for _, one := range v.segments {
		if from > one.base+one.size {
			continue
		}
		if err := one.scan(max(from, one.base), call); err != nil {
			if errors.Is(err, errEnough) {
				return nil
			}
			return err
		}
	}
	return nil
}

func (v view) read(query Query) (Page, error) {
	begin, known, err := v.begin(query.From)
	if err != nil {
		return Page{}, err
	}
	skipped, err := v.countSkipped(begin.Offset, query)
	if err != nil {
		return Page{}, err
	}
	page := Page{Next: begin, End: v.end, Unknown: !known}
	var records bytes.Buffer
	isFull := false
	err = v.scan(begin.Offset, func(found record) error {
		size := recordHeadBytes + found.length
		isWanted := query.selects(found)
		switch {
		case isWanted && skipped > 0:
			skipped--
		case isWanted && records.Len()+size > query.Limit:
			isFull = true
			return errEnough
		case isWanted:
			records.Write(found.appendTo(nil))
			if _, err := io.Copy(&records, found.text); err != nil {
				return err
			}
		}
		page.Lost += max(found.number, page.Next.Number) - page.Next.Number
		page.Next.Number, page.Next.Offset = found.number+1, found.offset+int64(size)
		return nil
	})
	page.Records = records.Bytes()
	if !isFull {
		page.Lost += max(v.end.Number, page.Next.Number) - page.Next.Number
		page.Next = v.end
	}
	return page, err
}

// countSkipped returns how many of the selected records are before the last ones that a query wants.
func (v view) countSkipped(from int64, query Query) (int, error) {
	if query.Tail < 0 {
		return 0, nil
	}
	count := 0
	err := v.scan(from, func(found record) error {
		if query.selects(found) {
			count++
		}
		return nil
	})
	return max(0, count-query.Tail), err
}
