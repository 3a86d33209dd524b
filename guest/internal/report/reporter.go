// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package report

import (
	"fmt"
	"sync"

	"gantry.invalid/guest/logbuf"
)

// The keys that the guest sets.
const (
	StatusKey = "guestinfo.gantry.status"
	LogKey    = "guestinfo.gantry.log"
)

// Publisher is a channel to the host.
type Publisher interface {
	// Set publishes the value of a key.
	Set(key, value string) error
}

// Reporter owns the status. Its methods may be called from several goroutines.
type Reporter struct {
	publisher Publisher
	// logError is called with errors of the publisher. The container continues to run.
	logError func(error)

	mu     sync.Mutex
	status Status
}

// New returns a reporter that has not published anything yet.
func New(publisher Publisher, initVersion, kernel string, logError func(error)) *Reporter {
	return &Reporter{
		publisher: publisher,
		logError:  logError,
		status: Status{
			Version: StatusVersion, State: Booting, Health: HealthNone, InitVersion: initVersion, Kernel: kernel,
			Follows: []string{FollowsRestart, FollowsFiles},
		},
	}
}

// Update changes the status and publishes it.
func (r *Reporter) Update(change func(*Status)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.status)
	r.status.Sequence++
	r.publish()
}

// Repeat publishes the last status again, if there is one.
func (r *Reporter) Repeat() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.status.Sequence > 0 {
		r.publish()
	}
}

// publish publishes the status. The caller holds the lock.
func (r *Reporter) publish() {
	document, err := MarshalASCII(r.status)
	if err == nil {
		err = r.publisher.Set(StatusKey, string(document))
	}
	if err != nil {
		r.logError(fmt.Errorf("publish the status: %w", err))
	}
}

// Status returns a copy of the last published status.
func (r *Reporter) Status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.status
}

// PublishLog publishes the end of the container's output.
func (r *Reporter) PublishLog(last logbuf.Page) {
	text, err := last.Publish()
	if err == nil {
		err = r.publisher.Set(LogKey, text)
	}
	if err != nil {
		r.logError(fmt.Errorf("publish the log: %w", err))
	}
}
