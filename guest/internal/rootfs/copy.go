// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package rootfs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// treeCopy copies the files of a directory.
type treeCopy struct {
	from, to    string
	links       map[uint64]string // by inode: the first copy of a file with several names
	directories []func() error    // sets the times of the directories, once they are filled
}

// copyTree copies what a directory has into another one, with owners, modes, times and extended attributes, and gives the
// directory itself those of the source.
func copyTree(from, to string) error {
	copied := &treeCopy{from: from, to: to, links: map[uint64]string{}}
	if err := filepath.WalkDir(from, copied.add); err != nil {
		return err
	}
	for _, set := range copied.directories {
		if err := set(); err != nil {
			return err
		}
	}
	return nil
}

func (c *treeCopy) add(path string, entry fs.DirEntry, err error) error {
	if err != nil {
		return err
	}
	target := filepath.Join(c.to, strings.TrimPrefix(path, c.from))
	info, err := entry.Info()
	if err != nil {
		return err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fmt.Errorf("%s has no owner", path)
	}
	if !info.IsDir() && stat.Nlink > 1 {
		if first, known := c.links[stat.Ino]; known {
			return os.Link(first, target)
		}
		c.links[stat.Ino] = target
	}
	if err := copyEntry(path, target, info, stat); err != nil {
		return err
	}
	if err := copyAttributesOf(path, target, stat); err != nil {
		return err
	}
	if info.IsDir() {
		c.directories = append(c.directories, func() error { return setTimes(target, stat) })
		return nil
	}
	return setTimes(target, stat)
}

// copyEntry creates one file, directory, symbolic link or special file, without its owner and its mode.
func copyEntry(from, to string, info fs.FileInfo, stat *syscall.Stat_t) error {
	switch {
	case info.IsDir():
		if err := os.Mkdir(to, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		return nil
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		return os.Symlink(target, to)
	case info.Mode().IsRegular():
		return copyContent(from, to)
	}
	return unix.Mknod(to, stat.Mode, int(stat.Rdev))
}

func copyContent(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = target.ReadFrom(source)
	return errors.Join(err, target.Close())
}

// copyAttributesOf copies owner, extended attributes and mode. The owner comes first: changing it clears set-user-ID bits and
// capabilities.
func copyAttributesOf(from, to string, stat *syscall.Stat_t) error {
	if err := os.Lchown(to, int(stat.Uid), int(stat.Gid)); err != nil {
		return err
	}
	if err := copyExtended(from, to); err != nil {
		return err
	}
	if stat.Mode&unix.S_IFMT == unix.S_IFLNK {
		return nil
	}
	return unix.Chmod(to, stat.Mode&0o7777)
}

func setTimes(path string, stat *syscall.Stat_t) error {
	times := []unix.Timespec{unix.Timespec(stat.Atim), unix.Timespec(stat.Mtim)}
	return unix.UtimesNanoAt(unix.AT_FDCWD, path, times, unix.AT_SYMLINK_NOFOLLOW)
}

func copyExtended(from, to string) error {
	names, err := sized(func(buffer []byte) (int, error) { return unix.Llistxattr(from, buffer) })
	if errors.Is(err, unix.ENOTSUP) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("list the attributes of %s: %w", from, err)
	}
	for name := range strings.SplitSeq(strings.TrimRight(string(names), "\x00"), "\x00") {
		if name == "" {
			continue
		}
		value, err := sized(func(buffer []byte) (int, error) { return unix.Lgetxattr(from, name, buffer) })
		if err != nil {
			return fmt.Errorf("read the attribute %s of %s: %w", name, from, err)
		}
		if err := unix.Lsetxattr(to, name, value, 0); err != nil {
			return fmt.Errorf("write the attribute %s of %s: %w", name, to, err)
		}
	}
	return nil
}

// sized calls read for the size of its result, and then for the result.
func sized(read func(buffer []byte) (int, error)) ([]byte, error) {
	size, err := read(nil)
	if err != nil || size == 0 {
		return nil, err
	}
	buffer := make([]byte, size)
	size, err = read(buffer)
	return buffer[:max(size, 0)], err
}
