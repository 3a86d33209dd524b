// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package tools

import (
	"errors"
	"testing"
	"time"
)

// simulated is a clock that is ahead of the host's by an offset, and a host that takes some time to answer.
func simulated(ahead, answer time.Duration) (*Clock, *time.Duration) {
	now := time.Unix(1_000_000, 0)
	offset := ahead
	clock := &Clock{
		Logf: func(string, ...any) {},
		HostTime: func() (time.Time, error) {
			now = now.Add(answer)
			return now.Add(-answer / 2), nil
		},
		now: func() time.Time { return now.Add(offset) },
		set: func(to time.Time) error { offset = to.Sub(now); return nil },
	}
	return clock, &offset
}

func TestAClockThatIsBehindIsSet(t *testing.T) {
	for _, answer := range []time.Duration{0, 50 * time.Millisecond, 2 * time.Second} {
		clock, offset := simulated(-10*time.Minute, answer)
		if err := clock.Synchronize(false); err != nil || *offset != 0 {
			t.Errorf("with answers after %s it is off by %s: %v", answer, *offset, err)
		}
	}
}

func TestAClockThatIsAheadIsSetOnlyOnDemand(t *testing.T) {
	clock, offset := simulated(time.Minute, 0)
	if err := clock.Synchronize(false); err != nil || *offset != time.Minute {
		t.Errorf("set to %s: %v", *offset, err)
	}
	if err := clock.Synchronize(true); err != nil || *offset != 0 {
		t.Errorf("off by %s: %v", *offset, err)
	}
}

func TestASmallDifferenceIsLeft(t *testing.T) {
	for _, difference := range []time.Duration{80 * time.Millisecond, -80 * time.Millisecond} {
		clock, offset := simulated(difference, 0)
		if err := clock.Synchronize(true); err != nil || *offset != difference {
			t.Errorf("set to %s: %v", *offset, err)
		}
	}
}

func TestAHostWithoutATimeIsAnError(t *testing.T) {
	broken := errors.New("broken")
	clock, offset := simulated(-time.Minute, 0)
	clock.HostTime = func() (time.Time, error) { return time.Time{}, broken }
	if err := clock.Synchronize(true); !errors.Is(err, broken) || *offset != -time.Minute {
		t.Errorf("off by %s: %v", *offset, err)
	}
}
