// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package record keeps a record in the first block of the scratch disk: whose disk it is, and how its container has ended. Of
// this block, ext4 uses only the superblock, so the record is before it and the end of the output behind it. They are read from
// the disk of a VM that is off, without its file system (contracts.md, section 4).
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
	// Bytes is the size of the record, and LogBytes that of the compressed output.
	Bytes    = 1024
	LogBytes = 2048
	// Version is the version of the record.
	Version = 1
	// Started is the state of a run that has not ended.
	Started report.State = "started"

	magic     = "GANTRYEND1\n"
	logOffset = 2048
	// The checksum of the document is hexadecimal and ends with a line feed.
	checksumBytes = 8 + 1
	documentBytes = Bytes - len(magic) - checksumBytes
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
	// Log describes the end of the output, which is not in the document. It is nil if there is none.
	Log *Log `json:"log"`
}

// Log describes as much of the end of the output as fits, compressed (raw deflate).
type Log struct {
	Bytes int    `json:"bytes"`
	CRC32 string `json:"crc32"`
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

// Encode returns the bytes of the record, and those of as much of the end of the output as fits. Those of the record are ASCII, so
// that no firmware takes the disk for a bootable one, and no kernel takes it for a partitioned one.
func (r Record) Encode(output []byte) (whole, log []byte, err error) {
	r.Version, r.Log = Version, nil
	if log, err = packEnd(output); err != nil {
		return nil, nil, err
	}
	if len(log) > 0 {
		r.Log = &Log{Bytes: len(log), CRC32: checksum(log)}
	}
	document, err := report.MarshalASCII(r)
	if err == nil && len(document) > documentBytes && r.Error != nil {
		// Its characters are escaped.
		r.Error = &Failure{Code: r.Error.Code}
		document, err = report.MarshalASCII(r)
	}
	if err != nil {
		return nil, nil, err
	}
	if len(document) > documentBytes {
		return nil, nil, fmt.Errorf("the record of %s does not fit into %d bytes", r.ID, Bytes)
	}
	whole = make([]byte, Bytes)
	copy(whole, magic+checksum(document)+"\n"+string(document))
	return whole, log, nil
}

func checksum(content []byte) string { return fmt.Sprintf("%08x", crc32.ChecksumIEEE(content)) }

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
	if string(sum) != checksum(document)+"\n" {
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
	whole, log, err := r.Encode(output)
	if err != nil {
		return err
	}
	if _, err := disk.WriteAt(log, logOffset); err != nil {
		return err
	}
	if _, err := disk.WriteAt(whole, 0); err != nil {
		return err
	}
	return disk.Sync()
}
