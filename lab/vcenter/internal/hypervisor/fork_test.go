// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Forks for real, of a guest that counts aloud: both go on with the number that was next.

package hypervisor

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gantry.invalid/lab/vcenter/internal/machine"
)

// forked are the specs of a fork: each machine has a new disk over the one that there was.
func forked(t *testing.T, spec machine.Spec) (goesOn, clone machine.Spec) {
	t.Helper()
	over := func(name string) []machine.Disk {
		disk := spec.Disks[0]
		path := filepath.Join(filepath.Dir(disk.Path), name+".qcow2")
		run(t, "qemu-img", "create", "-q", "-u", "-f", "qcow2", "-F", disk.Format, "-b", disk.Path, path, "1M")
		return []machine.Disk{{Path: path, Format: "qcow2", UUID: disk.UUID}}
	}
	goesOn, clone = spec, spec
	goesOn.Disks, clone.Disks = over("web-1"), over("twin")
	clone.ID, clone.Name = "vm-2", "twin"
	clone.NICs = []machine.NIC{{MAC: "00:50:56:00:00:99", Network: spec.NICs[0].Network, Connected: true}}
	return goesOn, clone
}

// sort takes the events until it has so many numbers of each machine, which must come in turn.
func (c *counter) sort(t *testing.T, next map[string]int, numbers int) {
	t.Helper()
	counted := map[string]int{}
	for counted["vm-1"] < numbers || counted["vm-2"] < numbers {
		select {
		case event := <-c.events.events:
			id := strings.Fields(event)[1]
			if want := fmt.Sprintf("set %s guestinfo.n=%08d", id, next[id]); event != want {
				t.Fatalf("event %q, want %q", event, want)
			}
			next[id]++
			counted[id]++
		case <-time.After(30 * time.Second):
			t.Fatalf("silence after %v", counted)
		}
	}
}

func TestABusyGuestIsForkedAndBothCountOn(t *testing.T) {
	h, c, spec := startCounting(t)
	goesOn, clone := forked(t, spec)
	done := make(chan error, 1)
	go func() {
		move, err := h.Fork("vm-1", goesOn, clone)
		if err == nil && (move.Mode != machine.MoveStopCopy || move.Pause <= 0) {
			err = fmt.Errorf("it was forked so: %+v", move)
		}
		done <- err
	}()
	// The clone's first words are the rest of a line; the first whole one is of the number at which the two parted.
	next := map[string]int{}
	for next["vm-2"] == 0 || done != nil {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			done = nil
		case event := <-c.events.events:
			var id string
			var number int
			if _, err := fmt.Sscanf(event, "set %s guestinfo.n=%08d", &id, &number); err != nil {
				t.Fatalf("event %q: %v", event, err)
			}
			if want, seen := next[id]; seen && number != want || id == "vm-1" && !seen && number != c.next {
				t.Fatalf("%s says %d, want %d", id, number, want)
			}
			next[id] = number + 1
		}
	}
	c.sort(t, next, 200)
	first, _ := h.Info("vm-1")
	second, on := h.Info("vm-2")
	if !on || first.PID == second.PID {
		t.Errorf("they run in processes %d and %d", first.PID, second.PID)
	}
	if err := h.Kill("vm-2"); err != nil {
		t.Fatal(err)
	}
	for event := range c.events.events {
		if event == "off vm-2 "+machine.OffKilled {
			break
		}
		if strings.HasPrefix(event, "set vm-1") {
			next["vm-1"]++
		}
	}
	c.next = next["vm-1"]
	c.follow(t, 100)
}

func TestAGuestGoesOnWhenItsForkFails(t *testing.T) {
	h, c, spec := startCounting(t)
	before, _ := h.Info("vm-1")
	goesOn, clone := forked(t, spec)
	clone.Disks[0].Path = "/nonexistent.qcow2"
	done := make(chan error, 1)
	go func() {
		_, err := h.Fork("vm-1", goesOn, clone)
		done <- err
	}()
	var err error
	for waiting := true; waiting; {
		select {
		case err = <-done:
			waiting = false
		case <-c.events.events:
			c.next++
		}
	}
	if err == nil || !strings.Contains(err.Error(), "/nonexistent.qcow2") {
		t.Errorf("got %v", err)
	}
	c.follow(t, 200)
	if after, on := h.Info("vm-1"); !on || after.PID != before.PID {
		t.Errorf("it ran in process %d, now in %d", before.PID, after.PID)
	}
	if _, on := h.Info("vm-2"); on {
		t.Error("the clone is on")
	}
}
