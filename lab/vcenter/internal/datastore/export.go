// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Exports: the content of a disk and its parents as a stream-optimized VMDK. Nothing is copied before it is sent.

package datastore

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"

	"gantry.invalid/lab/vcenter/internal/qcow2"
	"gantry.invalid/lab/vcenter/internal/vmdk"
)

// ExportDisk writes the content of a disk to a stream. It reads the disk as the stream is written.
func (s *Stores) ExportDisk(place Path, stream io.Writer) error {
	chain, err := s.Chain(place)
	if err != nil {
		return err
	}
	content, err := openContent(chain)
	if err != nil {
		return err
	}
	return errors.Join(vmdk.Encode(stream, content, chain[0].Capacity), content.close())
}

// content is the data of a chain: overlays, the topmost first, on a raw file.
type content struct {
	overlays []*qcow2.Reader
	base     *os.File
	baseSize int64
	capacity int64
}

func openContent(chain []Disk) (*content, error) {
	c := &content{capacity: chain[0].Capacity}
	for _, disk := range chain {
		if err := c.open(disk); err != nil {
			return nil, errors.Join(err, c.close())
		}
	}
	return c, nil
}

func (c *content) open(disk Disk) error {
	if disk.Format == FormatQcow2 {
		overlay, err := qcow2.Open(disk.Data)
		if err == nil {
			c.overlays = append(c.overlays, overlay)
		}
		return err
	}
	file, err := os.Open(disk.Data)
	if err != nil {
		return err
	}
	c.base = file
	info, err := file.Stat()
	if err == nil {
		c.baseSize = info.Size()
	}
	return err
}

func (c *content) close() error {
	var failures []error
	for _, overlay := range c.overlays {
		failures = append(failures, overlay.Close())
	}
	if c.base != nil {
		failures = append(failures, c.base.Close())
	}
	return errors.Join(failures...)
}

// ReadAt reads the disk as a VM does.
func (c *content) ReadAt(data []byte, offset int64) (n int, err error) {
	for n < len(data) && offset < c.capacity {
		piece := data[n:min(len(data), n+int(qcow2.ClusterSize-offset%qcow2.ClusterSize))]
		piece = piece[:min(int64(len(piece)), c.capacity-offset)]
		if err := c.readCluster(piece, offset); err != nil {
			return n, err
		}
		n, offset = n+len(piece), offset+int64(len(piece))
	}
	if n < len(data) {
		return n, io.EOF
	}
	return n, nil
}

func (c *content) readCluster(piece []byte, offset int64) error {
	for _, overlay := range c.overlays {
		if found, err := overlay.ReadCluster(piece, offset); found || err != nil {
			return err
		}
	}
	n, err := c.base.ReadAt(piece, offset)
	if errors.Is(err, io.EOF) { // a parent may be smaller than its child
		clear(piece[n:])
		return nil
	}
	return err
}

// Next returns the first offset from the given one that a file of the chain has data for, or the capacity.
func (c *content) Next(offset int64) (int64, error) {
	next := c.capacity
	for _, overlay := range c.overlays {
		at, err := overlay.Next(offset)
		if err != nil {
			return 0, err
		}
		next = min(next, at)
	}
	at, err := c.nextOfBase(offset)
	if err != nil {
		return 0, err
	}
	return min(next, at), nil
}

func (c *content) nextOfBase(offset int64) (int64, error) {
	const seekData = 3 // SEEK_DATA of lseek(2)
	if offset >= c.baseSize {
		return c.capacity, nil
	}
	at, err := c.base.Seek(offset, seekData)
	var failed *fs.PathError
	if errors.As(err, &failed) && errors.Is(failed.Err, syscall.ENXIO) { // the rest is a hole
		return c.capacity, nil
	}
	return at, err
}
