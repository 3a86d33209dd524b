// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package packed reads the files of the initial file system that few VMs need. They are compressed by gzip, because they are in memory
// until init removes them.
package packed

import (
	"compress/gzip"
	"errors"
	"io"
	"os"
)

// Suffix is that of their names.
const Suffix = ".gz"

type file struct {
	*gzip.Reader
	packed *os.File
}

// Close closes the file.
func (f *file) Close() error { return errors.Join(f.Reader.Close(), f.packed.Close()) }

// Open returns a reader of the content.
func Open(path string) (io.ReadCloser, error) {
	packed, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	reader, err := gzip.NewReader(packed)
	if err != nil {
		return nil, errors.Join(err, packed.Close())
	}
	return &file{reader, packed}, nil
}

// Read returns the content.
func Read(path string) ([]byte, error) {
	reader, err := Open(path)
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(reader)
	return content, errors.Join(err, reader.Close())
}
