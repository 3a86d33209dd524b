// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package cgroup

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// The kernel kills a process when it can reclaim no more memory. While it can still reclaim program text, which is then read
// back from the image repeatedly, nothing is killed for minutes although the container makes no progress. Init detects this
// and kills the process that the kernel would choose.
const (
	// pressureTrigger wakes the watcher when tasks wait for memory for 100 ms of a second.
	pressureTrigger = "some 100000 1000000"
	// A container thrashes if its page cache is smaller than this fraction of its memory, or than this size,
	smallCachePart  = 10
	smallCacheBytes = 2 << 20
	// and is read back this many times a second
	turnovers = 4
	// in this many consecutive samples, each of at least a second.
	thrashingSamples = 3
	// staleSample is the age at which the last sample is too old for a comparison.
	staleSample = 5 * time.Second
)

// memory is a sample of the kernel's memory statistics.
type memory struct {
	at time.Time
	// refaulted is the total of the page cache, in bytes, that was read back after it had been reclaimed.
	refaulted int64
	// cache is the size of the page cache without tmpfs.
	cache int64
	// epoch changes when a process was killed and when a run begins. A program that has just been started is read from the
	// image, too, so samples of different epochs are not compared.
	epoch int64
}

// detector decides from samples whether the container thrashes.
type detector struct {
	limit int64
	last  memory
	count int
}

// add adds a sample and returns whether a process is to be killed.
func (d *detector) add(sample memory) bool {
	elapsed := sample.at.Sub(d.last.at)
	read := float64(sample.refaulted - d.last.refaulted)
	isComparable := sample.epoch == d.last.epoch && elapsed <= staleSample
	d.last = sample
	if !isComparable || sample.cache > max(d.limit/smallCachePart, smallCacheBytes) ||
		read < turnovers*float64(sample.cache)*elapsed.Seconds() {
		d.count = 0
		return false
	}
	d.count++
	if d.count < thrashingSamples {
		return false
	}
	d.count = 0
	return true
}

// WatchThrashing kills the largest process of the container whenever the container thrashes. It
// returns only with an error.
func (g *Group) WatchThrashing(logf func(format string, args ...any)) error {
	trigger, err := os.OpenFile(filepath.Join(outer, "memory.pressure"), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer trigger.Close()
	if _, err := trigger.WriteString(pressureTrigger); err != nil {
		return err
	}
	var detector detector
	for {
		detector.limit = g.memoryLimit()
		if err := awaitPressure(trigger); err != nil {
			return err
		}
		sample, err := g.readMemory()
		if err != nil {
			return err
		}
		if !detector.add(sample) {
			continue
		}
		pid, err := g.killLargest()
		if err != nil {
			return err
		}
		logf("out of memory: the page cache is down to %d KiB and is read back constantly; killed process %d",
			sample.cache>>10, pid)
	}
}

// awaitPressure waits for the trigger. The kernel fires it at most once in its window of a second.
func awaitPressure(trigger *os.File) error {
	wait := []unix.PollFd{{Fd: int32(trigger.Fd()), Events: unix.POLLPRI}}
	for {
		_, err := unix.Poll(wait, -1)
		if err == unix.EINTR {
			continue
		}
		return os.NewSyscallError("poll", err)
	}
}

// killLargest kills the process with the highest score of the kernel's out-of-memory killer, and returns its number, or 0 if
// there is none.
func (g *Group) killLargest() (int, error) {
	largest, highest := 0, 0
	err := filepath.WalkDir(inner, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Name() != "cgroup.procs" {
			return err
		}
		processes, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, pid := range strings.Fields(string(processes)) {
			// A process that has ended meanwhile has no score.
			text, _ := os.ReadFile(filepath.Join("/proc", pid, "oom_score"))
			if score, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && score > highest {
				highest = score
				largest, _ = strconv.Atoi(pid)
			}
		}
		return nil
	})
	if err != nil || largest == 0 {
		return 0, err
	}
	g.killed.Add(1)
	if err := unix.Kill(largest, unix.SIGKILL); err != nil && err != unix.ESRCH {
		return 0, os.NewSyscallError("kill", err)
	}
	return largest, nil
}

func (g *Group) readMemory() (memory, error) {
	kills, err := g.OOMKills()
	if err != nil {
		return memory{}, err
	}
	content, err := os.ReadFile(filepath.Join(outer, "memory.stat"))
	if err != nil {
		return memory{}, err
	}
	sample, err := parseMemory(string(content))
	sample.at, sample.epoch = time.Now(), kills+g.runs.Load()
	return sample, err
}

func parseMemory(stat string) (memory, error) {
	values := map[string]int64{"active_file": -1, "inactive_file": -1, "workingset_refault_file": -1}
	for line := range strings.Lines(stat) {
		name, text, _ := strings.Cut(strings.TrimSpace(line), " ")
		if _, wanted := values[name]; !wanted {
			continue
		}
		value, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return memory{}, fmt.Errorf("memory.stat: %w", err)
		}
		values[name] = value
	}
	for name, value := range values {
		if value < 0 {
			return memory{}, fmt.Errorf("memory.stat has no %s", name)
		}
	}
	return memory{
		refaulted: values["workingset_refault_file"] * int64(os.Getpagesize()),
		cache:     values["active_file"] + values["inactive_file"],
	}, nil
}
