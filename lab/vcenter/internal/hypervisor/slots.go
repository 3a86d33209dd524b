// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Start slots: how many VMs may boot at the same time.

package hypervisor

import (
	"context"
	"sync"
	"time"
)

// slotDeadline is the time after which the slot of a guest that reports nothing is released.
const slotDeadline = 2 * time.Minute

// slots is a counting semaphore; a nil one has no limit.
type slots chan struct{}

func newSlots(count int) slots {
	if count == 0 {
		return nil
	}
	return make(slots, count)
}

// acquire waits for a slot. The slot is released by the first call of release, or at the deadline.
func (s slots) acquire(ctx context.Context) (release func(), err error) {
	if s == nil {
		return func() {}, nil
	}
	select {
	case s <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	var once sync.Once
	free := func() { once.Do(func() { <-s }) }
	timer := time.AfterFunc(slotDeadline, free)
	return func() { timer.Stop(); free() }, nil
}
