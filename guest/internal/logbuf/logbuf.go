// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package logbuf stores the end of the container's output in a limited amount of space.
package logbuf

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// File names in the log's directory: the file that is written, and the one before it.
const (
	currentName  = "current"
	previousName = "previous"
)

// Log is a pair of files, each with half of the maximum size. When the current file is full, it replaces the previous one.
type Log struct {
	directory string
	half      int64

	mu      sync.Mutex
	current *os.File
	size    int64
}

// Open continues the log in the directory, or creates one.
func Open(directory string, maxBytes int64) (*Log, error) {
	if err := os.MkdirAll(directory, 0o700); err != nil {
		return nil, err
	}
	log := &Log{directory: directory, half: max(1, maxBytes/2)}
	if err := log.openCurrent(os.O_APPEND); err != nil {
		return nil, err
	}
	return log, nil
}

func (l *Log) openCurrent(how int) error {
	current, err := os.OpenFile(filepath.Join(l.directory, currentName), os.O_CREATE|os.O_WRONLY|how, 0o600)
	if err != nil {
		return err
	}
	info, err := current.Stat()
	if err != nil {
		return errors.Join(err, current.Close())
	}
	l.current, l.size = current, info.Size()
	return nil
}

// Write appends output, and drops the oldest output when the maximum size is reached.
func (l *Log) Write(output []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	written := 0
	for written < len(output) {
		if l.size >= l.half {
			if err := l.rotate(); err != nil {
				return written, err
			}
		}
		end := min(len(output), written+int(l.half-l.size))
		size, err := l.current.Write(output[written:end])
		written += size
		l.size += int64(size)
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

func (l *Log) rotate() error {
	if err := l.current.Close(); err != nil {
		return err
	}
	err := os.Rename(filepath.Join(l.directory, currentName), filepath.Join(l.directory, previousName))
	if err != nil {
		return err
	}
	return l.openCurrent(os.O_TRUNC)
}

// Tail returns the end of the output, at most size bytes.
func (l *Log) Tail(size int) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	current, err := tailOf(filepath.Join(l.directory, currentName), size)
	if err != nil {
		return nil, err
	}
	if len(current) == size {
		return current, nil
	}
	previous, err := tailOf(filepath.Join(l.directory, previousName), size-len(current))
	if err != nil {
		return nil, err
	}
	return append(previous, current...), nil
}

func tailOf(path string, size int) ([]byte, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	begin := max(0, info.Size()-int64(size))
	content := make([]byte, info.Size()-begin)
	if _, err := file.ReadAt(content, begin); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return content, nil
}

// Close closes the log.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.current.Close()
}
