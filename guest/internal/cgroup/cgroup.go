// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package cgroup limits the memory, the tasks and the devices of the container's processes.
//
// There are two levels. The outer cgroup has the limits and the device policy. The container's processes are in the inner
// cgroup, which is also the root of their cgroup namespace: a container that can mount the cgroup file system sees and
// changes only the inner cgroup, so it can neither leave the outer one nor change its limits.
package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

const (
	root  = "/sys/fs/cgroup"
	outer = root + "/container"
	inner = outer + "/processes"
)

// Limits are the limits of all processes of the container together.
type Limits struct {
	// Memory is in bytes. It includes anonymous memory, page cache, tmpfs and kernel memory of the container.
	Memory int64
	// Tasks is the number of processes and threads.
	Tasks int
}

// Group is the container's cgroup.
type Group struct {
	// mu guards limits.
	mu     sync.Mutex
	limits Limits
	// killed counts the processes that were killed because of thrashing, not by the kernel.
	killed atomic.Int64
	// runs counts the runs of the container.
	runs atomic.Int64
}

// New creates the outer cgroup with its limits and the device policy.
func New(limits Limits) (*Group, error) {
	if err := os.Mkdir(outer, 0o755); err != nil {
		return nil, err
	}
	for _, directory := range []string{root, outer} {
		if err := write(directory, "cgroup.subtree_control", "+memory +pids"); err != nil {
			return nil, err
		}
	}
	if err := limits.apply(outer); err != nil {
		return nil, err
	}
	if err := restrictDevices(outer); err != nil {
		return nil, fmt.Errorf("attach the device policy to %s: %w", outer, err)
	}
	return &Group{limits: limits}, nil
}

// Renew creates the inner cgroup for a run of the container, after removing the one of an earlier run. A process is put into
// the cgroup by starting it with the returned directory.
func (g *Group) Renew() (*os.File, error) {
	if err := removeTree(inner); err != nil {
		return nil, err
	}
	if err := os.Mkdir(inner, 0o755); err != nil {
		return nil, err
	}
	g.runs.Add(1)
	g.mu.Lock()
	defer g.mu.Unlock()
	// The outer limits are the effective ones. These are read by programs that adapt to the limits of their cgroup.
	if err := g.limits.apply(inner); err != nil {
		return nil, err
	}
	return os.Open(inner)
}

// AddMemory increases the limit of memory, also of a container that runs.
func (g *Group) AddMemory(bytes int64) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.limits.Memory += bytes
	err := g.limits.apply(outer)
	if innerErr := g.limits.apply(inner); !errors.Is(innerErr, fs.ErrNotExist) { // there is none between two runs
		err = errors.Join(err, innerErr)
	}
	return err
}

// memoryLimit returns the current limit of memory.
func (g *Group) memoryLimit() int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.limits.Memory
}

// OOMKills returns how many processes of the container have been killed because memory ran out.
func (g *Group) OOMKills() (int64, error) {
	content, err := os.ReadFile(filepath.Join(outer, "memory.events"))
	if err != nil {
		return 0, err
	}
	kills, err := parseOOMKills(string(content))
	return kills + g.killed.Load(), err
}

func parseOOMKills(events string) (int64, error) {
	for line := range strings.Lines(events) {
		if count, found := strings.CutPrefix(line, "oom_kill "); found {
			return strconv.ParseInt(strings.TrimSpace(count), 10, 64)
		}
	}
	return 0, errors.New("memory.events has no oom_kill")
}

func (l Limits) apply(directory string) error {
	return errors.Join(
		write(directory, "memory.max", strconv.FormatInt(l.Memory, 10)),
		write(directory, "pids.max", strconv.Itoa(l.Tasks)),
	)
}

func write(directory, file, value string) error {
	// The files are created by the kernel with the directory.
	return os.WriteFile(filepath.Join(directory, file), []byte(value), 0)
}

// removeTree removes a cgroup and its children. None may have processes.
func removeTree(directory string) error {
	entries, err := os.ReadDir(directory)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		if err := removeTree(filepath.Join(directory, entry.Name())); err != nil {
			return err
		}
	}
	return os.Remove(directory)
}
