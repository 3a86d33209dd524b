// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"gantry.invalid/guest/guestops"
	"gantry.invalid/guest/internal/cgroup"
	"gantry.invalid/guest/internal/failure"
	"gantry.invalid/guest/internal/rootfs"
	"gantry.invalid/guest/internal/spec"
)

// Memory limits. docs/developers/guest.md explains how the values were measured.
const (
	// reservedMemory is the part of the available memory that the container cannot use. It is reserved for init, for kernel
	// allocations that are not charged to the container, and for the kernel's reserve of free pages.
	reservedMemory = 8 << 20
	// leastMemory is the minimum that a container needs: with less, its first process cannot execute the program.
	leastMemory = 4 << 20
)

// The kernel's limit of tasks, and the container's, which leaves tasks for init.
const (
	machineTasks   = 32768
	containerTasks = 32000
)

// resourceLimits are the limits of init and of every process that it starts, as in Docker. The kernel's default limits of
// tasks and pending signals depend on the VM's memory and are too small here. The container's cgroup limits both instead.
var resourceLimits = map[int]syscall.Rlimit{
	unix.RLIMIT_NOFILE:     {Cur: 1024, Max: 524288},
	unix.RLIMIT_NPROC:      {Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY},
	unix.RLIMIT_SIGPENDING: {Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY},
}

// liftLimits replaces the limits that the kernel derives from the size of the memory.
func liftLimits() error {
	for resource, limit := range resourceLimits {
		if err := syscall.Setrlimit(resource, &limit); err != nil {
			return fmt.Errorf("set resource limit %d: %w", resource, err)
		}
	}
	for name, value := range map[string]int64{"kernel/threads-max": machineTasks, "fs/file-max": 1<<63 - 1} {
		if err := os.WriteFile("/proc/sys/"+name, []byte(strconv.FormatInt(value, 10)), 0); err != nil {
			return err
		}
	}
	return nil
}

// limitContainer creates the container's cgroup, with the available memory as its limit.
func (m *machine) limitContainer(wanted *spec.Spec) (*cgroup.Group, error) {
	// Free the memory that init needed only to boot.
	debug.FreeOSMemory()
	available, err := memoryAvailable()
	if err != nil {
		return nil, err
	}
	reserved := int64(reservedMemory)
	if wanted.Root.Scratch == nil {
		// The log is in memory, so its size is reserved.
		reserved += wanted.Log.MaxBytes
	}
	if wanted.GuestOperations != nil {
		// Results and pages of the log, and what the garbage collector has not freed yet.
		reserved += 2 * int64(m.operations.memory+guestops.PagesMemory)
	}
	if wanted.Log.Encrypted() {
		reserved += tlsMemory
	}
	limits := cgroup.Limits{Memory: available - reserved, Tasks: containerTasks}
	if limits.Memory < leastMemory {
		return nil, failure.New(failure.StartFailed, "The VM has too little memory to start a container: %d KiB are available "+
			"after the boot, and at least %d KiB are needed. Give the VM more memory.",
			available>>10, (reserved+leastMemory)>>10)
	}
	group, err := cgroup.New(limits)
	if err != nil {
		return nil, err
	}
	if err := m.restrictMounts(group, wanted.Process); err != nil {
		return nil, err
	}
	go func() { m.logError(group.WatchThrashing(m.console.logf)) }()
	go m.watchHotAdd(group)
	return group, rootfs.LimitTmpfs(wanted.Root, limits.Memory)
}

// restrictMounts attaches the mount policy if the container can mount at all. An error is only logged, because older
// kernels need no policy: the container's first process tries whether the disks are closed, and does not continue otherwise.
func (m *machine) restrictMounts(group *cgroup.Group, process spec.Process) error {
	mayMount, err := process.MayMount()
	if err != nil || !mayMount {
		return err
	}
	if err := group.RestrictMounts(); err != nil {
		m.console.logf("The mount policy could not be attached: %v.", err)
	}
	return nil
}

// memoryAvailable is the memory that can be used without swapping, in bytes.
func memoryAvailable() (int64, error) { return readMemory("MemAvailable:") }

// readMemory reads a value of /proc/meminfo, in bytes.
func readMemory(label string) (int64, error) {
	content, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(content)) {
		if rest, found := strings.CutPrefix(line, label); found {
			kibibytes, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kibibytes << 10, err
		}
	}
	return 0, fmt.Errorf("/proc/meminfo has no %s", strings.TrimSuffix(label, ":"))
}
