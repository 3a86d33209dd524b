// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Other contents of files and secrets that a container gets while it runs, with a signal.

package main

import (
	"context"
	"errors"
	"sync"

	"golang.org/x/sys/unix"

	"gantry.invalid/guest/guestops"
	"gantry.invalid/guest/internal/files"
	"gantry.invalid/guest/internal/report"
	"gantry.invalid/guest/internal/rootfs"
	"gantry.invalid/guest/internal/spec"
)

// contents keeps the contents of the container's files those of the last revision of its document.
type contents struct {
	machine *machine
	store   files.Store
	// changed has a value when there is a later revision.
	changed chan struct{}
	// mu is held while files are replaced, and while a run of the container starts.
	mu sync.Mutex

	// Only the goroutine that follows the document uses these. The deliveries are known by their SHA-256.
	current   string
	expected  string          // the one that is to replace it
	delivered <-chan struct{} // closed when the expected one is on the scratch disk
}

func newContents(m *machine) *contents {
	return &contents{machine: m, store: files.Store{Directory: rootfs.StateDirectory}, changed: make(chan struct{}, 1)}
}

// begin reports the contents that the container is started with.
func (c *contents) begin(sha256 string) {
	c.current, c.expected = sha256, sha256
	c.report(report.Files{SHA256: sha256})
}

// revised says that there is a later revision of the document.
func (c *contents) revised() {
	select {
	case c.changed <- struct{}{}:
	default: // there is a value already
	}
}

// follow replaces files when a later revision of the document has others and they are delivered, until ctx ends.
func (c *contents) follow(ctx context.Context) {
	for {
		wanted := c.machine.follower.Latest().Files
		if wanted != nil && wanted.SHA256 != c.expected {
			c.expect(wanted.SHA256)
		}
		select {
		case <-ctx.Done():
			return
		case <-c.changed:
		case <-c.delivered:
			c.delivered = nil
			c.replace(wanted)
		}
	}
}

// expect accepts the delivery of other contents, unless they are there already.
func (c *contents) expect(sha256 string) {
	c.expected, c.delivered = sha256, nil
	if has, err := c.store.Has(sha256); err != nil {
		c.machine.logError(err)
	} else if has {
		delivered := make(chan struct{})
		close(delivered)
		c.delivered = delivered
		return
	}
	delivery := guestops.NewDelivery(sha256, c.store)
	c.delivered = delivery.Done()
	c.machine.operations.server.Expect(delivery)
	c.machine.console.logf("waiting for other contents of the files")
	c.report(report.Files{SHA256: c.current, Wanted: &sha256})
}

// replace gives the container the contents that were delivered, and sends the signals that are for them.
func (c *contents) replace(wanted *spec.Files) {
	if err := c.install(wanted); err != nil {
		c.machine.logError(err)
		message := err.Error()
		c.report(report.Files{SHA256: c.current, Wanted: &wanted.SHA256, Error: &message})
		return
	}
	c.current = wanted.SHA256
	c.machine.console.logf("the files have other contents; signals: %v", wanted.Signals)
	hasRoom, err := files.HasRoom(rootfs.FilesDirectory)
	if err != nil {
		c.machine.logError(err)
	}
	c.machine.reporter.Update(func(status *report.Status) {
		status.Files = &report.Files{SHA256: c.current}
		if !hasRoom {
			// With the next ones the container is restarted.
			status.Follows = []string{report.FollowsRestart}
		}
	})
}

func (c *contents) install(wanted *spec.Files) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	replaced, err := c.store.Replace(len(wanted.Entries), rootfs.FilesDirectory)
	container := c.machine.operations.current()
	if err != nil || container == nil || len(replaced) == 0 {
		// The next run of the container starts with the files as they are now.
		return err
	}
	err = rootfs.MountReplaced(replaced, wanted.Entries, container.EnterMounts)
	if errors.Is(err, unix.ESRCH) {
		// It has just ended.
		return nil
	}
	if err != nil {
		return err
	}
	var failed []error
	for _, number := range wanted.Numbers() {
		failed = append(failed, container.Signal(number))
	}
	return errors.Join(failed...)
}

func (c *contents) report(found report.Files) {
	c.machine.reporter.Update(func(status *report.Status) { status.Files = &found })
}
