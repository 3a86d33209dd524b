// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The changes of the document that take effect while the container runs.

package main

import (
	"context"
	"errors"
	"time"

	"gantry.invalid/guest/internal/follow"
	"gantry.invalid/guest/internal/source"
	"gantry.invalid/guest/internal/spec"
)

// documentInterval is how often a running container looks for a later revision of its document.
const documentInterval = 5 * time.Second

// newFollower returns what looks for later revisions of the document in guest info, and keeps them on the scratch disk.
func (m *machine) newFollower(document *spec.Spec) *follow.Follower[*spec.Spec] {
	follower := &follow.Follower[*spec.Spec]{
		Name: "the document", Interval: documentInterval,
		Read:         func() ([]byte, error) { return m.readGuestInfo(source.SpecKey) },
		Parse:        spec.Parse,
		IsFollowedBy: (*spec.Spec).IsFollowedBy,
		Use: func(later *spec.Spec) {
			m.console.logf("revision %d of the document: the restart policy is %s", later.Revision, later.Restart.Policy)
			m.contents.revised()
		},
		Keep: m.keepDocument,
		Logf: m.console.logf,
	}
	follower.Begin(document)
	return follower
}

// restartPolicy returns the restart policy of the last revision of the document.
func (m *machine) restartPolicy() spec.Restart { return m.follower.Latest().Restart }

// readGuestInfo returns the document of a key; empty if the host has none.
func (m *machine) readGuestInfo(key string) ([]byte, error) {
	value, err := m.hostChannel.Get(key)
	if errors.Is(err, source.ErrAbsent) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return source.Unpack(value)
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
