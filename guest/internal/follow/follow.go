// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package follow keeps what a running container uses of guest info current. The host announces no changes of it.
package follow

import (
	"bytes"
	"context"
	"sync"
	"time"
)

// Follower keeps a document current, whose type is D. Its methods may be called from several goroutines.
type Follower[D any] struct {
	// Name is what the document is, for messages.
	Name string
	// Interval is how often the host is asked.
	Interval time.Duration
	// Read returns the document of the host; empty if it has none.
	Read  func() ([]byte, error)
	Parse func(document []byte) (D, error)
	// IsFollowedBy returns whether a document is replaced by another one. vSphere can go back to an earlier one when the VM powers off.
	IsFollowedBy func(current, other D) bool
	// Use gets each later document.
	Use func(later D)
	// Keep stores a later document of the host, for a start at which the host has lost it.
	Keep func(document []byte)
	Logf func(format string, args ...any)

	mu      sync.Mutex
	current D
	// seen is the last document of the host.
	seen []byte
	// failed is whether the last read has failed, which is logged once.
	failed bool
}

// Begin sets the document that later ones replace.
func (f *Follower[D]) Begin(document D) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.current = document
}

// Latest returns the document, which is the one of the host if that is later.
func (f *Follower[D]) Latest() D {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.look()
	return f.current
}

// Take uses a document of another place if it is later, and returns whether it is.
func (f *Follower[D]) Take(document []byte) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.take(document)
}

// Follow looks for later documents until ctx ends.
func (f *Follower[D]) Follow(ctx context.Context) {
	ticker := time.NewTicker(f.Interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			f.Latest()
		}
	}
}

// look uses and keeps the document of the host if it is later. The caller holds the lock.
func (f *Follower[D]) look() {
	document, err := f.Read()
	if err != nil {
		if !f.failed {
			f.Logf("read %s again: %v", f.Name, err)
		}
		f.failed = true
		return
	}
	f.failed = false
	if len(document) == 0 || bytes.Equal(document, f.seen) {
		return
	}
	f.seen = document
	if f.take(document) {
		f.Keep(document)
	}
}

// take replaces the document by a later one. The caller holds the lock.
func (f *Follower[D]) take(document []byte) bool {
	later, err := f.Parse(document)
	if err != nil {
		f.Logf("%s cannot be used: %v", f.Name, err)
		return false
	}
	if !f.IsFollowedBy(f.current, later) {
		return false
	}
	f.current = later
	f.Use(later)
	return true
}
