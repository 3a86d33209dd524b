// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package source

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"

	"gantry.invalid/guest/internal/spec"
)

// FollowInterval is how often a running container looks for a later revision of its document. The host announces none.
const FollowInterval = 5 * time.Second

// Follower keeps the document of a container current while it runs. Its methods may be called from several goroutines.
type Follower struct {
	// Read returns the value of the host, or ErrAbsent.
	Read func() ([]byte, error)
	// Keep stores a later revision, for a start at which the host has lost it.
	Keep func(document []byte)
	Logf func(format string, args ...any)

	mu      sync.Mutex
	current *spec.Spec
	// seen is the last value of the host.
	seen []byte
	// failed is whether the last read has failed, which is logged once.
	failed bool
}

// Begin sets the document of the start.
func (f *Follower) Begin(document *spec.Spec) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.current = document
}

// Restart returns the restart policy, of a later revision if the host has one now.
func (f *Follower) Restart() spec.Restart {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.look()
	return f.current.Restart
}

// Use uses a document if it is a later revision, and returns whether it is one.
func (f *Follower) Use(document []byte) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.use(document)
}

// Follow looks for later revisions until ctx ends.
func (f *Follower) Follow(ctx context.Context) {
	ticker := time.NewTicker(FollowInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			f.mu.Lock()
			f.look()
			f.mu.Unlock()
		}
	}
}

// look uses and keeps the document of the host if it is a later revision. The caller holds the lock.
func (f *Follower) look() {
	value, err := f.Read()
	if err != nil {
		if !errors.Is(err, ErrAbsent) && !f.failed {
			f.Logf("read the document again: %v", err)
		}
		f.failed = !errors.Is(err, ErrAbsent)
		return
	}
	f.failed = false
	if bytes.Equal(value, f.seen) {
		return
	}
	f.seen = value
	document, err := Unpack(value)
	if err != nil {
		f.Logf("the changed document is damaged: %v", err)
		return
	}
	if f.use(document) {
		f.Keep(document)
	}
}

// use replaces the document by a later revision. vSphere can go back to an earlier one when the VM powers off. The caller holds
// the lock.
func (f *Follower) use(document []byte) bool {
	later, err := spec.Parse(document)
	if err != nil {
		f.Logf("the changed document is invalid: %v", err)
		return false
	}
	if !f.current.IsFollowedBy(later) {
		return false
	}
	f.Logf("revision %d of the document: the restart policy is %s", later.Revision, later.Restart.Policy)
	f.current = later
	return true
}
