// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package files

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// maxKept limits the contents that were replaced, which stay in memory: when they have it, no others are to be replaced.
const maxKept = 1 << 20

// Replaced is a file whose content was replaced, by its number, and the file that had the content before.
type Replaced struct {
	Number int
	Before os.FileInfo
}

// KeptDirectory has the files of a directory that were replaced. The container's processes still see the one that they have opened,
// and the kernel mounts nothing over a file that was removed, and takes away what is mounted over one that is being removed. So
// they are kept until the container is started again.
func KeptDirectory(directory string) string { return directory + ".before" }

// Replace unpacks the kept delivery over files that were unpacked before, each of which is replaced as a whole, with the same
// owner and mode, if its content differs. It returns those.
func (s Store) Replace(count int, directory string) (replaced []Replaced, err error) {
	next := directory + ".next"
	defer func() { err = errors.Join(err, os.RemoveAll(next)) }()
	if err := s.Unpack(count, next); err != nil {
		return nil, err
	}
	kept := KeptDirectory(directory)
	if err := os.MkdirAll(kept, 0o700); err != nil {
		return nil, err
	}
	for number := range count {
		name := strconv.Itoa(number)
		before, err := replaceFile(filepath.Join(next, name), filepath.Join(directory, name), kept)
		if err != nil {
			return replaced, fmt.Errorf("replace file %d: %w", number, err)
		}
		if before != nil {
			replaced = append(replaced, Replaced{Number: number, Before: before})
		}
	}
	return replaced, nil
}

// HasRoom returns whether more files of a directory can be replaced: those that were before are kept in memory.
func HasRoom(directory string) (bool, error) {
	entries, err := os.ReadDir(KeptDirectory(directory))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	var size int64
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			return false, err
		}
		size += info.Size()
	}
	return size < maxKept, nil
}

// replaceFile replaces a file by the next one, keeps it in a directory, and returns what it was before; nil if both have the same
// content.
func replaceFile(next, path, kept string) (os.FileInfo, error) {
	before, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	was, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	is, err := os.ReadFile(next)
	if err != nil || bytes.Equal(was, is) {
		return nil, err
	}
	owner, ok := before.Sys().(*syscall.Stat_t)
	if !ok {
		return nil, fmt.Errorf("the owner of %s is not known", path)
	}
	for _, step := range []func() error{
		func() error { return os.Chown(next, int(owner.Uid), int(owner.Gid)) },
		func() error { return os.Chmod(next, before.Mode().Perm()) },
		func() error { return keep(path, kept) },
		func() error { return os.Rename(next, path) },
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return before, nil
}

// keep moves a file into a directory, under a name that is free.
func keep(path, kept string) error {
	entries, err := os.ReadDir(kept)
	if err != nil {
		return err
	}
	return os.Rename(path, filepath.Join(kept, strconv.Itoa(len(entries))))
}
