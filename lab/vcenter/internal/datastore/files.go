// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Writing, copying, moving and removing files within the datastore's size.

package datastore

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// WriteFile creates a file, which must not exist.
func (s *Stores) WriteFile(place Path, content []byte) error {
	store, file, err := s.Locate(place)
	if err != nil {
		return err
	}
	if err := store.Require(int64(len(content))); err != nil {
		return err
	}
	output, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = output.Write(content)
	err = errors.Join(full(err), output.Close())
	store.Account(file)
	return err
}

// Upload replaces a file with the content of input. The file is replaced as a whole or not at all.
func (s *Stores) Upload(place Path, input io.Reader) error {
	store, file, err := s.Locate(place)
	if err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(file), ".upload-*")
	if err != nil {
		return err
	}
	_, err = io.Copy(&chargedWriter{store, temporary}, input)
	err = errors.Join(err, temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), file)
	}
	if err != nil {
		err = errors.Join(err, os.Remove(temporary.Name()))
	}
	store.Account(temporary.Name(), file)
	return err
}

// Remove removes a file, or a folder with its content.
func (s *Stores) Remove(place Path) error {
	store, file, err := s.Locate(place)
	if err != nil {
		return err
	}
	if place.Relative == "" {
		return fmt.Errorf("%w: %s is a datastore, not a file", ErrPath, place)
	}
	if _, err := os.Lstat(file); err != nil {
		return err
	}
	var gone []string
	err = filepath.WalkDir(file, func(name string, _ fs.DirEntry, err error) error {
		gone = append(gone, name)
		return err
	})
	err = errors.Join(err, os.RemoveAll(file))
	store.Account(gone...)
	return err
}

// RemoveFolder removes a folder if it is empty.
func (s *Stores) RemoveFolder(place Path) error {
	_, file, err := s.Locate(place)
	if err != nil {
		return err
	}
	err = os.Remove(file)
	if errors.Is(err, syscall.ENOTEMPTY) || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// MakeFolder creates a folder, and with parents also the folders above it.
func (s *Stores) MakeFolder(place Path, parents bool) error {
	_, file, err := s.Locate(place)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(file); err == nil {
		return fmt.Errorf("%s: %w", place, fs.ErrExist)
	}
	if parents {
		return os.MkdirAll(file, 0o700)
	}
	return os.Mkdir(file, 0o700)
}

// MakeUniqueFolder creates a folder of this name, with a number appended if the name is taken.
func (s *Stores) MakeUniqueFolder(place Path) (Path, error) {
	const most = 10_000
	for number := range most {
		candidate := place
		if number > 0 {
			candidate.Relative = fmt.Sprintf("%s_%d", place.Relative, number)
		}
		err := s.MakeFolder(candidate, false)
		if !errors.Is(err, fs.ErrExist) {
			return candidate, err
		}
	}
	return Path{}, fmt.Errorf("%s: there are %d folders of this name", place, most)
}

// Move renames a file within a datastore. An existing target is replaced only when forced.
func (s *Stores) Move(source, target Path, force bool) error {
	store, from, err := s.Locate(source)
	if err != nil {
		return err
	}
	other, to, err := s.Locate(target)
	if err != nil {
		return err
	}
	if store != other {
		return fmt.Errorf("%w: %s and %s are different datastores", ErrPath, source, target)
	}
	if _, err := os.Lstat(to); err == nil && !force {
		return fmt.Errorf("%s: %w", target, fs.ErrExist)
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return store.Rescan()
}

// CopyFile copies a file with its holes. An existing target is replaced only when forced.
func (s *Stores) CopyFile(source, target Path, force bool) error {
	_, from, err := s.Locate(source)
	if err != nil {
		return err
	}
	store, to, err := s.Locate(target)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(to); err == nil && !force {
		return fmt.Errorf("%s: %w", target, fs.ErrExist)
	}
	err = copySparse(store, from, to)
	store.Account(to)
	return err
}

// copySparse copies the data without the holes. The kernel shares blocks if the file system supports it.
func copySparse(store *Store, from, to string) error {
	input, err := os.Open(from)
	if err != nil {
		return err
	}
	defer input.Close()
	info, err := input.Stat()
	if err != nil {
		return err
	}
	if err := store.Require(Allocated(info)); err != nil {
		return err
	}
	output, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	err = errors.Join(full(copyData(input, output, info.Size())), output.Close())
	if err != nil {
		err = errors.Join(err, os.Remove(to))
	}
	return err
}

func copyData(input, output *os.File, size int64) error {
	const seekData, seekHole = 3, 4
	if err := output.Truncate(size); err != nil {
		return err
	}
	for position := int64(0); position < size; {
		start, err := input.Seek(position, seekData)
		if errors.Is(err, syscall.ENXIO) {
			return nil // only a hole remains
		}
		if err != nil {
			return err
		}
		end, err := input.Seek(start, seekHole)
		if err != nil {
			return err
		}
		if _, err := input.Seek(start, io.SeekStart); err != nil {
			return err
		}
		if _, err := output.Seek(start, io.SeekStart); err != nil {
			return err
		}
		if _, err := io.CopyN(output, input, end-start); err != nil {
			return err
		}
		position = end
	}
	return nil
}

// chargedWriter writes as long as the datastore has space.
type chargedWriter struct {
	store *Store
	file  *os.File
}

func (w *chargedWriter) Write(data []byte) (int, error) {
	if err := w.store.charge(w.file.Name(), int64(len(data))); err != nil {
		return 0, err
	}
	n, err := w.file.Write(data)
	return n, full(err)
}

func (w *chargedWriter) WriteAt(data []byte, offset int64) (int, error) {
	if err := w.store.charge(w.file.Name(), int64(len(data))); err != nil {
		return 0, err
	}
	n, err := w.file.WriteAt(data, offset)
	return n, full(err)
}

func (w *chargedWriter) Truncate(size int64) error {
	return w.file.Truncate(size)
}

// full converts the error of a full file system to that of a full datastore.
func full(err error) error {
	if errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("%w (the lab's own file system is full): %w", ErrNoSpace, err)
	}
	return err
}
