// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"gantry.invalid/guest/internal/cgroup"
	"gantry.invalid/guest/internal/hotadd"
)

// memmapPart is the fraction of added memory that the kernel needs for its descriptors of pages, 64 bytes for each of 4 KiB.
const memmapPart = 64

// watchHotAdd brings CPUs and memory online that are added to the VM, and gives the memory to the container.
func (m *machine) watchHotAdd(group *cgroup.Group) {
	cpuAdded, memoryAdded := m.hub.Subscribe("cpu"), m.hub.Subscribe("memory")
	devices := hotadd.Devices{Sys: "/sys"}
	before, err := devices.Online()
	m.logIf(err)
	for {
		select {
		case <-cpuAdded:
		case <-memoryAdded:
		}
		now, err := devices.Online()
		m.logIf(err)
		if added := now.Memory - before.Memory; added > 0 {
			m.logIf(group.AddMemory(added - added/memmapPart))
		}
		if now != before {
			m.console.logf("%d CPUs and %d MiB of memory were added", now.CPUs-before.CPUs, (now.Memory-before.Memory)>>20)
		}
		before = now
	}
}

func (m *machine) logIf(err error) {
	if err != nil {
		m.logError(err)
	}
}
