// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package datastore manages the files of the lab's datastores. Each is a directory with an enforced size.
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
	// ErrNoSpace is the error for a full datastore.
	ErrNoSpace = errors.New("no space left on the datastore")
	// ErrPath is the error for a path that is invalid or leaves its datastore.
	ErrPath = errors.New("not a datastore path")
)

// Store is one datastore.
type Store struct {
	name string
	dir  string

	mu       sync.Mutex
	capacity int64
	filler   int64            // space that is blocked, for tests of a full datastore
	used     map[string]int64 // by absolute path: bytes charged
	reserved map[string]int64 // those of them that are charged with their whole size
	total    int64
}

func open(name, dir string, capacity int64) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	s := &Store{name: name, dir: dir, capacity: capacity, reserved: map[string]int64{}}
	return s, s.Rescan()
}

// Name returns the name of the datastore.
func (s *Store) Name() string { return s.name }

// Capacity returns the size in bytes.
func (s *Store) Capacity() int64 { return s.capacity }

// Free returns how many bytes can still be written.
func (s *Store) Free() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.capacity - s.filler - s.total
}

// SetFree sets how many bytes are free now, by blocking the rest.
func (s *Store) SetFree(free int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if most := s.capacity - s.total; free < 0 || free > most {
		return fmt.Errorf("datastore %s cannot have %d bytes free; it must be from 0 to %d", s.name, free, most)
	}
	s.filler = s.capacity - s.total - free
	return nil
}

// Resolve returns the absolute path of a path in the datastore.
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

// Require returns an error if a size could not be written.
func (s *Store) Require(size int64) error {
	if free := s.Free(); size > free {
		return fmt.Errorf("%w %s: %d bytes are requested, %d are free", ErrNoSpace, s.name, size, free)
	}
	return nil
}

// charge accounts size bytes for a file before they are written.
func (s *Store) charge(file string, size int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if free := s.capacity - s.filler - s.total; size > free {
		return fmt.Errorf("%w %s: %d bytes are requested, %d are free", ErrNoSpace, s.name, size, free)
	}
	s.used[file] += size
	s.total += size
	return nil
}

// reserve charges a file with its whole size from now on, even if it takes less.
func (s *Store) reserve(file string, size int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if free := s.capacity - s.filler - s.total + s.used[file]; size > free {
		return fmt.Errorf("%w %s: %d bytes are requested, %d are free", ErrNoSpace, s.name, size, free)
	}
	s.reserved[file] = size
	s.set(file, size)
	return nil
}

// Account charges files with the size that they take or have reserved, and removed files with nothing.
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

// Rescan accounts for every file. Running VMs write without being accounted for.
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

// set charges a file. The caller holds the lock.
func (s *Store) set(file string, size int64) {
	s.total += size - s.used[file]
	if size == 0 {
		delete(s.used, file)
	} else {
		s.used[file] = size
	}
}

// Allocated returns the size that a file takes on disk.
func Allocated(info fs.FileInfo) int64 {
	const blockSize = 512
	if !info.Mode().IsRegular() {
		return 0
	}
	return info.Sys().(*syscall.Stat_t).Blocks * blockSize
}
