// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Writing: the streams of the container, which are split into lines.

package logbuf

import "bytes"

// Writer writes one stream of the container to the log. Its methods must not be called at the same time.
type Writer struct {
	log    *Log
	stream Stream
	rest   []byte // a line that has not ended
}

// Writer returns a writer of a stream.
func (l *Log) Writer(stream Stream) *Writer { return &Writer{log: l, stream: stream} }

// Write adds the lines that are complete. A line that is too long is split.
func (w *Writer) Write(output []byte) (int, error) {
	longest := w.log.longest()
	var lines [][]byte
	unread := append(w.rest, output...)
	for len(unread) > 0 {
		end := bytes.IndexByte(unread, '\n') + 1
		if end == 0 && len(unread) < longest {
			break
		}
		if end == 0 || end > longest {
			end = longest
		}
		lines = append(lines, unread[:end])
		unread = unread[end:]
	}
	err := w.log.add(w.stream, lines)
	w.rest = append(w.rest[:0:0], unread...)
	return len(output), err
}

// Flush adds a line that has not ended, when the stream has.
func (w *Writer) Flush() error {
	if len(w.rest) == 0 {
		return nil
	}
	line := w.rest
	w.rest = nil
	return w.log.add(w.stream, [][]byte{line})
}
