// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package filesystems has the file systems that init creates on blank disks, finds by their content, and grows.
package filesystems

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"gantry.invalid/guest/internal/ext4"
	"gantry.invalid/guest/internal/format"
	"gantry.invalid/guest/internal/packed"
	"gantry.invalid/guest/internal/spec"
	"gantry.invalid/guest/internal/xfs"
)

// Where the bootstrap has the templates: one of ext4, and those of XFS, each named by its size in MiB and compressed.
const (
	ext4Template = "/lib/ext4.template"
	xfsTemplates = "/lib/xfs"
)

// Kind is a file system. An identity is a UUID.
type Kind struct {
	// Name is also that of its kernel module, if it is not built in.
	Name string
	// Holds returns whether the disk has this file system with this identity.
	Holds func(reader io.ReaderAt, id string) bool
	// Describe names the file system of the disk, or returns "" if it has none of this kind.
	Describe func(reader io.ReaderAt) string
	// Bytes returns the current size of the file system.
	Bytes func(reader io.ReaderAt) (int64, error)
	// Format creates the file system on a blank disk of this size.
	Format func(device format.Device, deviceBytes int64, id string) error
	// Grow grows the mounted file system to the size of its disk.
	Grow func(directory string, deviceBytes int64) error
	// SetIdentity changes the identity of the mounted file system, which is a copy of another one.
	SetIdentity func(directory, id string) error
	// Options returns those of a mount.
	Options func(grows bool) string
}

// Kinds are all file systems.
var Kinds = []*Kind{
	{
		Name: spec.FileSystemExt4,
		Holds: func(reader io.ReaderAt, id string) bool {
			uuid, err := ext4.UUID(reader)
			return err == nil && uuid == id
		},
		Describe: func(reader io.ReaderAt) string { return describe("ext4", reader, ext4.UUID) },
		Bytes:    ext4.Bytes,
		Format: func(device format.Device, deviceBytes int64, id string) error {
			content, err := os.ReadFile(ext4Template)
			if err != nil {
				return err
			}
			template, err := format.Parse(content)
			if err != nil {
				return err
			}
			return ext4.Write(template, device, deviceBytes, id)
		},
		Grow:        ext4.Grow,
		SetIdentity: ext4.SetUUID,
		// The inode tables are not zeroed in the background: the disk was blank, and writing zeros to a thin disk allocates space.
		Options: func(grows bool) string {
			if grows {
				return ""
			}
			return "noinit_itable"
		},
	},
	{
		Name: spec.FileSystemXFS,
		Holds: func(reader io.ReaderAt, id string) bool {
			label, err := xfs.Label(reader)
			return err == nil && label == xfs.LabelOf(id)
		},
		Describe: func(reader io.ReaderAt) string { return describe("XFS", reader, xfs.Label) },
		Bytes:    xfs.Bytes,
		Format: func(device format.Device, deviceBytes int64, id string) error {
			path, err := xfsTemplate(xfsTemplates, deviceBytes)
			if err != nil {
				return err
			}
			content, err := packed.Read(path)
			if err != nil {
				return err
			}
			template, err := format.Parse(content)
			if err != nil {
				return err
			}
			return xfs.Write(template, device, deviceBytes, id)
		},
		Grow:        xfs.Grow,
		SetIdentity: xfs.SetIdentity,
		Options:     func(bool) string { return xfs.Options },
	},
}

// Named returns the file system with this name; "" is ext4.
func Named(name string) (*Kind, error) {
	for _, kind := range Kinds {
		if kind.Name == name || name == "" && kind.Name == spec.FileSystemExt4 {
			return kind, nil
		}
	}
	return nil, fmt.Errorf("there is no file system %q", name)
}

// Holder returns the kind of the file system of the disk, if it has one of the identities.
func Holder(reader io.ReaderAt, ids ...string) *Kind {
	for _, kind := range Kinds {
		for _, id := range ids {
			if kind.Holds(reader, id) {
				return kind
			}
		}
	}
	return nil
}

// Describe names the file system of the disk, or returns "" if it has none that is known.
func Describe(reader io.ReaderAt) string {
	for _, kind := range Kinds {
		if found := kind.Describe(reader); found != "" {
			return found
		}
	}
	return ""
}

func describe(name string, reader io.ReaderAt, identity func(io.ReaderAt) (string, error)) string {
	id, err := identity(reader)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("the %s file system %s", name, id)
}

// xfsTemplate returns the path of the template for a disk.
func xfsTemplate(directory string, deviceBytes int64) (string, error) {
	entries, err := os.ReadDir(directory)
	if err != nil {
		return "", err
	}
	var sizes []int64
	for _, entry := range entries {
		size, err := strconv.ParseInt(strings.TrimSuffix(entry.Name(), packed.Suffix), 10, 64)
		if err != nil {
			return "", fmt.Errorf("%s: %w", entry.Name(), err)
		}
		sizes = append(sizes, size)
	}
	size, err := xfs.TemplateFor(sizes, deviceBytes)
	return filepath.Join(directory, strconv.FormatInt(size, 10)+packed.Suffix), err
}

// DiscardXFS removes the templates of XFS, which nobody will create: the files of the initial file system are in memory.
func DiscardXFS() error { return os.RemoveAll(xfsTemplates) }
