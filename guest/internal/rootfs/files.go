// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The files and secrets of the container: each is in memory and mounted read-only on its target, so that nothing of them is on
// the writable layer.

package rootfs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"gantry.invalid/guest/internal/files"
	"gantry.invalid/guest/internal/spec"
)

// FilesDirectory has the content of the files, by their numbers in the document.
const FilesDirectory = "/run/gantry/files"

// Owner returns the owner and the group of a file in the container.
type Owner func(file spec.File) (uid, gid int, err error)

// openFiles opens detached mounts of the files, which are attached after the root has changed.
func openFiles(entries []spec.File) ([]int, error) {
	// The container that had them mounted has ended.
	if err := os.RemoveAll(files.KeptDirectory(FilesDirectory)); err != nil {
		return nil, err
	}
	fds := make([]int, 0, len(entries))
	for i, entry := range entries {
		if err := os.Chmod(filePath(i), os.FileMode(entry.Permissions())); err != nil {
			return nil, err
		}
		fd, err := openFile(i)
		if err != nil {
			return nil, err
		}
		fds = append(fds, fd)
	}
	return fds, nil
}

func filePath(number int) string { return filepath.Join(FilesDirectory, strconv.Itoa(number)) }

// openFile opens a detached mount of a file.
func openFile(number int) (int, error) {
	fd, err := unix.OpenTree(unix.AT_FDCWD, filePath(number), unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return -1, fmt.Errorf("open %s: %w", filePath(number), err)
	}
	return fd, nil
}

// attachFiles gives the files to their owners, who are looked up in the image, and mounts them on their targets.
func attachFiles(fds []int, entries []spec.File, owner Owner) error {
	for i, entry := range entries {
		uid, gid, err := owner(entry)
		if err != nil {
			return err
		}
		if err := unix.Fchownat(fds[i], "", uid, gid, unix.AT_EMPTY_PATH); err != nil {
			return fmt.Errorf("change the owner of %s: %w", entry.Target, err)
		}
	}
	for i, entry := range entries {
		if err := ensureFile(entry.Target); err != nil {
			return fmt.Errorf("make %s to mount on: %w", entry.Target, err)
		}
		if err := closeFile(fds[i], entry.Target); err != nil {
			return err
		}
		if err := unix.MoveMount(fds[i], "", unix.AT_FDCWD, entry.Target, unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_SYMLINKS); err != nil {
			return fmt.Errorf("mount on %s: %w", entry.Target, err)
		}
	}
	return nil
}

// closeFile makes the mount of a file read-only.
func closeFile(fd int, target string) error {
	closed := &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV}
	if err := unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH, closed); err != nil {
		return fmt.Errorf("make %s read-only: %w", target, err)
	}
	return nil
}

// MountReplaced mounts files that were replaced over those that a running container has. enter moves a goroutine into the
// container, for good.
func MountReplaced(replaced []files.Replaced, entries []spec.File, enter func() error) error {
	fds := make([]int, 0, len(replaced))
	defer func() {
		for _, fd := range fds {
			_ = unix.Close(fd) // what was mounted stays
		}
	}()
	for _, file := range replaced {
		fd, err := openFile(file.Number)
		if err != nil {
			return err
		}
		fds = append(fds, fd)
		if err := closeFile(fd, entries[file.Number].Target); err != nil {
			return err
		}
	}
	done := make(chan error)
	go func() {
		err := enter()
		for i, file := range replaced {
			if err == nil {
				err = mountOver(fds[i], entries[file.Number].Target, file.Before)
			}
		}
		done <- err
	}()
	return <-done
}

// mountOver mounts a file over the one that was mounted on its target. The container's processes may have moved the target's
// directory away, and nothing else of the container is covered.
func mountOver(fd int, target string, before os.FileInfo) (err error) {
	under, err := os.OpenFile(target, unix.O_PATH, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, under.Close()) }()
	found, err := under.Stat()
	if err != nil {
		return err
	}
	if !os.SameFile(found, before) {
		return fmt.Errorf("%s is not the file any more that was mounted there", target)
	}
	const flags = unix.MOVE_MOUNT_F_EMPTY_PATH | unix.MOVE_MOUNT_T_EMPTY_PATH
	if err := unix.MoveMount(fd, "", int(under.Fd()), "", flags); err != nil {
		return fmt.Errorf("mount on %s: %w", target, err)
	}
	return nil
}
