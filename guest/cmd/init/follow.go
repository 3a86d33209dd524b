// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The changes of the document that take effect while the container runs.

package main

import (
	"context"

	"gantry.invalid/guest/internal/source"
	"gantry.invalid/guest/internal/spec"
)

// newFollower returns what looks for later revisions of the document in guest info, and keeps them on the scratch disk.
func (m *machine) newFollower(document *spec.Spec) *source.Follower {
	follower := &source.Follower{
		Read: func() ([]byte, error) { return m.hostChannel.Get(source.SpecKey) },
		Keep: m.keepDocument,
		Logf: m.console.logf,
	}
	follower.Begin(document)
	return follower
}

// inBackground runs a function until the returned one is called, which waits for its end.
func inBackground(follow func(ctx context.Context)) (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		follow(ctx)
	}()
	return func() {
		cancel()
		<-ended
	}
}
