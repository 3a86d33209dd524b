// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package datastore keeps the files of the lab's datastores: a directory each, with a size that is enforced.
package datastore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

var (
	// ErrNoSpace is what a full datastore gives.
	ErrNoSpace = errors.New("no space left on the datastore")
	// ErrPath is what a path gives that is none, or leaves its datastore.
	ErrPath = errors.New("not a datastore path")
)

// Store is one datastore.
type Store struct {
	name string
	dir  string

	mu       sync.Mutex
	capacity int64
	filler   int64            // used by nobody, for tests of a full datastore
	used     map[string]int64 // by absolute path: bytes charged
	reserved map[string]int64 // of these, files that are charged with their whole size
	total    int64
}

func open(name, dir string, capacity int64) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	s := &Store{name: name, dir: dir, capacity: capacity, reserved: map[string]int64{}}
	return s, s.Rescan()
}

// Name of the datastore.
func (s *Store) Name() string { return s.name }

// Capacity in bytes.
func (s *Store) Capacity() int64 { return s.capacity }

// Free is how much may still be written.
func (s *Store) Free() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.capacity - s.filler - s.total
}

// SetFree makes just so much free, until it is set again.
func (s *Store) SetFree(free int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if most := s.capacity - s.total; free < 0 || free > most {
		return fmt.Errorf("datastore %s cannot have %d bytes free: want 0 to %d", s.name, free, most)
	}
	s.filler = s.capacity - s.total - free
	return nil
}

// Resolve gives the absolute path of one relative to the datastore.
func (s *Store) Resolve(relative string) (string, error) {
	for _, element := range strings.Split(relative, "/") {
		if element == ".." {
			return "", fmt.Errorf("%w: %q leaves datastore %s", ErrPath, relative, s.name)
		}
	}
	if strings.ContainsRune(relative, 0) {
		return "", fmt.Errorf("%w: %q", ErrPath, relative)
	}
	return filepath.Join(s.dir, path.Clean("/"+relative)), nil
}

// Require tells whether so much could be written.
func (s *Store) Require(size int64) error {
	if free := s.Free(); size > free {
		return fmt.Errorf("%w %s: %d bytes wanted, %d free", ErrNoSpace, s.name, size, free)
	}
	return nil
}

// charge takes size bytes for a file that is about to be written.
func (s *Store) charge(file string, size int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if free := s.capacity - s.filler - s.total; size > free {
		return fmt.Errorf("%w %s: %d bytes wanted, %d free", ErrNoSpace, s.name, size, free)
	}
	s.used[file] += size
	s.total += size
	return nil
}

// reserve charges a file with its whole size from now on, whatever it really takes.
func (s *Store) reserve(file string, size int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if free := s.capacity - s.filler - s.total + s.used[file]; size > free {
		return fmt.Errorf("%w %s: %d bytes wanted, %d free", ErrNoSpace, s.name, size, free)
	}
	s.reserved[file] = size
	s.set(file, size)
	return nil
}

// Account charges files with what they really take, or are reserved; files that are gone, with nothing.
func (s *Store) Account(files ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, file := range files {
		info, err := os.Lstat(file)
		if err != nil {
			delete(s.reserved, file)
			s.set(file, 0)
			continue
		}
		s.set(file, max(Allocated(info), s.reserved[file]))
	}
}

// Rescan accounts for every file: running machines write without telling.
func (s *Store) Rescan() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used, s.total = map[string]int64{}, 0
	return filepath.WalkDir(s.dir, func(file string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			var info fs.FileInfo
			if info, err = entry.Info(); err == nil {
				s.set(file, max(Allocated(info), s.reserved[file]))
			}
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it has just been removed
		}
		return err
	})
}

// set is called with the lock held.
func (s *Store) set(file string, size int64) {
	s.total += size - s.used[file]
	if size == 0 {
		delete(s.used, file)
	} else {
		s.used[file] = size
	}
}

// Allocated is what a file really takes.
func Allocated(info fs.FileInfo) int64 {
	const blockSize = 512
	if !info.Mode().IsRegular() {
		return 0
	}
	return info.Sys().(*syscall.Stat_t).Blocks * blockSize
}
