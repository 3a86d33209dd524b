// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Child processes that end with this one: they are started with a parent-death signal from a thread that exists as long as
// this process, and recorded on disk with their start time, so that the next start of the lab ends any that are left.

package hypervisor

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// spawner starts processes from one OS thread inside the lab's namespace. Linux sends the parent-death signal when the
// thread that forked ends, so a goroutine that is not locked to a thread must not fork them.
type spawner struct {
	directory string // of the process records
	work      chan func()
}

func newSpawner(ns *namespace, directory string) (*spawner, error) {
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return nil, fmt.Errorf("process records: %w", err)
	}
	s := &spawner{directory: directory, work: make(chan func())}
	entered := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		err := ns.enter()
		entered <- err
		if err != nil {
			return
		}
		for f := range s.work {
			f()
		}
	}()
	return s, <-entered
}

// close ends the spawner's thread, and thereby any child that still runs.
func (s *spawner) close() {
	close(s.work)
}

// start starts the command and records it under the name. If the record cannot be written, the process is killed.
func (s *spawner) start(name string, command *exec.Cmd) error {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	result := make(chan error, 1)
	s.work <- func() { result <- command.Start() }
	if err := <-result; err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	if err := s.record(name, command.Process.Pid); err != nil {
		return errors.Join(err, command.Process.Kill(), command.Wait())
	}
	return nil
}

// forget removes the record of a process that has ended.
func (s *spawner) forget(name string) error {
	return os.Remove(s.recordPath(name))
}

func (s *spawner) recordPath(name string) string {
	return filepath.Join(s.directory, name+".json")
}

// processRecord identifies a process uniquely, since PIDs are reused. The lab's controller (lab/processes.py) writes and
// reads the same format.
type processRecord struct {
	PID        int    `json:"pid"`
	StartTicks uint64 `json:"start_ticks"`
	BootID     string `json:"boot_id"`
}

func (s *spawner) record(name string, pid int) error {
	ticks, _, err := processTimes(pid)
	if err != nil {
		return err
	}
	boot, err := bootID()
	if err != nil {
		return err
	}
	encoded, err := json.Marshal(processRecord{PID: pid, StartTicks: ticks, BootID: boot})
	if err != nil {
		return err
	}
	return writeFileAtomically(s.recordPath(name), encoded, 0o644)
}

// bootID returns an id that changes when the host is rebooted.
func bootID() (string, error) {
	content, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(content)), err
}

// clockTick is the unit of times in /proc, the same on every Linux that Go runs on.
const clockTick = 100

// processTimes reads when the process started (in ticks since boot) and the CPU seconds it has used.
func processTimes(pid int) (startTicks uint64, cpuSeconds float64, err error) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0, fmt.Errorf("process %d: %w", pid, err)
	}
	return parseProcessTimes(string(content))
}

// parseProcessTimes parses /proc/<pid>/stat. The second field, the command, may contain blanks and parentheses, so fields
// are counted from the last closing parenthesis.
func parseProcessTimes(stat string) (startTicks uint64, cpuSeconds float64, err error) {
	const userTime, systemTime, startTime = 11, 12, 19 // counted from the third field, the state
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) <= startTime {
		return 0, 0, fmt.Errorf("unexpected process state %q", stat)
	}
	var values [3]uint64
	for i, field := range []int{userTime, systemTime, startTime} {
		if values[i], err = strconv.ParseUint(fields[field], 10, 64); err != nil {
			return 0, 0, fmt.Errorf("unexpected process state %q: %w", stat, err)
		}
	}
	return values[2], float64(values[0]+values[1]) / clockTick, nil
}

func writeFileAtomically(path string, content []byte, mode os.FileMode) error {
	temporary := path + ".new"
	if err := os.WriteFile(temporary, content, mode); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}
