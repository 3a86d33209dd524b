// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Tests of hot add with QEMU. The guest counts on and uses neither the CPUs nor the memory: what Linux does with them is tested with
// the bootstrap.

package hypervisor

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"gantry.invalid/lab/vcenter/internal/machine"
)

// startGrowing starts a counting guest to which CPUs and memory can be added.
func startGrowing(t *testing.T) (*Hypervisor, *counter, machine.Spec) {
	t.Helper()
	spec := testMachine("vm-1")
	spec.MemoryMB, spec.MaxMemoryMB, spec.MaxCPUs = 256, 3072, 4
	return startCountingIn(t, spec)
}

// expectSize checks the CPUs and the memory that QEMU has given a VM.
func expectSize(t *testing.T, h *Hypervisor, id string, cpus int, memoryMB int64) {
	t.Helper()
	i, err := h.find(id)
	if err != nil {
		t.Fatal(err)
	}
	var processors []struct{}
	var memory struct {
		Base  int64 `json:"base-memory"`
		Added int64 `json:"plugged-memory"`
	}
	monitor := i.current().monitor
	if err := errors.Join(monitor.query(t.Context(), "query-cpus-fast", &processors),
		monitor.query(t.Context(), "query-memory-size-summary", &memory)); err != nil {
		t.Fatal(err)
	}
	if total := (memory.Base + memory.Added) >> 20; len(processors) != cpus || total != memoryMB {
		t.Errorf("%s has %d CPUs and %d MB, want %d and %d", id, len(processors), total, cpus, memoryMB)
	}
}

func TestAGuestKeepsWhatWasAddedInEachFurtherProcess(t *testing.T) {
	h, c, spec := startGrowing(t)
	grow := func(cpus int, memoryMB int64) {
		t.Helper()
		if err := h.Grow("vm-1", cpus, memoryMB); err != nil {
			t.Fatal(err)
		}
		expectSize(t, h, "vm-1", cpus, memoryMB)
		c.follow(t, 10)
	}
	grow(2, 256)
	grow(2, 384)
	c.during(t, func() error { _, err := h.Migrate("vm-1", spec, nil); return err })
	expectSize(t, h, "vm-1", 2, 384)
	grow(4, 1024)
	grow(4, 1024)
	c.during(t, func() error { return h.Suspend("vm-1") })
	c.expectSilence(t)
	if err := h.Grow("vm-1", 4, 2048); err == nil || !strings.Contains(err.Error(), "is suspended") {
		t.Errorf("while it is suspended: %v", err)
	}
	// As the vCenter asks for it, with the size that the VM has now.
	spec.CPUs, spec.MemoryMB = 4, 1024
	c.during(t, func() error { return h.Resume(spec) })
	expectSize(t, h, "vm-1", 4, 1024)
	c.follow(t, 10)
	continued, clone := forked(t, spec)
	numbers := expectedNumbers{map[string]int{"vm-1": c.next}, map[string]int{}}
	numbers.checkDuring(t, c, func() error { _, err := h.Fork("vm-1", continued, clone); return err })
	expectSize(t, h, "vm-1", 4, 1024)
	expectSize(t, h, "vm-2", 4, 1024)
	numbers.follow(t, c, 10, "vm-1", "vm-2")
}

func TestAGuestGrowsOnlyAsFarAsItWasStartedFor(t *testing.T) {
	h, c, _ := startGrowing(t)
	refused := func(cpus int, memoryMB int64, want string) {
		t.Helper()
		err := h.Grow("vm-1", cpus, memoryMB)
		if !errors.Is(err, machine.ErrNoHotAdd) || !strings.Contains(err.Error(), want) {
			t.Errorf("%d CPUs and %d MB: %v, want %q", cpus, memoryMB, err, want)
		}
	}
	refused(5, 256, "at most 4 CPUs")
	refused(2, 4096, "at most 3072 MB")
	expectSize(t, h, "vm-1", 1, 256)
	for module := range memoryModules {
		if err := h.Grow("vm-1", 1, 256+128*int64(module+1)); err != nil {
			t.Fatal(err)
		}
	}
	refused(1, 2048, fmt.Sprintf("added %d times", memoryModules))
	c.follow(t, 10)
	small := testMachine("vm-2")
	small.MaxMemoryMB = 2048
	if err := h.Start(small); err != nil {
		t.Fatal(err)
	}
	if err := h.Grow("vm-2", 2, 32); !errors.Is(err, machine.ErrNoHotAdd) {
		t.Errorf("CPUs without hot add: %v", err)
	}
	if err := h.Grow("vm-2", 1, 160); !errors.Is(err, machine.ErrNoHotAdd) || !strings.Contains(err.Error(), "at least 256 MB") {
		t.Errorf("memory of a small VM: %v", err)
	}
}
