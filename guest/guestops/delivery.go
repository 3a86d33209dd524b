// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The delivery of the container's files and secrets, which init waits for before the container starts.

package guestops

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"sync"

	"github.com/vmware/govmomi/toolbox/vix"
)

// FilesPath is the program that receives a part of the container's files.
const FilesPath = "/gantry/files"

// MostDelivered is the most that a delivery can have: 4 MiB of files, and their sizes.
const MostDelivered = 4<<20 + 16<<10

// Part is a part of a delivery. Parts are sent in order; the first one begins the delivery again.
type Part struct {
	SHA256 string `json:"sha256"` // of the whole delivery
	Offset int64  `json:"offset"`
	Data   []byte `json:"data"`
	Last   bool   `json:"last"`
}

// Sink stores a delivery.
type Sink interface {
	// Begin drops what was stored.
	Begin() error
	Append(data []byte) error
	// Finish keeps what was stored, which is complete and correct.
	Finish() error
}

// Delivery receives the files that a document announces.
type Delivery struct {
	wanted string // SHA-256
	sink   Sink
	done   chan struct{}

	mu       sync.Mutex
	received int64
	digest   hash.Hash
	complete bool
}

// NewDelivery returns a delivery with this SHA-256, of which nothing has been received.
func NewDelivery(sha256Hex string, sink Sink) *Delivery {
	return &Delivery{wanted: sha256Hex, sink: sink, done: make(chan struct{}), digest: sha256.New()}
}

// Done is closed when the delivery is complete.
func (d *Delivery) Done() <-chan struct{} { return d.done }

// Expect accepts the parts of a delivery from now on.
func (s *Server) Expect(delivery *Delivery) { s.delivery.Store(delivery) }

// receive accepts a part, and returns how much of the delivery has been received, at least 1.
func (s *Server) receive(request *vix.StartProgramRequest) (int64, error) {
	delivery := s.delivery.Load()
	if delivery == nil {
		return 0, refuse(vix.FileNotFound, "This container expects no files.")
	}
	var part Part
	if err := decodeStrictly(request.Arguments, &part); err != nil {
		return 0, refuse(vix.InvalidArg, "The arguments of %s are invalid: %v.", FilesPath, err)
	}
	return delivery.receive(part)
}

func (d *Delivery) receive(part Part) (int64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	end := part.Offset + int64(len(part.Data))
	switch {
	case part.SHA256 != d.wanted:
		return 0, refuse(vix.InvalidArg, "The container expects files with another SHA-256.")
	case d.complete:
		return d.received, nil
	case part.Offset != 0 && part.Offset != d.received:
		return 0, refuse(vix.InvalidArg, "The part begins at %d, and %d bytes have been received.", part.Offset, d.received)
	case len(part.Data) == 0 || part.Offset < 0 || end > MostDelivered:
		return 0, refuse(vix.InvalidArg, "The part is empty, or ends after %d bytes, which is the most that a container accepts.", MostDelivered)
	}
	if part.Offset == 0 {
		if err := d.sink.Begin(); err != nil {
			return 0, err
		}
		d.digest.Reset()
	}
	// What follows a failure must begin again.
	d.received = 0
	if err := d.sink.Append(part.Data); err != nil {
		return 0, err
	}
	d.digest.Write(part.Data)
	if part.Last {
		if err := d.finish(); err != nil {
			return 0, err
		}
	}
	d.received = end
	return d.received, nil
}

// finish checks the delivery and keeps it. The caller holds the lock.
func (d *Delivery) finish() error {
	if found := hex.EncodeToString(d.digest.Sum(nil)); found != d.wanted {
		return refuse(vix.InvalidArg, "The files have the SHA-256 %s, and the container expects %s.", found, d.wanted)
	}
	if err := d.sink.Finish(); err != nil {
		return err
	}
	d.complete = true
	close(d.done)
	return nil
}
