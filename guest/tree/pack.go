// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package tree

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"syscall"
)

// archiveEnd is the size of the end of an archive: two blocks of zeros.
const (
	block      = 512
	archiveEnd = 2 * block
)

// counter counts what is written.
type counter struct{ total int64 }

func (c *counter) Write(content []byte) (int, error) {
	c.total += int64(len(content))
	return len(content), nil
}

// PackedSize returns the size of the archive that Pack writes if no file changes meanwhile.
func (t Tree) PackedSize(top string) (int64, error) {
	size := &counter{total: archiveEnd}
	err := t.walk(top, func(relative, absolute string, info os.FileInfo) error {
		header, err := headerOf(top, relative, absolute, info)
		if header == nil || err != nil {
			return err
		}
		size.total += padded(header.Size)
		return tar.NewWriter(size).WriteHeader(header)
	})
	return size.total, err
}

// Pack writes the archive of a file or directory, which must have this size. Paths in it are relative to a directory, or the
// name of a file.
func (t Tree) Pack(top string, size int64, to io.Writer) error {
	written := &counter{}
	to = io.MultiWriter(written, to)
	err := t.walk(top, func(relative, absolute string, info os.FileInfo) error {
		header, err := headerOf(top, relative, absolute, info)
		if header == nil || err != nil {
			return err
		}
		if written.total+padded(header.Size)+archiveEnd > size {
			return errChanged(top)
		}
		if err := tar.NewWriter(to).WriteHeader(header); err != nil {
			return err
		}
		return packContent(header, path.Join(top, relative), absolute, to)
	})
	if err == nil {
		_, err = to.Write(make([]byte, archiveEnd))
	}
	if err == nil && written.total != size {
		err = errChanged(top)
	}
	return err
}

func errChanged(name string) error { return fmt.Errorf("%s has changed while it was read", name) }

func padded(size int64) int64 { return (size + block - 1) / block * block }

func packContent(header *tar.Header, name, absolute string, to io.Writer) error {
	if header.Typeflag != tar.TypeReg {
		return nil
	}
	file, err := openRegular(absolute)
	if err != nil {
		return fmt.Errorf("%s: %w", name, reason(err))
	}
	_, err = io.CopyN(to, file, header.Size)
	if errors.Is(err, io.EOF) {
		err = errChanged(name)
	}
	if err == nil {
		_, err = to.Write(make([]byte, padded(header.Size)-header.Size))
	}
	return errors.Join(err, file.Close())
}

// headerOf returns the header of a file, or nil if it is none that is copied.
func headerOf(top, relative, absolute string, info os.FileInfo) (*tar.Header, error) {
	system := info.Sys().(*syscall.Stat_t)
	header := &tar.Header{Name: relative, Mode: int64(system.Mode & 0o7777), Uid: int(system.Uid), Gid: int(system.Gid),
		ModTime: info.ModTime().Truncate(1e9), Format: tar.FormatPAX}
	if relative == "" {
		header.Name = path.Base(top)
	}
	switch kindOf(info.Mode()) {
	case File:
		header.Typeflag, header.Size = tar.TypeReg, info.Size()
	case Directory:
		header.Typeflag, header.Name = tar.TypeDir, "./"+relative
	case Symlink:
		target, err := os.Readlink(absolute)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path.Join(top, relative), reason(err))
		}
		header.Typeflag, header.Linkname = tar.TypeSymlink, target
	default:
		return nil, nil
	}
	return header, nil
}
