// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package disks

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"gantry.invalid/guest/internal/failure"
)

const (
	footerBytes = 4096
	footerMagic = "GANTRYIMG1\n"
)

// Footer is the content of an image disk's last block (docs/developers/contracts.md, section 4).
type Footer struct {
	Disk          string `json:"disk"`
	Digest        string `json:"digest"`
	SquashfsBytes int64  `json:"squashfs_bytes"`
	Converter     string `json:"converter"`
}

var errNoFooter = errors.New("not an image disk")

// ReadFooter reads the footer of a disk of the given size.
func ReadFooter(reader io.ReaderAt, size int64) (*Footer, error) {
	if size < footerBytes {
		return nil, errNoFooter
	}
	block := make([]byte, footerBytes)
	if _, err := reader.ReadAt(block, size-footerBytes); err != nil {
		return nil, err
	}
	document, found := bytes.CutPrefix(block, []byte(footerMagic))
	if !found {
		return nil, errNoFooter
	}
	footer := &Footer{}
	if err := json.Unmarshal(bytes.TrimRight(document, "\x00"), footer); err != nil {
		return nil, fmt.Errorf("footer: %w", err)
	}
	return footer, nil
}

// FindImage waits for the image disk with the given content.
func (f *Finder) FindImage(ctx context.Context, content string) (Disk, error) {
	var (
		image    Disk
		ok       bool
		last     []Disk
		mismatch string
	)
	err := f.Await(ctx, func(found []Disk) (bool, error) {
		last, mismatch = found, ""
		for _, disk := range found {
			footer, err := readFooterOf(disk)
			switch {
			case errors.Is(err, errNoFooter):
			case err != nil:
				mismatch = fmt.Sprintf("%s: %v", disk.Name, err)
			case footer.Disk != content:
				mismatch = fmt.Sprintf("%s holds image disk %s (%s)", disk.Name, footer.Disk, footer.Digest)
			default:
				image, ok = disk, true
				return true, nil
			}
		}
		return false, nil
	})
	switch {
	case err != nil:
		return Disk{}, failure.From(err, failure.ImageDiskMissing)
	case ok:
		return image, nil
	case mismatch != "":
		return Disk{}, failure.New(failure.ImageDiskMismatch, "the spec requires image disk %s, but %s", content, mismatch)
	}
	return Disk{}, failure.New(failure.ImageDiskMissing, "no disk ends with an image footer; %s", Describe(last))
}

func readFooterOf(disk Disk) (*Footer, error) {
	file, err := disk.Open()
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return ReadFooter(file, disk.Size)
}
