// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package rootfs assembles the container's file system: the image, the writable layer and the standard mounts.
package rootfs

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"gantry.invalid/guest/internal/disks"
	"gantry.invalid/guest/internal/failure"
	"gantry.invalid/guest/internal/filesystems"
	"gantry.invalid/guest/internal/format"
	"gantry.invalid/guest/internal/modules"
	"gantry.invalid/guest/internal/spec"
)

// Paths in init's mount namespace.
const (
	imageDirectory   = "/image"
	scratchDirectory = "/scratch"
	// Root is the container's root in init's mount namespace.
	Root = "/container"
	// StateDirectory has init's records about the container. It is on the writable layer, but not visible in the container.
	StateDirectory = scratchDirectory + "/gantry"

	upperDirectory    = scratchDirectory + "/upper"
	workDirectory     = scratchDirectory + "/work"
	skeletonDirectory = "/skeleton"
)

// Builder mounts the root file system.
type Builder struct {
	// Images, Scratches and Volumes receive disk events independently of each other.
	Images    *disks.Finder
	Scratches *disks.Finder
	Volumes   *disks.Finder
	Modules   *modules.Loader
	// ScratchMounted is called when the scratch disk is mounted, before anything is changed on it for this start.
	ScratchMounted func(disk disks.Disk)
}

// Prepare mounts the container's root at Root and the writable layer at /scratch.
func (b *Builder) Prepare(ctx context.Context, wanted *spec.Spec) error {
	// The scratch disk comes first, so that all later failures can be recorded on it.
	if err := b.mountScratch(ctx, wanted); err != nil {
		return err
	}
	if err := b.mountImage(ctx, wanted.Image.Disk); err != nil {
		return err
	}
	if err := b.mountRoot(wanted); err != nil {
		return err
	}
	return b.mountVolumes(ctx, wanted.Volumes)
}

func (b *Builder) mountRoot(wanted *spec.Spec) error {
	if wanted.Root.ReadOnly {
		return b.mountReadOnly(wanted)
	}
	if err := b.mountOverlay(); err != nil {
		return failure.From(err, failure.OverlayFailed)
	}
	return nil
}

func (b *Builder) mountImage(ctx context.Context, content string) error {
	disk, err := b.Images.FindImage(ctx, content)
	if err != nil {
		return err
	}
	if err := b.Modules.Load("squashfs"); err != nil {
		return failure.From(err, failure.ImageMountFailed)
	}
	if err := mount(disk.Path, imageDirectory, "squashfs", unix.MS_RDONLY, ""); err != nil {
		return failure.From(err, failure.ImageMountFailed)
	}
	return nil
}

func (b *Builder) mountScratch(ctx context.Context, wanted *spec.Spec) error {
	if wanted.Root.Scratch != nil {
		return b.mountScratchDisk(ctx, wanted.ID, wanted.Root.Scratch.Unit)
	}
	options := "mode=0755"
	if wanted.Root.TmpfsSize != nil {
		options += fmt.Sprintf(",size=%d", *wanted.Root.TmpfsSize)
	}
	if err := mount("scratch", scratchDirectory, "tmpfs", 0, options); err != nil {
		return failure.From(err, failure.ScratchMountFailed)
	}
	return makeStateDirectory()
}

func makeStateDirectory() error {
	if err := os.MkdirAll(StateDirectory, 0o700); err != nil {
		return failure.From(err, failure.ScratchMountFailed)
	}
	return nil
}

// LimitTmpfs limits a writable layer in memory to half of the container's memory, unless the spec has a size.
func LimitTmpfs(root spec.Root, containerMemory int64) error {
	if root.Scratch != nil || root.TmpfsSize != nil {
		return nil
	}
	if err := unix.Mount("", scratchDirectory, "", unix.MS_REMOUNT, fmt.Sprintf("size=%d", containerMemory/2)); err != nil {
		return fmt.Errorf("set the size of %s: %w", scratchDirectory, err)
	}
	return nil
}

func (b *Builder) mountScratchDisk(ctx context.Context, id string, unit int) error {
	scratch, err := b.Scratches.FindScratch(ctx, id, unit)
	if err != nil {
		return err
	}
	if scratch.Kind == nil {
		if scratch.Kind, err = formatDisk(scratch.Disk, spec.FileSystemExt4, id); err != nil {
			return failure.New(failure.ScratchFormatFailed, "%s: %v", scratch.Disk.Name, err)
		}
	}
	if err := b.mountAndGrow(scratch, scratchDirectory); err != nil {
		return failure.New(failure.ScratchMountFailed, "%s: %v", scratch.Disk.Name, err)
	}
	if err := makeStateDirectory(); err != nil {
		return err
	}
	b.ScratchMounted(scratch.Disk)
	return nil
}

// formatDisk creates the file system with this name on a blank disk.
func formatDisk(disk disks.Disk, name, id string) (*filesystems.Kind, error) {
	kind, err := filesystems.Named(name)
	if err != nil {
		return nil, err
	}
	device, err := os.OpenFile(disk.Path, os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	return kind, errors.Join(kind.Format(device, disk.Size, id), device.Close())
}

// mountAndGrow mounts a disk that init has formatted and grows its file system to the size of the disk: after formatting, after an
// interrupted growth, and after the disk was extended.
func (b *Builder) mountAndGrow(found disks.FileSystem, directory string) error {
	kind, disk := found.Kind, found.Disk
	if kind.Name != spec.FileSystemExt4 {
		if err := b.Modules.Load(kind.Name); err != nil {
			return err
		}
	}
	file, err := disk.Open()
	if err != nil {
		return err
	}
	size, err := kind.Bytes(file)
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	grows := disk.Size/format.BlockBytes > size/format.BlockBytes
	if err := mount(disk.Path, directory, kind.Name, unix.MS_NOATIME, kind.Options(grows)); err != nil {
		return err
	}
	if grows {
		return kind.Grow(directory, disk.Size)
	}
	return nil
}

func (b *Builder) mountOverlay() error {
	if err := b.Modules.Load("overlay"); err != nil {
		return err
	}
	for _, directory := range []string{upperDirectory, workDirectory} {
		if err := os.MkdirAll(directory, 0o755); err != nil {
			return err
		}
	}
	// A merged directory has the mode and owner of the upper one.
	if err := copyAttributes(imageDirectory, upperDirectory); err != nil {
		return err
	}
	return mount("overlay", Root, "overlay", 0,
		"lowerdir="+imageDirectory+",upperdir="+upperDirectory+",workdir="+workDirectory+",redirect_dir=on")
}

func copyAttributes(from, to string) error {
	var stat unix.Stat_t
	if err := unix.Stat(from, &stat); err != nil {
		return fmt.Errorf("stat %s: %w", from, err)
	}
	if err := os.Chown(to, int(stat.Uid), int(stat.Gid)); err != nil {
		return err
	}
	return unix.Chmod(to, stat.Mode&0o7777)
}

// Release unmounts the file systems that Prepare has mounted, so that the disks are clean. The container must have ended.
func Release() error {
	mounted, err := mountedVolumes()
	failed := []error{err}
	for _, directory := range append(mounted, Root, scratchDirectory, imageDirectory) {
		failed = append(failed, unmountIfMounted(directory, 0))
	}
	// Servers may take a while.
	return errors.Join(append(failed, releaseNFS())...)
}

func mount(what, where, kind string, flags uintptr, options string) error {
	if err := os.MkdirAll(where, 0o755); err != nil {
		return err
	}
	if err := unix.Mount(what, where, kind, flags, options); err != nil {
		return fmt.Errorf("mount %s (%s) at %s: %w", what, kind, where, err)
	}
	return nil
}
