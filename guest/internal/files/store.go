// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package files keeps the files and secrets of the container: one delivery in a directory that the container cannot see, which
// is unpacked into memory at each start (docs/developers/contracts.md, section 10).
package files

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	keptName = "files"
	nextName = "files.next"
)

// Store is the directory with the delivery. It implements guestops.Sink.
type Store struct {
	Directory string
}

func (s Store) path(name string) string { return filepath.Join(s.Directory, name) }

// Has returns whether the delivery with this SHA-256 is kept.
func (s Store) Has(sha256Hex string) (bool, error) {
	kept, err := os.Open(s.path(keptName))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	digest := sha256.New()
	_, err = io.Copy(digest, kept)
	return hex.EncodeToString(digest.Sum(nil)) == sha256Hex, errors.Join(err, kept.Close())
}

// Clear removes what is kept, and what remains of an interrupted delivery.
func (s Store) Clear() error {
	var failed []error
	for _, name := range []string{keptName, nextName} {
		if err := os.Remove(s.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// Begin drops what was stored of a delivery.
func (s Store) Begin() error { return os.WriteFile(s.path(nextName), nil, 0o600) }

// Append stores a part of a delivery.
func (s Store) Append(data []byte) error {
	next, err := os.OpenFile(s.path(nextName), os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = next.Write(data)
	return errors.Join(err, next.Close())
}

// Finish keeps the delivery, also if the machine loses power.
func (s Store) Finish() error {
	for _, step := range []func() error{
		func() error { return sync(s.path(nextName)) },
		func() error { return os.Rename(s.path(nextName), s.path(keptName)) },
		func() error { return sync(s.Directory) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func sync(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}
