// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package tree

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"syscall"
)

// Entry is a file of a listing.
type Entry struct {
	Path   string `json:"path"` // relative to the listed one, which has ""
	Kind   string `json:"kind"`
	Mode   uint32 `json:"mode"`
	UID    uint32 `json:"uid"`
	GID    uint32 `json:"gid"`
	Size   int64  `json:"size"`             // of a regular file
	SHA256 string `json:"sha256,omitempty"` // of a regular file
	Link   string `json:"link,omitempty"`
}

// List writes the entries of a file or directory as lines of JSON, in the order of their names. It writes none if there is no
// such file, and only that of the directory itself if it is not recursive.
func (t Tree) List(top string, recursive bool, to io.Writer) error {
	encoder := json.NewEncoder(to)
	first, err := os.Lstat(t.host(top))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", top, reason(err))
	}
	if !recursive && first.IsDir() {
		entry, err := t.entryOf("", t.host(top), first)
		return errors.Join(err, encoder.Encode(entry))
	}
	return t.walk(top, func(relative, absolute string, info os.FileInfo) error {
		entry, err := t.entryOf(relative, absolute, info)
		if err != nil {
			return fmt.Errorf("%s: %w", path.Join(top, relative), reason(err))
		}
		return encoder.Encode(entry)
	})
}

func (t Tree) entryOf(relative, absolute string, info os.FileInfo) (entry Entry, err error) {
	system := info.Sys().(*syscall.Stat_t)
	entry = Entry{Path: relative, Kind: kindOf(info.Mode()), Mode: system.Mode & 0o7777, UID: system.Uid, GID: system.Gid}
	switch entry.Kind {
	case File:
		entry.Size, entry.SHA256, err = t.digest(absolute)
	case Symlink:
		entry.Link, err = os.Readlink(absolute)
	}
	return entry, err
}

// openRegular opens a regular file. Another kind of file, which may have taken its place, is neither followed nor waited for.
func openRegular(absolute string) (*os.File, error) {
	file, err := os.OpenFile(absolute, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is no longer a regular file")
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

func (t Tree) digest(absolute string) (size int64, text string, err error) {
	file, err := openRegular(absolute)
	if err != nil {
		return 0, "", err
	}
	sum := sha256.New()
	size, err = io.Copy(sum, checkedReader{file, t.check})
	return size, hex.EncodeToString(sum.Sum(nil)), errors.Join(err, file.Close())
}

// checkedReader checks before each read.
type checkedReader struct {
	io.Reader
	check func() error
}

// Read implements io.Reader.
func (c checkedReader) Read(into []byte) (int, error) {
	if err := c.check(); err != nil {
		return 0, err
	}
	return c.Reader.Read(into)
}
