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

	"golang.org/x/sys/unix"

	"gantry.invalid/guest/internal/failure"
	"gantry.invalid/guest/internal/spec"
)

// mountReadOnly mounts the image itself as the root. If the image lacks mount points that init needs, they are added by a
// skeleton in a read-only overlay without an upper directory.
func (b *Builder) mountReadOnly(wanted *spec.Spec) error {
	missing, err := makeSkeleton(imageDirectory, skeletonDirectory, wanted)
	if err != nil {
		return failure.From(err, failure.OverlayFailed)
	}
	if !missing {
		if err := mount(imageDirectory, Root, "", unix.MS_BIND, ""); err != nil {
			return failure.From(err, failure.ImageMountFailed)
		}
		return nil
	}
	if err := b.Modules.Load("overlay"); err != nil {
		return failure.From(err, failure.OverlayFailed)
	}
	if err := mount("overlay", Root, "overlay", unix.MS_RDONLY, "lowerdir="+skeletonDirectory+":"+imageDirectory); err != nil {
		return failure.From(err, failure.OverlayFailed)
	}
	return nil
}

// makeSkeleton creates the mount points that the image lacks in the skeleton, and returns whether there are any.
func makeSkeleton(image, skeleton string, wanted *spec.Spec) (bool, error) {
	missing := false
	for _, point := range mountPoints(wanted) {
		existing, rest, err := longestExisting(image, point.path)
		if err != nil {
			return false, err
		}
		if rest == "" {
			continue
		}
		missing = true
		if err := mirrorDirectories(image, skeleton, existing); err != nil {
			return false, err
		}
		if err := createPoint(filepath.Join(skeleton, existing, rest), point.file); err != nil {
			return false, err
		}
	}
	return missing, nil
}

// longestExisting resolves the existing part of a path inside the root, including symbolic links, and returns the resolved
// part and the rest.
func longestExisting(root, path string) (existing, rest string, err error) {
	directory, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", "", fmt.Errorf("open %s: %w", root, err)
	}
	defer func() { _ = unix.Close(directory) }()
	for prefix := filepath.Clean(path); ; prefix = filepath.Dir(prefix) {
		fd, err := unix.Openat2(directory, prefix, &unix.OpenHow{
			Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT,
		})
		if errors.Is(err, unix.ENOENT) && prefix != "/" {
			continue
		}
		if err != nil {
			return "", "", fmt.Errorf("resolve %s in the image: %w", prefix, err)
		}
		resolved, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
		_ = unix.Close(fd)
		if err != nil {
			return "", "", err
		}
		return strings.TrimPrefix(resolved, root), strings.TrimPrefix(strings.TrimPrefix(path, prefix), "/"), nil
	}
}

// mirrorDirectories creates the directory and its parents in the skeleton with the image's modes and owners: if both have a
// directory, the overlay shows the attributes of the skeleton's.
func mirrorDirectories(image, skeleton, path string) error {
	at := ""
	for _, part := range strings.Split(strings.Trim(path, "/"), "/") {
		if err := os.Mkdir(filepath.Join(skeleton, at), 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		if err := copyAttributes(filepath.Join(image, at), filepath.Join(skeleton, at)); err != nil {
			return err
		}
		at = filepath.Join(at, part)
	}
	if at == "" {
		return nil
	}
	if err := os.Mkdir(filepath.Join(skeleton, at), 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return copyAttributes(filepath.Join(image, at), filepath.Join(skeleton, at))
}

// createPoint creates an empty directory or file to mount on.
func createPoint(path string, file bool) error {
	if !file {
		return os.MkdirAll(path, 0o755)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	created, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	return created.Close()
}
