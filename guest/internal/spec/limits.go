// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package spec

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Ulimit is one resource limit of the container's processes. A negative value means unlimited.
type Ulimit struct {
	Soft int64 `json:"soft"`
	Hard int64 `json:"hard"`
}

// Rlimit returns the limit in the kernel's form.
func (u Ulimit) Rlimit() unix.Rlimit { return unix.Rlimit{Cur: limit(u.Soft), Max: limit(u.Hard)} }

func limit(value int64) uint64 {
	if value < 0 {
		return unix.RLIM_INFINITY
	}
	return uint64(value)
}

// The resource limits by the names that Docker has for them.
var ulimitNumbers = map[string]int{
	"core": unix.RLIMIT_CORE, "cpu": unix.RLIMIT_CPU, "data": unix.RLIMIT_DATA, "fsize": unix.RLIMIT_FSIZE,
	"locks": unix.RLIMIT_LOCKS, "memlock": unix.RLIMIT_MEMLOCK, "msgqueue": unix.RLIMIT_MSGQUEUE, "nice": unix.RLIMIT_NICE,
	"nofile": unix.RLIMIT_NOFILE, "nproc": unix.RLIMIT_NPROC, "rss": unix.RLIMIT_RSS, "rtprio": unix.RLIMIT_RTPRIO,
	"rttime": unix.RLIMIT_RTTIME, "sigpending": unix.RLIMIT_SIGPENDING, "stack": unix.RLIMIT_STACK,
}

// UlimitNumber returns the kernel's number of a limit. It must only be called for validated documents.
func UlimitNumber(name string) int {
	number, known := ulimitNumbers[name]
	if !known {
		panic("unknown limit " + name)
	}
	return number
}

func (p *Process) validateUlimits() error {
	for name, one := range p.Ulimits {
		if _, known := ulimitNumbers[name]; !known {
			return fmt.Errorf("process.ulimits: %q is not a resource limit", name)
		}
		if limit(one.Soft) > limit(one.Hard) {
			return fmt.Errorf("process.ulimits: %s has the soft limit %d, which is more than the hard limit %d", name, one.Soft, one.Hard)
		}
	}
	return nil
}

// Settings with which the kernel runs a program outside of the container, and one that the document has a field for.
var refusedSysctls = []string{
	"kernel.core_pattern", "kernel.hostname", "kernel.hotplug", "kernel.modprobe", "kernel.poweroff_cmd",
}

const sysctlRunes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."

// SysctlPath returns the path of a kernel setting below /proc/sys. Each dot is a separator, as in Docker.
func SysctlPath(name string) string { return strings.ReplaceAll(name, ".", "/") }

func (s *Spec) validateSysctls() error {
	for name, value := range s.Sysctls {
		if !consistsOf(name, sysctlRunes) || slices.Contains(strings.Split(name, "."), "") || !strings.Contains(name, ".") {
			return fmt.Errorf("sysctls: %q is not the name of a kernel setting", name)
		}
		if slices.Contains(refusedSysctls, name) {
			return fmt.Errorf("sysctls: %s cannot be set by a container", name)
		}
		if strings.ContainsAny(value, "\x00\n") {
			return errors.New("sysctls: the value of " + name + " is not one line")
		}
	}
	return nil
}
