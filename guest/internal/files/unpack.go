// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package files

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
)

// magic begins a delivery.
const magic = "GANTRYFILES1\n"

// header is the line after the magic. The salt only makes the digest of the delivery unpredictable.
type header struct {
	Salt  string  `json:"salt"`
	Sizes []int64 `json:"sizes"`
}

// Unpack writes the files of the kept delivery, which must be as many as announced, to a directory. Their names are their
// numbers, from 0. Only init can read them.
func (s Store) Unpack(count int, directory string) error {
	kept, err := os.Open(s.path(keptName))
	if err != nil {
		return err
	}
	return errors.Join(unpack(bufio.NewReader(kept), count, directory), kept.Close())
}

func unpack(content *bufio.Reader, count int, directory string) error {
	begin := make([]byte, len(magic))
	if _, err := io.ReadFull(content, begin); err != nil || string(begin) != magic {
		return errors.New("the delivered files are in an unknown format")
	}
	line, err := content.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("read the header of the delivered files: %w", err)
	}
	var announced header
	if err := json.Unmarshal(line, &announced); err != nil {
		return fmt.Errorf("read the header of the delivered files: %w", err)
	}
	if len(announced.Sizes) != count {
		return fmt.Errorf("%d files were delivered, and the document has %d", len(announced.Sizes), count)
	}
	if err := os.MkdirAll(directory, 0o700); err != nil {
		return err
	}
	for i, size := range announced.Sizes {
		if err := unpackFile(content, size, filepath.Join(directory, strconv.Itoa(i))); err != nil {
			return err
		}
	}
	return nil
}

func unpackFile(content io.Reader, size int64, path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	copied, err := io.CopyN(file, content, max(size, 0))
	if errors.Is(err, io.EOF) {
		err = fmt.Errorf("the delivery ends after %d bytes of a file of %d", copied, size)
	}
	return errors.Join(err, file.Close())
}
