// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The files and secrets of the container: each is in memory and mounted read-only on its target, so that nothing of them is on
// the writable layer.

package rootfs

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"gantry.invalid/guest/internal/spec"
)

// FilesDirectory has the content of the files, by their numbers in the document.
const FilesDirectory = "/run/gantry/files"

// Owner returns the owner and the group of a file in the container.
type Owner func(file spec.File) (uid, gid int, err error)

// openFiles opens detached mounts of the files, which are attached after the root has changed.
func openFiles(entries []spec.File) ([]int, error) {
	fds := make([]int, 0, len(entries))
	for i, entry := range entries {
		path := filepath.Join(FilesDirectory, strconv.Itoa(i))
		if err := os.Chmod(path, os.FileMode(entry.Permissions())); err != nil {
			return nil, err
		}
		fd, err := unix.OpenTree(unix.AT_FDCWD, path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
		if err != nil {
			return nil, fmt.Errorf("open %s: %w", path, err)
		}
		fds = append(fds, fd)
	}
	return fds, nil
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
	closed := &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV}
	for i, entry := range entries {
		if err := ensureFile(entry.Target); err != nil {
			return fmt.Errorf("make %s to mount on: %w", entry.Target, err)
		}
		if err := unix.MountSetattr(fds[i], "", unix.AT_EMPTY_PATH, closed); err != nil {
			return fmt.Errorf("make %s read-only: %w", entry.Target, err)
		}
		if err := unix.MoveMount(fds[i], "", unix.AT_FDCWD, entry.Target, unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_SYMLINKS); err != nil {
			return fmt.Errorf("mount on %s: %w", entry.Target, err)
		}
	}
	return nil
}
