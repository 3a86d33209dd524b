// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// What init keeps on the scratch disk, since vSphere can drop guest info: the document of the container, for a start without
// one, and how the container has ended, for whoever reads the disk of the VM when it is off.

package main

import (
	"errors"
	"os"

	"gantry.invalid/guest/internal/disks"
	"gantry.invalid/guest/internal/platform"
	"gantry.invalid/guest/internal/report"
	"gantry.invalid/guest/internal/rootfs"
	"gantry.invalid/guest/internal/source"
	"gantry.invalid/guest/record"
)

// keptRecord is the record on the scratch disk of the container.
type keptRecord struct {
	disk   disks.Disk
	record record.Record
}

// keepStart keeps the document, unless the disk has a later revision, and replaces the record of an earlier run. The container
// starts also if that fails, as on a full disk.
func (m *machine) keepStart(disk disks.Disk, id string, document []byte) {
	before, err := rootfs.DocumentBefore(rootfs.StateDirectory)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		m.logError(err)
	}
	if len(before) > 0 && m.follower.Take(before) {
		// vSphere has gone back to the document of before a change that was made while the VM was on.
		m.console.logf("the document on the scratch disk is a later revision")
		document = before
		m.reporter.Update(func(status *report.Status) { status.Document = source.Kept{}.Kind() })
	}
	m.kept = &keptRecord{disk: disk, record: record.Record{
		ID: id, Machine: platform.UUID(), Status: record.Status{State: record.Started},
	}}
	m.keepDocument(document)
}

// keepDocument keeps the document, and its digest in the record, so that one which could not be kept is not mistaken for an
// earlier one. Without a scratch disk there is nothing that outlives the run.
func (m *machine) keepDocument(document []byte) {
	if m.kept == nil {
		return
	}
	if err := rootfs.KeepDocument(rootfs.StateDirectory, document); err != nil {
		m.console.logf("cannot keep the document: %v", err)
	}
	m.kept.record.Spec = record.Digest(document)
	m.writeRecord(nil)
}

// keepEnd records the last status and the end of the output. The disk is unmounted, so nothing overwrites the record.
func (m *machine) keepEnd() {
	if m.kept == nil {
		return
	}
	m.kept.record.Status = record.Of(m.reporter.Status())
	m.writeRecord(m.output)
}

func (m *machine) writeRecord(output []byte) {
	if err := m.kept.write(output); err != nil {
		m.console.logf("cannot write the record: %v", err)
	}
}

func (k *keptRecord) write(output []byte) error {
	disk, err := os.OpenFile(k.disk.Path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(k.record.Write(disk, output), disk.Close())
}
