// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The files of the containers of None: its guests wait for them as the bootstrap's init does. What was delivered is known by its
// digest only.

package machine

import (
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
	ticker := time.NewTicker(goneInterval)
	defer ticker.Stop()
	for {
		select {
		case <-delivery.Done():
			n.mu.Lock()
			n.delivered[run.document.ID] = wanted.SHA256
			n.mu.Unlock()
			return n.continues(run)
		case <-ticker.C:
			if !n.continues(run) {
				return false
			}
		}
	}
}

// continues returns whether a VM is on and its container has not ended.
func (n *None) continues(run *guestRun) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.running[run.spec.ID] == run && run.ending == nil
}
