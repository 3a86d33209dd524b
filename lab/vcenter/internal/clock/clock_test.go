// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package clock

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestAClockMovesOnlyForward(t *testing.T) {
	var c Clock
	for _, by := range []time.Duration{0, -time.Second} {
		if err := c.Advance(by); err == nil {
			t.Errorf("it was moved by %v", by)
		}
	}
	if c.Advanced() != 0 {
		t.Errorf("it was moved by %v", c.Advanced())
	}
}

func TestTimesBeforeAMoveStayAsTheyWere(t *testing.T) {
	var c Clock
	before, shown := time.Now(), c.Now()
	for range 2 {
		if err := c.Advance(time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	if !c.At(before).Equal(before) {
		t.Errorf("%v was %v", before, c.At(before))
	}
	if passed := c.Since(shown); passed < 2*time.Hour || passed > 2*time.Hour+time.Minute || c.Advanced() != 2*time.Hour {
		t.Errorf("%v have passed, it was moved by %v", passed, c.Advanced())
	}
}

func TestATimeOfTheClockIsOneOfTheMachine(t *testing.T) {
	var c Clock
	start := time.Now()
	var shown, machine []time.Time
	for n := range 3 {
		machine = append(machine, start.Add(time.Duration(n)*time.Nanosecond))
		shown = append(shown, c.At(machine[n]))
		if err := c.Advance(time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	later := time.Now()
	shown, machine = append(shown, c.At(later)), append(machine, later)
	for n := range shown {
		if got := c.Machine(shown[n]); !got.Equal(machine[n]) {
			t.Errorf("%v was %v by the machine's clock, not %v", shown[n], machine[n], got)
		}
	}
	if skipped := c.Machine(start.Add(30 * time.Minute)); skipped.Before(start) || skipped.After(later) {
		t.Errorf("a skipped time is %v by the machine's clock", skipped)
	}
}

func TestTimersRunWhenTheClockPassesThem(t *testing.T) {
	var c Clock
	ran := make(chan string, 9)
	c.AfterFunc(time.Hour, func() { ran <- "hour" })
	stopped := c.AfterFunc(time.Hour, func() { ran <- "stopped" })
	c.AfterFunc(24*time.Hour, func() { ran <- "day" })
	again := c.AfterFunc(time.Hour, func() { ran <- "again" })
	stopped.Stop()
	for range 2 {
		if err := c.Advance(31 * time.Minute); err != nil {
			t.Fatal(err)
		}
		again.Reset(40 * time.Minute)
	}
	if name := <-ran; name != "hour" {
		t.Errorf("%s ran", name)
	}
	if err := c.Advance(41 * time.Minute); err != nil {
		t.Fatal(err)
	}
	if name := <-ran; name != "again" {
		t.Errorf("%s ran", name)
	}
	select {
	case name := <-ran:
		t.Errorf("%s ran, too", name)
	case <-time.After(50 * time.Millisecond):
	}
}

func TestAMoveSeparatesTheFilesBeforeItFromThoseAfterIt(t *testing.T) {
	var c Clock
	written := func(name string) time.Time {
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		return info.ModTime()
	}
	for n := range 20 {
		before := written("before")
		if err := c.Advance(time.Hour); err != nil {
			t.Fatal(err)
		}
		after := written("after")
		if got := c.At(before).Sub(before); got != time.Duration(n)*time.Hour {
			t.Errorf("move %d: the file written before it is %v ahead", n+1, got)
		}
		if got := c.At(after).Sub(after); got != time.Duration(n+1)*time.Hour {
			t.Errorf("move %d: the file written after it is %v ahead", n+1, got)
		}
	}
}
