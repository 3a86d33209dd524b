// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package resolver

import (
	"bytes"
	"context"
	"time"
)

// Interval is how often a container looks for another table. The host announces none.
const Interval = 2 * time.Second

// Follower keeps the table of a server current.
type Follower struct {
	// SetTable gets each newer table.
	SetTable func(*Table)
	// Read returns the document of the table from the host; empty if there is none.
	Read func() ([]byte, error)
	// Keep stores a newer document, for a start at which the host has lost it.
	Keep func(document []byte) error
	Logf func(format string, args ...any)

	serial int64
	// seen is the last document of the host.
	seen []byte
	// failed is whether the last read has failed, which is logged once.
	failed bool
}

// Begin uses the document that was kept, and the one of the host if it is newer.
func (f *Follower) Begin(kept []byte) {
	if len(kept) > 0 {
		f.use(kept, false)
	}
	f.look()
}

// Follow looks for newer tables until ctx ends.
func (f *Follower) Follow(ctx context.Context) {
	ticker := time.NewTicker(Interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			f.look()
		}
	}
}

func (f *Follower) look() {
	document, err := f.Read()
	if err != nil {
		if !f.failed {
			f.Logf("read the table of names: %v", err)
		}
		f.failed = true
		return
	}
	f.failed = false
	if len(document) == 0 || bytes.Equal(document, f.seen) {
		return
	}
	f.seen = document
	f.use(document, true)
}

// use replaces the table by a newer one. vSphere can go back to an earlier value when the VM powers off.
func (f *Follower) use(document []byte, keep bool) {
	table, err := ParseTable(document)
	if err != nil {
		f.Logf("%v", err)
		return
	}
	if table.Serial <= f.serial {
		return
	}
	f.serial = table.Serial
	f.SetTable(table)
	if !keep {
		return
	}
	if err := f.Keep(document); err != nil {
		f.Logf("cannot keep the table of names: %v", err)
	}
}
