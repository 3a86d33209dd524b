// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Tests of forks with QEMU and a guest that reports increasing numbers: both guests must continue with the next number.

package hypervisor

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gantry.invalid/lab/vcenter/internal/machine"
)

// forked returns the specs of a fork: each VM has a new disk on top of the existing one.
func forked(t *testing.T, spec machine.Spec) (continued, clone machine.Spec) {
	t.Helper()
	over := func(name string) []machine.Disk {
		disk := spec.Disks[0]
		path := filepath.Join(filepath.Dir(disk.Path), name+".qcow2")
		run(t, "qemu-img", "create", "-q", "-u", "-f", "qcow2", "-F", disk.Format, "-b", disk.Path, path, "1M")
		return []machine.Disk{{Path: path, Format: "qcow2", UUID: disk.UUID}}
	}
	continued, clone = spec, spec
	continued.Disks, clone.Disks = over("web-1"), over("twin")
	clone.ID, clone.Name = "vm-2", "twin"
	clone.NICs = []machine.NIC{{MAC: "00:50:56:00:00:99", Network: spec.NICs[0].Network, Connected: true}}
	return continued, clone
}

// expectedNumbers has the next number of each counting guest, and how many were refused, whose channel the host had just
// closed. The first output of a clone is the rest of a line, so its first number is not checked.
type expectedNumbers struct{ next, refused map[string]int }

func (n expectedNumbers) check(t *testing.T, event string) string {
	t.Helper()
	var id string
	var number int
	if _, err := fmt.Sscanf(event, "set %s guestinfo.n=%08d", &id, &number); err != nil {
		t.Fatalf("event %q: %v", event, err)
	}
	want, known := n.next[id]
	if known && number == want+1 {
		n.refused[id]++
		want++
	}
	if known && number != want {
		t.Fatalf("%s reports %d, want %d", id, number, want)
	}
	n.next[id] = number + 1
	return id
}

// checkDuring checks the messages of the guests while do runs.
func (n expectedNumbers) checkDuring(t *testing.T, c *counter, do func() error) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- do() }()
	for {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			return
		case event := <-c.events.events:
			n.check(t, event)
		}
	}
}

// follow checks the messages until each guest has reported the given count of numbers.
func (n expectedNumbers) follow(t *testing.T, c *counter, numbers int, ids ...string) {
	t.Helper()
	left := map[string]int{}
	for _, id := range ids {
		left[id] = numbers
	}
	for len(left) > 0 {
		select {
		case event := <-c.events.events:
			id := n.check(t, event)
			if left[id] == 1 {
				delete(left, id)
			} else if left[id] > 1 {
				left[id]--
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("no more messages; missing are %v", left)
		}
	}
}

func TestABusyGuestIsForkedAndBothCountOn(t *testing.T) {
	h, c, spec := startCounting(t)
	continued, clone := forked(t, spec)
	numbers := expectedNumbers{map[string]int{"vm-1": c.next}, map[string]int{}}
	numbers.checkDuring(t, c, func() error {
		move, err := h.Fork("vm-1", continued, clone)
		if err == nil && (move.Mode != machine.MoveStopCopy || move.Pause <= 0) {
			err = fmt.Errorf("unexpected result: %+v", move)
		}
		return err
	})
	numbers.follow(t, c, 200, "vm-1", "vm-2")
	if numbers.next["vm-2"] < c.next {
		t.Errorf("the clone has come to %d, and its source was at %d before", numbers.next["vm-2"], c.next)
	}
	first, _ := h.Info("vm-1")
	second, on := h.Info("vm-2")
	if !on || first.PID == second.PID {
		t.Errorf("they run in processes %d and %d", first.PID, second.PID)
	}
	// Frames from the clone with its source's address are blocked, also after a migration.
	expectBound := func() {
		t.Helper()
		ports := run(t, "bridge", "-netns", h.networks.namespace.name, "-d", "link", "show")
		if strings.Count(ports, "locked on") != 1 || strings.Count(ports, "locked off") != 1 {
			t.Errorf("the taps:\n%s", ports)
		}
		if entries := run(t, "bridge", "-netns", h.networks.namespace.name, "fdb", "show"); !strings.Contains(entries, clone.NICs[0].MAC) {
			t.Errorf("its address is not let through:\n%s", entries)
		}
	}
	expectBound()
	numbers.checkDuring(t, c, func() error {
		_, err := h.Migrate("vm-2", clone, nil)
		return err
	})
	numbers.follow(t, c, 100, "vm-1", "vm-2")
	expectBound()
	killed := make(chan error, 1)
	go func() { killed <- h.Kill("vm-2") }()
	for event := range c.events.events {
		if event == "off vm-2 "+machine.OffKilled {
			break
		}
		numbers.check(t, event)
	}
	if err := <-killed; err != nil {
		t.Fatal(err)
	}
	numbers.follow(t, c, 100, "vm-1")
	if numbers.refused["vm-1"] > 1 || numbers.refused["vm-2"] > 2 { // one for each time that the channels were closed
		t.Errorf("refused: %v", numbers.refused)
	}
}

func TestAGuestContinuesWhenItsForkFails(t *testing.T) {
	h, c, spec := startCounting(t)
	before, _ := h.Info("vm-1")
	continued, clone := forked(t, spec)
	clone.Disks[0].Path = "/nonexistent.qcow2"
	done := make(chan error, 1)
	go func() {
		_, err := h.Fork("vm-1", continued, clone)
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
