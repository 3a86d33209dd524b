// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package rootfs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"gantry.invalid/guest/internal/disks"
	"gantry.invalid/guest/internal/failure"
	"gantry.invalid/guest/internal/spec"
)

// volumesDirectory has a directory for each volume, in init's mount namespace.
const volumesDirectory = "/volumes"

// Directories on a volume. The container sees only its data, without lost+found, which many programs do not expect. A new
// volume is filled under another name, so that an interrupted copy is repeated.
const (
	dataName    = "data"
	fillingName = "filling"
)

// mountVolumes mounts the volumes in volumesDirectory, those that are new with the image's files. Copies come before their origins,
// which have fewer origins themselves: when a volume is looked for by its UUID, no copy of it has this UUID any more.
func (b *Builder) mountVolumes(ctx context.Context, wanted []spec.Volume) error {
	wanted = slices.Clone(wanted)
	slices.SortStableFunc(wanted, func(a, b spec.Volume) int { return len(b.Origins) - len(a.Origins) })
	for _, volume := range wanted {
		disk, err := b.Volumes.FindVolume(ctx, volume.ID, volume.Unit, volume.Origins...)
		if err != nil {
			found := failure.From(err, failure.VolumeMissing)
			return failure.New(found.Code, "the volume %s: %s", volume.Name, found.Message)
		}
		if disk.Kind == nil {
			if disk.Kind, err = formatDisk(disk.Disk, volume.FileSystem, volume.ID); err != nil {
				return failure.New(failure.VolumeFormatFailed, "the volume %s on %s: %v", volume.Name, disk.Disk.Name, err)
			}
		}
		if err := b.mountVolume(disk, volume); err != nil {
			return failure.New(failure.VolumeMountFailed, "the volume %s on %s: %v", volume.Name, disk.Disk.Name, err)
		}
	}
	return nil
}

func (b *Builder) mountVolume(found disks.FileSystem, volume spec.Volume) error {
	directory := filepath.Join(volumesDirectory, volume.ID)
	if err := b.mountAndGrow(found, directory); err != nil {
		return err
	}
	if found.Copied {
		if err := found.Kind.SetIdentity(directory, volume.ID); err != nil {
			return err
		}
	}
	existing, rest, err := longestExisting(Root, filepath.Clean(volume.Target))
	if err != nil {
		return err
	}
	source := ""
	if volume.Copy && rest == "" {
		source = filepath.Join(Root, existing)
	}
	return fillVolume(directory, source)
}

// fillVolume creates the data of a new volume as a copy of the source, which may be empty for none, as Docker does.
func fillVolume(directory, source string) error {
	data, filling := filepath.Join(directory, dataName), filepath.Join(directory, fillingName)
	if _, err := os.Lstat(data); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.RemoveAll(filling); err != nil {
		return err
	}
	if err := os.Mkdir(filling, 0o755); err != nil {
		return err
	}
	if source != "" {
		if err := copyTree(source, filling); err != nil {
			return fmt.Errorf("copy the image's files: %w", err)
		}
	}
	if err := syncFileSystem(filling); err != nil {
		return err
	}
	if err := os.Rename(filling, data); err != nil {
		return err
	}
	return syncDirectory(directory)
}

func syncFileSystem(path string) error {
	directory, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(unix.Syncfs(int(directory.Fd())), directory.Close())
}

// openVolumes opens detached mounts of the volumes' data, which are attached after the root has changed.
func openVolumes(wanted []spec.Volume) (map[string]int, error) {
	opened := map[string]int{}
	for _, volume := range wanted {
		fd, err := openDetached(filepath.Join(volumesDirectory, volume.ID, dataName))
		if err != nil {
			return nil, err
		}
		opened[volume.ID] = fd
	}
	return opened, nil
}

// attachVolume mounts a volume in the container.
func attachVolume(fd int, target string, readOnly bool) error {
	if err := os.MkdirAll(target, 0o755); err != nil {
		return err
	}
	if err := attachDetached(fd, target); err != nil {
		return err
	}
	if readOnly {
		return remountReadOnly(target)
	}
	return nil
}

// mountedVolumes returns the directories of the volumes.
func mountedVolumes() ([]string, error) {
	return filepath.Glob(filepath.Join(volumesDirectory, "*"))
}
