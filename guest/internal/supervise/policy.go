// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package supervise runs the container's process by the spec: it restarts and stops the process and reports its state.
package supervise

import (
	"time"

	"gantry.invalid/guest/internal/spec"
)

// Docker's delays between restarts: doubled each time, and reset after a run of some length.
const (
	firstDelay  = 100 * time.Millisecond
	longestWait = time.Minute
	goodRun     = 10 * time.Second
)

// shouldRestart returns whether a process that has ended by itself is restarted.
func shouldRestart(restart spec.Restart, exitCode, restarts int) bool {
	if restart.MaxRetries > 0 && restarts >= restart.MaxRetries {
		return false
	}
	switch restart.Policy {
	case spec.RestartAlways, spec.RestartUnlessStopped:
		return true
	case spec.RestartOnFailure:
		return exitCode != 0
	}
	return false
}

type backoff struct {
	next time.Duration
}

// after returns the delay before the next start, after a run of the given length.
func (b *backoff) after(run time.Duration) time.Duration {
	if b.next == 0 || run >= goodRun {
		b.next = firstDelay
	}
	delay := b.next
	b.next = min(2*b.next, longestWait)
	return delay
}
