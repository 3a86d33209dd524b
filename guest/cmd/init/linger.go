// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The time between the last report and power off. vSphere can drop what the guest has set when the VM powers off, and hears of it
// in batches. So the machine stays on until the end of its container has been recorded: whoever records it then requests a
// shutdown again. Nobody has to.

package main

import "time"

const (
	// lingerEnded is how long a machine stays on whose container has ended by itself: longer than the usual intervals of polling.
	lingerEnded = 60 * time.Second
	// lingerStopped is how long it stays on after a requested stop. Whoever has requested it watches it.
	lingerStopped = 5 * time.Second
)

// linger waits until the end of the container has been seen. A machine that restarts keeps what it has published.
func (m *machine) linger() {
	if _, isSilent := m.hostChannel.(noChannel); isSilent {
		return
	}
	select {
	case <-m.stop.released:
	case <-time.After(m.stop.lingering()):
	}
}
