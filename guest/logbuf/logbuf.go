// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package logbuf stores the end of the container's output in a limited amount of space, as records: each line with its time,
// its stream and its number. The lab's guests that are not booted use it, too.
package logbuf

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// File names in the log's directory: the file that is written, and the one before it.
const (
	currentName  = "current"
	previousName = "previous"
)

// leastHalf is the size of the smallest file.
const leastHalf = 256

// Log is a pair of files, each with half of the maximum size. When the current file is full, it replaces the previous one.
type Log struct {
	directory string
	half      int64
	// Added receives a value when there are further records. It is for one reader.
	Added chan struct{}

	mu      sync.Mutex
	current *segment    // nil: it could not be created
	begin   segmentHead // of the current file
	next    uint64      // number of the next record
	pending []byte      // records that are written to the current file at once
}

// Open continues the log in the directory, or creates one. An incomplete record, which a machine that was interrupted may have
// left, is removed.
func Open(directory string, maxBytes int64) (*Log, error) {
	if err := os.MkdirAll(directory, 0o700); err != nil {
		return nil, err
	}
	log := &Log{directory: directory, half: max(leastHalf, maxBytes/2), begin: segmentHead{log: rand.Uint64()}, Added: make(chan struct{}, 1)}
	current, err := openSegment(log.path(currentName))
	if err != nil {
		return nil, err
	}
	if current != nil {
		log.current, log.begin = current, current.segmentHead
		log.next, err = current.repair()
		return log, err
	}
	// The machine may have been interrupted between the steps of a rotation.
	previous, err := openSegment(log.path(previousName))
	if err != nil {
		return nil, err
	}
	if previous != nil {
		log.next, err = previous.repair()
		if err = errors.Join(err, previous.file.Close()); err != nil {
			return nil, err
		}
		log.begin = previous.after(log.next)
	}
	return log, log.rotate()
}

func (l *Log) path(name string) string { return filepath.Join(l.directory, name) }

// add appends lines, and drops the oldest when the maximum size is reached. Lines that cannot be written are lost, which their
// numbers show.
func (l *Log) add(stream Stream, lines [][]byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now().UnixNano()
	var failures []error
	for _, line := range lines {
		if !l.fits(recordHeadBytes + len(line)) {
			failures = append(failures, l.flush(), l.rotate())
		}
		if l.current != nil {
			l.pending = recordHead{stream: stream, length: len(line), time: now, number: l.next}.appendTo(l.pending)
			l.pending = append(l.pending, line...)
		}
		l.next++
	}
	err := errors.Join(append(failures, l.flush())...)
	select {
	case l.Added <- struct{}{}:
	default:
	}
	return err
}

func (l *Log) fits(size int) bool {
	return l.current != nil && segmentHeadBytes+l.current.size+int64(len(l.pending)+size) <= l.half
}

// flush writes the pending records, all or none of them.
func (l *Log) flush() error {
	records := l.pending
	l.pending = l.pending[:0]
	if len(records) == 0 {
		return nil
	}
	return l.current.write(records)
}

// rotate begins the next file.
func (l *Log) rotate() (err error) {
	if l.current != nil {
		l.begin = l.current.after(l.next)
		err = errors.Join(l.current.file.Close(), os.Rename(l.path(currentName), l.path(previousName)))
		l.current = nil
		if err != nil {
			return err
		}
	}
	l.begin.first = l.next
	l.current, err = createSegment(l.path(currentName), l.begin)
	return err
}

// longest returns the size at which lines are split, so that each fits into a file.
func (l *Log) longest() int { return int(min(longestText, l.half-segmentHeadBytes-recordHeadBytes)) }

// Close closes the log.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.current == nil {
		return nil
	}
	return l.current.file.Close()
}
