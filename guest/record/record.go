// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package record keeps a record in the first 1,024 bytes of the scratch disk, which ext4 leaves unused: whose disk it is, and
// how its container has ended. It is read from the disk of a VM that is off, without its file system (contracts.md, section 4).
package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"

	"gantry.invalid/guest/internal/report"
)

const (
	// Bytes is the size of the record.
	Bytes = 1024
	// Version is the version of the record.
	Version = 1
	// Started is the state of a run that has not ended.
	Started report.State = "started"

	magic = "GANTRYEND1\n"
	// The checksum of the document is hexadecimal and ends with a line feed.
	checksumBytes = 8 + 1
	// messageBytes is the maximum size of an error's message. It leaves space for the rest.
	messageBytes = 240
)

// ErrAbsent means that there is no valid record.
var ErrAbsent = errors.New("no record")

// Record is the document of the record.
type Record struct {
	Version int `json:"version"`
	// ID is the container's id, which is also the UUID of the disk's file system.
	ID string `json:"id"`
	// Machine is the firmware's UUID of the VM: a clone of the VM has another one.
	Machine string `json:"machine"`
	// Spec is the digest of the document that the container was started with.
	Spec string `json:"spec"`
	// Status is what is known of the run.
	Status
	// Log is as much of the end of the output as fits: compressed (raw deflate), and then in base64.
	Log string `json:"log,omitempty"`
}

// Status is the part of the container's status that is kept.
type Status struct {
	State        report.State `json:"state"`
	ExitCode     *int         `json:"exit_code"`
	OOMKilled    bool         `json:"oom_killed"`
	RestartCount int          `json:"restart_count"`
	StartedAt    *string      `json:"started_at"`
	FinishedAt   *string      `json:"finished_at"`
	Error        *Failure     `json:"error"`
}

// Failure is an error of the status whose message may be cut short.
type Failure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Of returns the part of a status that is kept.
func Of(status report.Status) Status {
	kept := Status{
		State: status.State, ExitCode: status.ExitCode, OOMKilled: status.OOMKilled, RestartCount: status.RestartCount,
		StartedAt: status.StartedAt, FinishedAt: status.FinishedAt,
	}
	if status.Error != nil {
		message := status.Error.Message
		if len(message) > messageBytes {
			message = strings.ToValidUTF8(message[:messageBytes], "") + "…"
		}
		kept.Error = &Failure{Code: string(status.Error.Code), Message: message}
	}
	return kept
}

// Encode returns the bytes of the record, with as much of the end of the output as fits. They are ASCII, so that no firmware
// takes the disk for a bootable one, and no kernel takes it for a partitioned one.
func (r Record) Encode(output []byte) ([]byte, error) {
	r.Version = Version
	whole, err := r.encodeWith(nil)
	if err != nil {
		return nil, err
	}
	if whole == nil && r.Error != nil {
		// Its characters are escaped.
		r.Error = &Failure{Code: r.Error.Code}
		whole, err = r.encodeWith(nil)
	}
	if err != nil || whole == nil {
		return nil, errors.Join(err, fmt.Errorf("the record of %s does not fit into %d bytes", r.ID, Bytes))
	}
	// What is compressed may be longer than what is not, so the largest size that fits is only approached.
	fits, tooLong := 0, len(output)+1
	for tooLong-fits > 1 {
		size := (fits + tooLong) / 2
		longer, err := r.encodeWith(output[len(output)-size:])
		if err != nil {
			return nil, err
		}
		if longer == nil {
			tooLong = size
		} else {
			fits, whole = size, longer
		}
	}
	return whole, nil
}

// encodeWith returns the bytes of the record with this output, or nil if they are too many.
func (r Record) encodeWith(output []byte) ([]byte, error) {
	if len(output) > 0 {
		packed, err := deflate(output)
		if err != nil {
			return nil, err
		}
		r.Log = packed
	}
	document, err := report.MarshalASCII(r)
	if err != nil {
		return nil, err
	}
	if len(magic)+checksumBytes+len(document) > Bytes {
		return nil, nil
	}
	whole := make([]byte, Bytes)
	copy(whole, fmt.Sprintf("%s%08x\n%s", magic, crc32.ChecksumIEEE(document), document))
	return whole, nil
}

// Read reads the record at the beginning of a disk. The error is ErrAbsent if there is none, or a damaged one.
func Read(disk io.ReaderAt) (Record, error) {
	whole := make([]byte, Bytes)
	if _, err := disk.ReadAt(whole, 0); err != nil {
		return Record{}, err
	}
	rest, found := bytes.CutPrefix(whole, []byte(magic))
	if !found {
		return Record{}, ErrAbsent
	}
	sum, document := rest[:checksumBytes], bytes.TrimRight(rest[checksumBytes:], "\x00")
	if string(sum) != fmt.Sprintf("%08x\n", crc32.ChecksumIEEE(document)) {
		return Record{}, ErrAbsent
	}
	var record Record
	if err := json.Unmarshal(document, &record); err != nil || record.Version != Version {
		return Record{}, ErrAbsent
	}
	return record, nil
}

// Disk is the disk that the record is written to.
type Disk interface {
	io.WriterAt
	Sync() error
}

// Write writes the record to the beginning of a disk, and waits until it is there.
func (r Record) Write(disk Disk, output []byte) error {
	whole, err := r.Encode(output)
	if err != nil {
		return err
	}
	if _, err := disk.WriteAt(whole, 0); err != nil {
		return err
	}
	return disk.Sync()
}
