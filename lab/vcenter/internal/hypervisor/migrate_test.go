// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Tests of migrations with QEMU and a guest that reports increasing numbers: a missing or repeated number means lost memory
// or output. At each move one number may be refused, whose channel the host has just closed.

package hypervisor

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gantry.invalid/lab/vcenter/internal/machine"
)

// counter checks the events of a counting guest.
type counter struct {
	events  recorder
	next    int
	refused int // how many numbers may still be missing
}

// take checks an event, which must be the next number. It returns false for other events.
func (c *counter) take(t *testing.T, event string) bool {
	t.Helper()
	var number int
	if _, err := fmt.Sscanf(event, "set vm-1 guestinfo.n=%08d", &number); err != nil {
		return false
	}
	if number == c.next+1 && c.refused > 0 {
		c.refused--
		c.next++
	}
	if number != c.next {
		t.Fatalf("number %d, want %d", number, c.next)
	}
	c.next++
	return true
}

// follow waits for the next numbers, which must be consecutive.
func (c *counter) follow(t *testing.T, numbers int) {
	t.Helper()
	for range numbers {
		select {
		case event := <-c.events.events:
			if !c.take(t, event) {
				t.Fatalf("event %q, want number %d", event, c.next)
			}
		case <-time.After(60 * time.Second):
			t.Fatalf("no event, want number %d", c.next)
		}
	}
}

// checkDuring checks the numbers until the migration has ended.
func (c *counter) checkDuring(t *testing.T, moved <-chan error) {
	t.Helper()
	c.refused = 1
	for {
		select {
		case err := <-moved:
			if err != nil {
				t.Fatal(err)
			}
			return
		case event := <-c.events.events:
			if !c.take(t, event) {
				t.Fatalf("event %q, want number %d", event, c.next)
			}
		}
	}
}

// expectEnd expects the remaining numbers of the guest, its final status and the reason of its end.
func (c *counter) expectEnd(t *testing.T, reason string) {
	t.Helper()
	deadline := time.After(60 * time.Second)
	for {
		select {
		case event := <-c.events.events:
			switch {
			case c.take(t, event):
			case strings.HasPrefix(event, `set vm-1 guestinfo.gantry.status={"state":"exited"}`):
			case event == "off vm-1 "+reason:
				select {
				case again := <-c.events.events:
					t.Errorf("after its end: %q", again)
				case <-time.After(50 * time.Millisecond):
				}
				return
			default:
				t.Fatalf("event %q, want number %d or %q", event, c.next, reason)
			}
		case <-deadline:
			t.Fatalf("the guest did not end, at %d", c.next)
		}
	}
}

// startCounting starts a counting guest with a disk on top of a base, as container VMs have.
func startCounting(t *testing.T) (*Hypervisor, *counter, machine.Spec) {
	t.Helper()
	return startCountingIn(t, testMachine("vm-1"))
}

func startCountingIn(t *testing.T, spec machine.Spec) (*Hypervisor, *counter, machine.Spec) {
	t.Helper()
	h, events := startLab(t, countingGuest(t))
	directory := t.TempDir()
	base, child := filepath.Join(directory, "base.raw"), filepath.Join(directory, "web.qcow2")
	run(t, "qemu-img", "create", "-q", "-f", "raw", base, "1M")
	run(t, "qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", base, child)
	spec.Disks = []machine.Disk{{Path: child, Format: "qcow2", UUID: "6000c291-0000-0000-0000-000000000000"}}
	if err := h.Start(spec); err != nil {
		t.Fatal(err)
	}
	c := &counter{events: events}
	// The guest continues to write when the test no longer reads its events, so they are drained until the lab is closed.
	t.Cleanup(func() {
		go func() {
			for range events.events {
			}
		}()
	})
	c.follow(t, 50)
	return h, c, spec
}

func TestABusyGuestIsMovedTwentyTimesAndLosesNothing(t *testing.T) {
	h, c, spec := startCounting(t)
	var longest time.Duration
	var pids []int
	var spent float64
	for number := range 20 {
		spec.Host = fmt.Sprintf("esx%d", number%2)
		moved := make(chan error)
		go func() {
			move, err := h.Migrate("vm-1", spec, nil)
			if err == nil && (move.Mode != machine.MoveStopCopy || move.Pause <= 0) {
				err = fmt.Errorf("unexpected result: %+v", move)
			}
			longest = max(longest, move.Pause)
			moved <- err
		}()
		c.checkDuring(t, moved)
		c.follow(t, 200)
		info, on := h.Info("vm-1")
		if !on || slices.Contains(pids, info.PID) || info.CPUSeconds < spent {
			t.Fatalf("after move %d: %+v; before in processes %v, %f seconds", number, info, pids, spent)
		}
		pids, spent = append(pids, info.PID), info.CPUSeconds
	}
	if bridge := links(t, h, "br0"); !strings.Contains(bridge, "02:00:0a:4d:00:01") {
		t.Errorf("the guest's gateway has another address now: %s", bridge)
	}
	t.Logf("the longest of 20 pauses: %s; the guest counted to %d", longest, c.next)
	if records := processRecords(t, h); len(records) != 2 {
		t.Errorf("process records: %v", records)
	}
	if taps := links(t, h, "tap"); strings.Count(taps, "\n") != 0 {
		t.Errorf("taps: %s", taps)
	}
	if err := sendHalt(h); err != nil {
		t.Fatal(err)
	}
	c.expectEnd(t, machine.OffGuest)
	if records := processRecords(t, h); !slices.Equal(records, []string{"dhcp-br0.json"}) {
		t.Errorf("process records left: %v", records)
	}
}

// sendHalt makes the counting guest end: it has no tools that handle the power button.
func sendHalt(h *Hypervisor) error {
	i, err := h.find("vm-1")
	if err != nil {
		return err
	}
	return i.write([]byte("H"))
}

func TestAMovedGuestShutsDownWhenAsked(t *testing.T) {
	h, events := startLab(t, responsiveGuest(t))
	spec := testMachine("vm-1")
	if err := h.Start(spec); err != nil {
		t.Fatal(err)
	}
	events.expectStart(t)
	// A live migration, which is safe under TCG only for an idle guest.
	i, err := h.find("vm-1")
	if err != nil {
		t.Fatal(err)
	}
	if move, err := h.move(i, spec, machine.MoveLive, nil); err != nil || move.Mode != machine.MoveLive {
		t.Fatalf("%+v: %v", move, err)
	}
	// It is asked before its tools have opened their channels again.
	if err := h.PowerButton("vm-1"); err != nil {
		t.Fatal(err)
	}
	events.expect(t, "guest vm-1  []") // what it had reported is forgotten
	events.expectStart(t)
	events.expect(t, `set vm-1 guestinfo.gantry.status={"state":"exited"}`)
	events.expect(t, "off vm-1 "+machine.OffGuest)
}

func TestFilesAreCopiedWhileTheGuestIsStopped(t *testing.T) {
	h, c, spec := startCounting(t)
	old, copied := spec.Disks[0].Path, filepath.Join(t.TempDir(), "copy.raw")
	spec.Disks = []machine.Disk{{Path: copied, Format: "raw", UUID: spec.Disks[0].UUID}}
	moved := make(chan error)
	go func() {
		_, err := h.Migrate("vm-1", spec, func() error {
			output, err := exec.Command("qemu-img", "convert", "-U", "-f", "qcow2", "-O", "raw", old, copied).CombinedOutput()
			if err != nil {
				return fmt.Errorf("%w: %s", err, output)
			}
			return nil
		})
		moved <- err
	}()
	c.checkDuring(t, moved)
	c.follow(t, 200)
	// The guest uses the new disk, and the old one is not in use.
	run(t, "qemu-io", "-f", "qcow2", "-c", "write 0 512", old)
	if output, err := exec.Command("qemu-io", "-f", "raw", "-c", "write 0 512", copied).CombinedOutput(); err == nil {
		t.Errorf("the disk is not in use: %s", output)
	}
}

func TestAGuestContinuesWhenItsMigrationFails(t *testing.T) {
	h, c, spec := startCounting(t)
	before, _ := h.Info("vm-1")
	missing := spec
	missing.Disks = []machine.Disk{{Path: "/nonexistent.raw", Format: "raw"}}
	noRoom := errors.New("no room for the files")
	for want, attempt := range map[string]func() error{
		"/nonexistent.raw": func() error { _, err := h.Migrate("vm-1", missing, nil); return err },
		noRoom.Error(): func() error {
			_, err := h.Migrate("vm-1", spec, func() error { return noRoom })
			return err
		},
		"closed its monitor": func() error { return moveToAKilledProcess(t, h, spec) },
	} {
		failed := make(chan error)
		go func() { failed <- attempt() }()
		var err error
		for waiting := true; waiting; {
			select {
			case err = <-failed:
				waiting = false
			case <-c.events.events:
				c.next++
			}
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
		c.follow(t, 200)
	}
	if after, on := h.Info("vm-1"); !on || after.PID != before.PID {
		t.Errorf("it ran in process %d, now in %d", before.PID, after.PID)
	}
	if records := processRecords(t, h); len(records) != 2 {
		t.Errorf("process records: %v", records)
	}
	if _, err := h.Migrate("vm-9", spec, nil); err == nil {
		t.Error("a machine that is not on was moved")
	}
}

// moveToAKilledProcess is a migration whose destination is killed after the guest has been stopped.
func moveToAKilledProcess(t *testing.T, h *Hypervisor, spec machine.Spec) error {
	i, err := h.find("vm-1")
	if err != nil {
		return err
	}
	source := i.current()
	move := migration{hypervisor: h, source: source, mode: machine.MoveStopCopy, launched: true,
		destination: &qemu{spec: spec, directory: source.directory, number: source.number + 1}}
	if err := h.launch(move.destination); err != nil {
		return err
	}
	if err := errors.Join(move.connect(t.Context()), move.stop(t.Context()), move.destination.process.Process.Kill()); err != nil {
		return err
	}
	<-move.destination.monitor.ended
	return errors.Join(move.copyState(t.Context()), move.destination.monitor.execute(t.Context(), "cont", nil), move.rollBack())
}

func TestAVMIsKilledDuringItsMigration(t *testing.T) {
	h, c, spec := startCounting(t)
	i, err := h.find("vm-1")
	if err != nil {
		t.Fatal(err)
	}
	killed, moved := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := h.Migrate("vm-1", spec, func() error {
			go func() { killed <- h.Kill("vm-1") }()
			<-i.alive.Done()
			return nil
		})
		moved <- err
	}()
	c.expectEnd(t, machine.OffKilled)
	if err := <-moved; err == nil {
		t.Error("it was moved")
	}
	if err := <-killed; err != nil {
		t.Error(err)
	}
	if records := processRecords(t, h); !slices.Equal(records, []string{"dhcp-br0.json"}) {
		t.Errorf("process records left: %v", records)
	}
}

func TestAVMIsMovedWithItsFirmwaresVariables(t *testing.T) {
	h, events := startLab(t, nil)
	spec := testMachine("vm-1")
	spec.Firmware, spec.MemoryMB, spec.GuestInfo = "efi", 256, nil
	if err := h.Start(spec); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := h.Migrate("vm-1", spec, nil); err != nil {
			t.Fatal(err)
		}
	}
	i, err := h.find("vm-1")
	if err != nil {
		t.Fatal(err)
	}
	var status struct {
		Status string `json:"status"`
	}
	if err := i.current().monitor.query(t.Context(), "query-status", &status); err != nil || status.Status != "running" {
		t.Errorf("it is %s: %v", status.Status, err)
	}
	if err := h.Kill("vm-1"); err != nil {
		t.Fatal(err)
	}
	events.expect(t, "off vm-1 "+machine.OffKilled)
}
