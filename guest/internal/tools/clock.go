// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package tools

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// clockTolerance is the difference that is left to the container. What is asked over an emulated port is not more exact.
const clockTolerance = 100 * time.Millisecond

// Clock is the guest's clock, which stands still while the VM is suspended or moved, and is old after a snapshot was reverted.
type Clock struct {
	HostTime func() (time.Time, error)
	Logf     func(format string, arguments ...any)

	now func() time.Time // replaced by tests
	set func(time.Time) error
}

// NewClock returns the clock of the system.
func NewClock(hostTime func() (time.Time, error), logf func(format string, arguments ...any)) *Clock {
	return &Clock{HostTime: hostTime, Logf: logf, now: time.Now, set: setSystemClock}
}

func setSystemClock(to time.Time) error {
	value := unix.NsecToTimespec(to.UnixNano())
	return unix.ClockSettime(unix.CLOCK_REALTIME, &value)
}

// Synchronize sets a clock that is behind to the time of the host. A clock that is ahead is set only if backward is true, since
// a program may not expect that its clock goes back.
func (c *Clock) Synchronize(backward bool) error {
	before := c.now()
	host, err := c.HostTime()
	if err != nil {
		return fmt.Errorf("read the time of the host: %w", err)
	}
	after := c.now()
	asking := after.Sub(before) // monotonic
	behind := host.Add(asking / 2).Round(0).Sub(after.Round(0))
	tolerance := clockTolerance + asking/2
	if behind.Abs() <= tolerance || behind < 0 && !backward {
		return nil
	}
	if err := c.set(c.now().Round(0).Add(behind)); err != nil {
		return fmt.Errorf("set the clock: %w", err)
	}
	c.Logf("the clock was set by %s to the time of the host", behind.Round(time.Millisecond))
	return nil
}

// follow sets a clock that is behind, and logs an error.
func (c *Clock) follow() {
	if err := c.Synchronize(false); err != nil {
		c.Logf("%v", err)
	}
}
