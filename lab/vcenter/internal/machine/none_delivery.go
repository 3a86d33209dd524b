// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The files of the containers of None: its guests wait for them as the bootstrap's init does. What was delivered is known by its
// digest only.

package machine

import (
	"maps"
	"time"

	"gantry.invalid/guest/guestops"
)

// goneInterval is how often a guest that waits looks whether its VM is still on.
const goneInterval = 50 * time.Millisecond

// noSink drops what is delivered.
type noSink struct{}

func (noSink) Begin() error { return nil }

func (noSink) Append([]byte) error { return nil }

func (noSink) Finish() error { return nil }

// awaitFiles waits until the files of a container are delivered, unless its disk has them. It returns false if the container
// is not to start any more.
func (n *None) awaitFiles(run *guestRun) bool {
	wanted := run.document.Files
	n.mu.Lock()
	has := wanted == nil || n.delivered[run.document.ID] == wanted.SHA256
	n.mu.Unlock()
	if has {
		return true
	}
	delivery := guestops.NewDelivery(wanted.SHA256, noSink{})
	run.operations.server.Expect(delivery)
	n.report(run.spec.ID, *run.document, map[string]any{"state": "booting", "pid": 0, "exit_code": nil, "finished_at": nil,
		"started_at": nil, "waiting_for": "files"})
	return n.awaitDelivery(run, wanted.SHA256, delivery, func() bool { return n.continues(run) })
}

// awaitDelivery waits until files are delivered. It returns false if the guest does not go on.
func (n *None) awaitDelivery(run *guestRun, sha256 string, delivery *guestops.Delivery, goesOn func() bool) bool {
	ticker := time.NewTicker(goneInterval)
	defer ticker.Stop()
	for {
		select {
		case <-delivery.Done():
			n.mu.Lock()
			n.delivered[run.document.ID] = sha256
			n.mu.Unlock()
			return goesOn()
		case <-ticker.C:
			if !goesOn() {
				return false
			}
		}
	}
}

// replaceFiles gives a container that runs the contents of a later revision of its document, when they are delivered.
func (n *None) replaceFiles(run *guestRun, document *containerSpec) {
	wanted := document.Files.SHA256
	n.mu.Lock()
	current := n.delivered[document.ID]
	n.mu.Unlock()
	if current != wanted {
		delivery := guestops.NewDelivery(wanted, noSink{})
		run.operations.server.Expect(delivery)
		n.reportFiles(run, current, &wanted)
		isLast := func() bool { return n.continues(run) && run.lastDocument() == document }
		if !n.awaitDelivery(run, wanted, delivery, isLast) {
			return
		}
	}
	n.reportFiles(run, wanted, nil)
}

// reportFiles publishes the last status with other contents of files.
func (n *None) reportFiles(run *guestRun, current string, wanted *string) {
	n.mu.Lock()
	status := maps.Clone(run.status)
	status["files"] = map[string]any{"sha256": current, "wanted": wanted, "error": nil}
	run.status = status
	n.mu.Unlock()
	n.publish(run.spec.ID, status)
}

// continues returns whether a VM is on and its container has not ended.
func (n *None) continues(run *guestRun) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.running[run.spec.ID] == run && run.ending == nil
}
