// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// CPUs and memory that are added to a running VM (hot add). Each further process of the VM starts with them.

package hypervisor

import (
	"context"
	"fmt"
	"slices"

	"gantry.invalid/lab/vcenter/internal/machine"
)

const (
	// memoryModules is how often memory can be added to a VM. The firmware describes each module to the guest.
	memoryModules = 8
	// leastGrowingMB is the memory of the smallest VM that gets more. QEMU adds memory above 4 GiB only, for which Linux keeps
	// buffers of 64 MiB from the start.
	leastGrowingMB = 256
)

// growth is what a VM has been given while it ran. It never gets smaller.
type growth struct {
	cpus    []map[string]any // QEMU's devices
	modules []int64          // of memory, in MB
}

// cpuSlot is a place for a CPU in QEMU.
type cpuSlot struct {
	Type  string         `json:"type"`
	Place map[string]int `json:"props"`
	CPU   string         `json:"qom-path"` // empty: there is none
}

// Grow adds CPUs and memory to a running VM; see machine.Hypervisor.
func (h *Hypervisor) Grow(id string, cpus int, memoryMB int64) error {
	i, err := h.find(id)
	if err != nil {
		return err
	}
	if err := i.awaitStart(); err != nil {
		return err
	}
	i.moveLock.Lock()
	defer i.moveLock.Unlock()
	if i.suspension() != nil {
		return fmt.Errorf("VM %s is suspended", i.name)
	}
	ctx, cancel := context.WithTimeout(i.alive, commandDeadline)
	defer cancel()
	return i.current().grow(ctx, cpus, memoryMB)
}

// grow adds what is missing. The caller holds the VM's moveLock.
func (q *qemu) grow(ctx context.Context, cpus int, memoryMB int64) error {
	size := q.size()
	if err := q.checkGrowth(size, cpus, memoryMB); err != nil {
		return err
	}
	for range cpus - size.CPUs {
		if err := q.addCPU(ctx); err != nil {
			return err
		}
	}
	if memoryMB > size.MemoryMB {
		return q.addMemory(ctx, memoryMB-size.MemoryMB)
	}
	return nil
}

// size returns the specification with the CPUs and the memory that the VM has now.
func (q *qemu) size() machine.Spec {
	size := q.spec
	size.CPUs += len(q.growth.cpus)
	for _, memory := range q.growth.modules {
		size.MemoryMB += memory
	}
	return size
}

// memoryGrows returns whether memory can be added to a VM.
func memoryGrows(spec machine.Spec) bool {
	return spec.MemoryMB >= leastGrowingMB && spec.MaxMemoryMB > spec.MemoryMB
}

// checkGrowth refuses what the VM was not started for.
func (q *qemu) checkGrowth(size machine.Spec, cpus int, memoryMB int64) error {
	switch moreMemory := memoryMB > size.MemoryMB; {
	case cpus > size.CPUs && cpus > size.MaxCPUs:
		return fmt.Errorf("%w: it was started for at most %d CPUs", machine.ErrNoHotAdd, size.MaxCPUs)
	case moreMemory && !memoryGrows(q.spec):
		return fmt.Errorf("%w: memory is added to those that were started with at least %d MB", machine.ErrNoHotAdd, leastGrowingMB)
	case moreMemory && memoryMB > size.MaxMemoryMB:
		return fmt.Errorf("%w: it was started for at most %d MB", machine.ErrNoHotAdd, size.MaxMemoryMB)
	case moreMemory && len(q.growth.modules) == memoryModules:
		return fmt.Errorf("%w: memory was added %d times since it was powered on", machine.ErrNoHotAdd, memoryModules)
	}
	return nil
}

// addCPU adds the CPU with the lowest number that is missing.
func (q *qemu) addCPU(ctx context.Context) error {
	var slots []cpuSlot
	if err := q.monitor.query(ctx, "query-hotpluggable-cpus", &slots); err != nil {
		return err
	}
	free := slices.DeleteFunc(slots, func(slot cpuSlot) bool { return slot.CPU != "" })
	if len(free) == 0 {
		return fmt.Errorf("QEMU has no room for another CPU of VM %s", q.spec.Name)
	}
	next := slices.MinFunc(free, func(a, b cpuSlot) int { return a.Place["socket-id"] - b.Place["socket-id"] })
	device := map[string]any{"driver": next.Type, "id": fmt.Sprintf("cpu%d", next.Place["socket-id"])}
	for name, value := range next.Place {
		device[name] = value
	}
	if err := q.monitor.execute(ctx, "device_add", device); err != nil {
		return err
	}
	q.growth.cpus = append(slices.Clone(q.growth.cpus), device)
	return nil
}

// addMemory adds a module of memory.
func (q *qemu) addMemory(ctx context.Context, memoryMB int64) error {
	grown := growth{cpus: q.growth.cpus, modules: append(slices.Clone(q.growth.modules), memoryMB)}
	memory, device := grown.module(len(q.growth.modules))
	if err := q.monitor.execute(ctx, "object-add", memory); err != nil {
		return err
	}
	if err := q.monitor.execute(ctx, "device_add", device); err != nil {
		return err
	}
	q.growth = grown
	return nil
}

// module returns QEMU's objects for a module of memory: the memory itself and the device.
func (g growth) module(index int) (memory, device map[string]any) {
	id := fmt.Sprintf("memory%d", index)
	memory = map[string]any{"qom-type": "memory-backend-ram", "id": id, "size": g.modules[index] << 20}
	return memory, map[string]any{"driver": "pc-dimm", "id": fmt.Sprintf("module%d", index), "memdev": id}
}
