// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package rootfs

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"gantry.invalid/guest/internal/disks"
)

// The files in a state directory: the document of the container, and the table of names.
const (
	documentName = "spec.json"
	namesName    = "names.json"
)

// KeepDocument keeps the document in a state directory, so that it is replaced as a whole.
func KeepDocument(directory string, document []byte) error {
	return keep(filepath.Join(directory, documentName), document)
}

// DocumentBefore returns the document that is kept in a state directory.
func DocumentBefore(directory string) ([]byte, error) {
	return os.ReadFile(filepath.Join(directory, documentName))
}

// KeepNames keeps the table of names in a state directory, in the same way.
func KeepNames(directory string, table []byte) error {
	return keep(filepath.Join(directory, namesName), table)
}

// KeptNames returns the table of names that is kept in a state directory.
func KeptNames(directory string) ([]byte, error) {
	return os.ReadFile(filepath.Join(directory, namesName))
}

func keep(path string, document []byte) error {
	before, err := os.ReadFile(path)
	if err == nil && bytes.Equal(before, document) {
		return nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	next := path + ".next"
	if err := writeAndSync(next, document); err != nil {
		return err
	}
	if err := os.Rename(next, path); err != nil {
		return err
	}
	return syncDirectory(filepath.Dir(path))
}

func writeAndSync(path string, content []byte) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	return errors.Join(err, file.Sync(), file.Close())
}

func syncDirectory(path string) error {
	directory, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(directory.Sync(), directory.Close())
}

// KeptDocument reads the document that is kept on a scratch disk that is not mounted.
func KeptDocument(disk disks.Disk) ([]byte, error) {
	if err := mount(disk.Path, scratchDirectory, "ext4", unix.MS_RDONLY, ""); err != nil {
		return nil, err
	}
	document, err := os.ReadFile(filepath.Join(StateDirectory, documentName))
	if unmountErr := unix.Unmount(scratchDirectory, 0); unmountErr != nil {
		return nil, errors.Join(err, fmt.Errorf("unmount %s: %w", scratchDirectory, unmountErr))
	}
	return document, err
}
