// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package tree lists, packs and unpacks files below a root directory, for copies into and out of a container
// (docs/developers/contracts.md, section 9). Archives are tar streams without compression. Regular files, directories and
// symbolic links are copied; devices, sockets and FIFOs are listed only.
package tree

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"unicode/utf8"
)

// Limits of a copy. What is kept in memory for an entry is small, but the guest may have little.
const (
	mostEntries = 10_000
	mostLinks   = 40 // as Linux follows in one path
)

// The kinds of files.
const (
	File      = "file"
	Directory = "directory"
	Symlink   = "symlink"
	Other     = "other" // a device, a socket or a FIFO
)

// Tree is the file system below a directory, which is the root of all its paths: no path and no symbolic link leads out of it.
type Tree struct {
	Root string
	// Check is called often while files are read. An error ends what is done, and is returned. nil: nothing is checked.
	Check func() error
}

func (t Tree) check() error {
	if t.Check == nil {
		return nil
	}
	return t.Check()
}

func (t Tree) host(inside string) string { return filepath.Join(t.Root, inside) }

// Resolve returns the absolute path that a path leads to. The last part need not exist, and is followed only if follow is true.
func (t Tree) Resolve(name string, follow bool) (string, error) {
	if !strings.HasPrefix(name, "/") || strings.Contains(name, "\x00") || !utf8.ValidString(name) {
		return "", fmt.Errorf("%q is not an absolute path", name)
	}
	current, links := "/", 0
	todo := strings.Split(name, "/")
	for len(todo) > 0 {
		part := todo[0]
		todo = todo[1:]
		next := path.Join(current, part)
		info, err := os.Lstat(t.host(next))
		isLast := !slices.ContainsFunc(todo, func(rest string) bool { return rest != "" && rest != "." })
		switch {
		case part == "" || part == "." || part == "..":
			current = next
		case err != nil && !(isLast && errors.Is(err, os.ErrNotExist)):
			return "", fmt.Errorf("%s: %w", next, reason(err))
		case err == nil && info.Mode()&os.ModeSymlink != 0 && (!isLast || follow):
			if links++; links > mostLinks {
				return "", fmt.Errorf("%s: %w", name, syscall.ELOOP)
			}
			target, err := os.Readlink(t.host(next))
			if err != nil {
				return "", fmt.Errorf("%s: %w", next, reason(err))
			}
			if strings.HasPrefix(target, "/") {
				current = "/"
			}
			todo = append(strings.Split(target, "/"), todo...)
		case err == nil && !isLast && !info.IsDir():
			return "", fmt.Errorf("%s: %w", next, syscall.ENOTDIR)
		default:
			current = next
		}
	}
	return current, nil
}

// reason returns the error of the system in an error of the library, whose path is one of the host.
func reason(err error) error {
	var number syscall.Errno
	if errors.As(err, &number) {
		return number
	}
	return err
}

func kindOf(mode os.FileMode) string {
	switch {
	case mode.IsRegular():
		return File
	case mode.IsDir():
		return Directory
	case mode&os.ModeSymlink != 0:
		return Symlink
	}
	return Other
}

// walk calls visit for a file, and if it is a directory for all that it contains, with paths relative to it. The first is "".
func (t Tree) walk(top string, visit func(relative, absolute string, info os.FileInfo) error) error {
	count := 0
	return filepath.Walk(t.host(top), func(found string, info os.FileInfo, err error) error {
		relative := strings.TrimPrefix(strings.TrimPrefix(found, t.host(top)), "/")
		if err != nil {
			return fmt.Errorf("%s: %w", path.Join(top, relative), reason(err))
		}
		if !utf8.ValidString(relative) {
			return fmt.Errorf("%q: the name is not UTF-8", path.Join(top, relative))
		}
		if count++; count > mostEntries {
			return fmt.Errorf("%s has more than %d files", top, mostEntries)
		}
		if err := t.check(); err != nil {
			return err
		}
		return visit(relative, found, info)
	})
}
