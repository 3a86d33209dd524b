// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The files and secrets of the container. They are delivered once and kept on the scratch disk, so that later starts need nobody.

package main

import (
	"context"
	"time"

	"gantry.invalid/guest/guestops"
	"gantry.invalid/guest/internal/failure"
	"gantry.invalid/guest/internal/files"
	"gantry.invalid/guest/internal/report"
	"gantry.invalid/guest/internal/rootfs"
)

// deliveryTime is how long the container waits for its files.
const deliveryTime = 10 * time.Minute

// provideFiles unpacks the files of the document, in its last revision, and waits for them if they are not on the scratch disk.
// Files of an earlier document are removed.
func (m *machine) provideFiles(ctx context.Context) error {
	store, wanted := files.Store{Directory: rootfs.StateDirectory}, m.follower.Latest().Files
	if wanted == nil {
		return failureOrNil(store.Clear(), failure.FilesFailed)
	}
	has, err := store.Has(wanted.SHA256)
	if err != nil {
		return failure.From(err, failure.FilesFailed)
	}
	if !has {
		if err := m.awaitFiles(ctx, store, wanted.SHA256); err != nil {
			return failure.From(err, failure.FilesFailed)
		}
	}
	if err := store.Unpack(len(wanted.Entries), rootfs.FilesDirectory); err != nil {
		return failure.From(err, failure.FilesFailed)
	}
	m.contents.begin(wanted.SHA256)
	return nil
}

// awaitFiles waits until the files are delivered by guest operations.
func (m *machine) awaitFiles(ctx context.Context, store files.Store, sha256 string) error {
	if err := store.Clear(); err != nil {
		return err
	}
	delivery := guestops.NewDelivery(sha256, store)
	m.operations.server.Expect(delivery)
	m.console.logf("waiting for the files of the container")
	waiting := report.WaitingForFiles
	m.reporter.Update(func(status *report.Status) { status.WaitingFor = &waiting })
	defer m.reporter.Update(func(status *report.Status) { status.WaitingFor = nil })
	select {
	case <-delivery.Done():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(deliveryTime):
		return failure.New(failure.FilesMissing, "The files of the container were not delivered within %v.", deliveryTime)
	}
}
