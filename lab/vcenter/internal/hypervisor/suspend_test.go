// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Tests of suspended VMs and of restarts with QEMU and small guests.

package hypervisor

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"gantry.invalid/lab/vcenter/internal/machine"
)

// during checks the numbers of the guest while do runs.
func (c *counter) during(t *testing.T, do func() error) {
	t.Helper()
	done := make(chan error)
	go func() { done <- do() }()
	c.checkDuring(t, done)
}

// expectSilence reads the numbers that are still under way, until no more come.
func (c *counter) expectSilence(t *testing.T) {
	t.Helper()
	for {
		select {
		case event := <-c.events.events:
			if !c.take(t, event) {
				t.Fatalf("event %q, want number %d", event, c.next)
			}
		case <-time.After(200 * time.Millisecond):
			return
		}
	}
}

func TestASuspendedGuestCountsOnWhenItIsResumed(t *testing.T) {
	h, c, spec := startCounting(t)
	before, _ := h.Info("vm-1")
	for range 2 {
		c.during(t, func() error { return h.Suspend("vm-1") })
		c.expectSilence(t)
		if info, on := h.Info("vm-1"); on {
			t.Errorf("a suspended machine has %+v", info)
		}
		// Its memory is free, and its disk is not in use.
		if err := syscall.Kill(before.PID, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("its process: %v", err)
		}
		run(t, "qemu-io", "-f", "qcow2", "-c", "write 0 512", spec.Disks[0].Path)
		if taps := links(t, h, "tap"); taps != "" {
			t.Errorf("taps left: %s", taps)
		}
		if err := h.Suspend("vm-1"); err == nil || !strings.Contains(err.Error(), "suspended already") {
			t.Errorf("suspending it again: %v", err)
		}
		spec.Host = "esx9"
		c.during(t, func() error { return h.Resume(spec) })
		c.follow(t, 100)
		after, on := h.Info("vm-1")
		if !on || after.CPUSeconds <= before.CPUSeconds {
			t.Errorf("resumed it has %+v, before %+v", after, before)
		}
		before = after
	}
	if err := h.Resume(spec); err == nil || !strings.Contains(err.Error(), "not suspended") {
		t.Errorf("resuming it again: %v", err)
	}
	if _, err := os.Stat(statePath(h)); !os.IsNotExist(err) {
		t.Errorf("the saved state: %v", err)
	}
	go func() {
		if err := h.Kill("vm-1"); err != nil {
			t.Error(err)
		}
	}()
	c.expectEnd(t, machine.OffKilled)
}

func statePath(h *Hypervisor) string {
	return filepath.Join(h.config.StateDir, "machines", "vm-1", "suspended.state")
}

func TestASuspendedMachineIsPoweredOff(t *testing.T) {
	h, c, _ := startCounting(t)
	c.during(t, func() error { return h.Suspend("vm-1") })
	c.expectSilence(t)
	if err := h.Kill("vm-1"); err != nil {
		t.Fatal(err)
	}
	c.events.expect(t, "off vm-1 "+machine.OffKilled)
	if records := processRecords(t, h); !slices.Equal(records, []string{"dhcp-br0.json"}) {
		t.Errorf("process records left: %v", records)
	}
	if _, err := os.Stat(statePath(h)); !os.IsNotExist(err) {
		t.Errorf("the saved state: %v", err)
	}
}

func TestAGuestContinuesWhenItCannotBeSuspendedOrResumed(t *testing.T) {
	h, c, spec := startCounting(t)
	if err := os.Mkdir(statePath(h), 0o700); err != nil {
		t.Fatal(err)
	}
	c.during(t, func() error {
		if err := h.Suspend("vm-1"); err == nil {
			return errors.New("its state was saved in a folder")
		}
		return nil
	})
	c.follow(t, 100)
	c.during(t, func() error { return h.Suspend("vm-1") })
	c.expectSilence(t)
	missing := spec
	missing.Disks = []machine.Disk{{Path: "/nonexistent.raw", Format: "raw"}}
	if err := h.Resume(missing); err == nil || !strings.Contains(err.Error(), "/nonexistent.raw") {
		t.Errorf("resumed with a missing disk: %v", err)
	}
	c.during(t, func() error { return h.Resume(spec) })
	c.follow(t, 100)
}

func TestToolsReportAgainAfterAResume(t *testing.T) {
	h, events := startLab(t, responsiveGuest(t))
	spec := testMachine("vm-1")
	if err := h.Start(spec); err != nil {
		t.Fatal(err)
	}
	events.expectStart(t)
	if err := h.Suspend("vm-1"); err != nil {
		t.Fatal(err)
	}
	if err := h.Resume(spec); err != nil {
		t.Fatal(err)
	}
	events.expect(t, "guest vm-1  []")
	events.expectStart(t)
}

func TestAGuestIsRestarted(t *testing.T) {
	h, events := startLab(t, restartingGuest(t))
	spec := testMachine("vm-1")
	if err := h.Start(spec); err != nil {
		t.Fatal(err)
	}
	events.expectStart(t)
	before, _ := h.Info("vm-1")
	for range 2 {
		if err := h.Restart("vm-1"); err != nil {
			t.Fatal(err)
		}
		events.expect(t, "restarted vm-1")
		events.expectStart(t)
	}
	if after, _ := h.Info("vm-1"); after.PID != before.PID {
		t.Errorf("it ran in process %d, now in %d", before.PID, after.PID)
	}
	// Another process knows the request too.
	if _, err := h.Migrate("vm-1", spec, nil); err != nil {
		t.Fatal(err)
	}
	events.expect(t, "guest vm-1  []")
	events.expectStart(t)
	if err := h.Restart("vm-1"); err != nil {
		t.Fatal(err)
	}
	events.expect(t, "restarted vm-1")
	events.expectStart(t)
}
