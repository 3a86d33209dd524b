// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package clock is the time of one vCenter. It runs as the machine's clock does, and tests can move it forward. Hypervisors,
// guests, and waiting for them keep the machine's clock.
package clock

import (
	"fmt"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Clock is a clock that can be moved forward. Its zero value shows the machine's time.
type Clock struct {
	mu       sync.Mutex
	advances []advance
	timers   map[*Timer]bool
}

// advance is one move of the clock, at a time of the machine.
type advance struct {
	at time.Time
	by time.Duration
}

// Now returns the current time.
func (c *Clock) Now() time.Time { return c.At(time.Now()) }

// At returns the time that the clock showed when the machine's clock showed the given time.
func (c *Clock) At(machine time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return machine.Add(c.until(machine))
}

// Machine returns what the machine's clock showed at a time of this clock: the inverse of At. For a time that was skipped it is that of
// the move.
func (c *Clock) Machine(shown time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	var sum time.Duration
	for _, one := range c.advances {
		if shown.Before(one.at.Add(sum)) {
			break
		}
		if sum += one.by; shown.Before(one.at.Add(sum)) {
			return one.at
		}
	}
	return shown.Add(-sum)
}

// Since returns the time that has passed since the clock showed the given time.
func (c *Clock) Since(shown time.Time) time.Duration { return c.Now().Sub(shown) }

// Advanced returns by how much the clock has been moved in all.
func (c *Clock) Advanced() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.until(time.Now())
}

// until returns the sum of all moves until a time of the machine. The caller holds the lock.
func (c *Clock) until(machine time.Time) (sum time.Duration) {
	for _, one := range c.advances {
		if !one.at.After(machine) {
			sum += one.by
		}
	}
	return sum
}

// Advance moves the clock forward. The timers that have become due run.
func (c *Clock) Advance(by time.Duration) error {
	if by <= 0 {
		return fmt.Errorf("the clock was to be moved by %v; it can only be moved forward", by)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now, err := nextTick()
	if err != nil {
		return err
	}
	c.advances = append(c.advances, advance{now, by})
	for timer := range c.timers {
		// A timer that has just run, and waits for the lock, is not started again.
		if timer.due = timer.due.Add(-by); timer.machine.Stop() {
			timer.machine.Reset(timer.due.Sub(now))
		}
	}
	return nil
}

// nextTick waits for the next tick of the kernel's clock and returns its time. The kernel stamps files with the time of the last tick, so
// only a move at a tick separates the files written before it from those written after it.
func nextTick() (time.Time, error) {
	for start := time.Now(); ; time.Sleep(time.Millisecond) {
		var tick unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_REALTIME_COARSE, &tick); err != nil {
			return time.Time{}, fmt.Errorf("read the time of the kernel's last tick: %w", err)
		}
		if last := time.Unix(tick.Unix()); last.After(start) {
			return last, nil
		}
	}
}

// Timer calls a function once.
type Timer struct {
	clock   *Clock
	machine *time.Timer
	due     time.Time // by the machine's clock
}

// AfterFunc calls f when the clock has moved on by d, in its own goroutine.
func (c *Clock) AfterFunc(d time.Duration, f func()) *Timer {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timers == nil {
		c.timers = map[*Timer]bool{}
	}
	timer := &Timer{clock: c, due: time.Now().Add(d)}
	timer.machine = time.AfterFunc(d, func() {
		c.mu.Lock()
		delete(c.timers, timer)
		c.mu.Unlock()
		f()
	})
	c.timers[timer] = true
	return timer
}

// Stop prevents the call, unless it has begun.
func (t *Timer) Stop() {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	t.machine.Stop()
	delete(t.clock.timers, t)
}

// Reset makes the call due after d, from now on.
func (t *Timer) Reset(d time.Duration) {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	t.due = time.Now().Add(d)
	t.machine.Reset(d)
	t.clock.timers[t] = true
}
