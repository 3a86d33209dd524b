// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package files

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// Replaced is a file whose content was replaced, by its number, and the file that had the content before.
type Replaced struct {
	Number int
	Before os.FileInfo
}

// Replace unpacks the kept delivery over files that were unpacked before, each of which is replaced as a whole, with the same
// owner and mode, if its content differs. It returns those.
func (s Store) Replace(count int, directory string) (replaced []Replaced, err error) {
	next := directory + ".next"
	defer func() { err = errors.Join(err, os.RemoveAll(next)) }()
	if err := s.Unpack(count, next); err != nil {
		return nil, err
	}
	for number := range count {
		name := strconv.Itoa(number)
		before, err := replaceFile(filepath.Join(next, name), filepath.Join(directory, name))
		if err != nil {
			return replaced, fmt.Errorf("replace file %d: %w", number, err)
		}
		if before != nil {
			replaced = append(replaced, Replaced{Number: number, Before: before})
		}
	}
	return replaced, nil
}

// replaceFile replaces a file by the next one, and returns what it was before; nil if both have the same content.
func replaceFile(next, path string) (os.FileInfo, error) {
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
		func() error { return os.Rename(next, path) },
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return before, nil
}
