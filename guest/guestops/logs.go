// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Pages of the container's log. The path of a file says what its page is to have. The page is made when the transfer of the file
// is initiated, and is the same while it is read.

package guestops

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/vmware/govmomi/toolbox/vix"

	"gantry.invalid/guest/logbuf"
)

// LogPath is the directory of the pages.
const LogPath = "/gantry/log"

const (
	// mostPages is the number of pages that are kept; those that were made first make room for further ones.
	mostPages = 3
	// pageBytes limits the records of a page.
	pageBytes = 128 << 10
	// PagesMemory is the memory for all pages.
	PagesMemory = mostPages * pageBytes
	// longestLogPath limits what is kept of a request.
	longestLogPath = 512
)

// logs makes and keeps pages.
type logs struct {
	mu    sync.Mutex
	read  func(logbuf.Query) (logbuf.Page, error) // nil: there is no log yet
	pages []page                                  // in the order in which they were made
}

// page is a file with a page of the log.
type page struct {
	path    string
	made    time.Time
	content []byte
}

func (p page) size() int64 { return int64(len(p.content)) }

func (p page) modified() time.Time { return p.made }

func (p page) ReadAt(into []byte, offset int64) (int, error) {
	return bytes.NewReader(p.content).ReadAt(into, offset)
}

// ServeLog offers the log that is read by the function.
func (s *Server) ServeLog(read func(logbuf.Query) (logbuf.Page, error)) {
	s.logs.mu.Lock()
	defer s.logs.mu.Unlock()
	s.logs.read = read
}

func isLogPath(path string) bool { return strings.HasPrefix(path, LogPath+"/") }

// prepare makes the page with this path.
func (l *logs) prepare(path string) error {
	query, err := parseLogPath(path)
	if err != nil {
		return refuse(vix.InvalidArg, "The path %q is invalid: %v.", path, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.read == nil {
		return refuse(vix.FileAccessError, "There is no log yet: the container has not been started.")
	}
	made, err := l.read(query)
	if err != nil {
		return refuse(vix.FileAccessError, "The log cannot be read: %v.", err)
	}
	l.pages = slices.DeleteFunc(l.pages, func(earlier page) bool { return earlier.path == path })
	if len(l.pages) == mostPages {
		l.pages = slices.Delete(l.pages, 0, 1)
	}
	l.pages = append(l.pages, page{path: path, made: time.Now(), content: made.Encode()})
	return nil
}

// page returns the page with this path.
func (l *logs) page(path string) (file, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, one := range l.pages {
		if one.path == path {
			return one, nil
		}
	}
	return nil, refuse(vix.FileNotFound, "There is no page %q of the log any more: the last %d are kept.", path, mostPages)
}

// parseLogPath decodes the last part of a path: names and values, as in from=0-0-0,tail=10.
func parseLogPath(path string) (logbuf.Query, error) {
	query := logbuf.Query{Tail: -1, Limit: pageBytes}
	if len(path) > longestLogPath {
		return query, fmt.Errorf("it has %d characters; at most %d are possible", len(path), longestLogPath)
	}
	for pair := range strings.SplitSeq(strings.TrimPrefix(path, LogPath+"/"), ",") {
		name, value, _ := strings.Cut(pair, "=")
		if err := setField(&query, name, value); err != nil {
			return query, fmt.Errorf("%q: %w", pair, err)
		}
	}
	return query, nil
}

func setField(query *logbuf.Query, name, value string) (err error) {
	switch name {
	case "id": // makes the path of each request another one
	case "from":
		query.From = &logbuf.Position{}
		*query.From, err = logbuf.ParsePosition(value)
	case "tail":
		tail, failed := strconv.ParseUint(value, 10, 31)
		query.Tail, err = int(tail), failed
	case "since":
		query.Since, err = strconv.ParseInt(value, 10, 64)
	case "until":
		query.Until, err = strconv.ParseInt(value, 10, 64)
	case "stream":
		stream, isStream := map[string]logbuf.Stream{"stdout": logbuf.Stdout, "stderr": logbuf.Stderr}[value]
		if !isStream {
			return errors.New("a stream is stdout or stderr")
		}
		query.Streams = append(query.Streams, stream)
	default:
		return errors.New("there is no such field")
	}
	return err
}
