// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package spec

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// The first and last real-time signals that programs can use; glibc keeps 32 and 33, so SIGRTMIN is 34, as in Docker.
const (
	realTimeMin = 34
	realTimeMax = 64
)

// ParseSignal parses a signal such as SIGTERM, TERM, 15, SIGRTMIN+3 or SIGRTMAX-1.
func ParseSignal(text string) (syscall.Signal, error) {
	if number, err := strconv.Atoi(text); err == nil {
		if number < 1 || number > realTimeMax {
			return 0, fmt.Errorf("%d is not a signal", number)
		}
		return syscall.Signal(number), nil
	}
	name := strings.ToUpper(text)
	if !strings.HasPrefix(name, "SIG") {
		name = "SIG" + name
	}
	if number := unix.SignalNum(name); number != 0 {
		return number, nil
	}
	for prefix, base := range map[string]int{"SIGRTMIN": realTimeMin, "SIGRTMAX": realTimeMax} {
		rest, found := strings.CutPrefix(name, prefix)
		if !found {
			continue
		}
		offset, err := strconv.Atoi("0" + strings.TrimLeft(rest, "+-"))
		if strings.HasPrefix(rest, "-") {
			offset = -offset
		}
		if number := base + offset; err == nil && number >= realTimeMin && number <= realTimeMax {
			return syscall.Signal(number), nil
		}
	}
	return 0, fmt.Errorf("%q is not a signal", text)
}

// The capabilities' names, in the kernel's numbering.
var capabilityNames = strings.Fields(`CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP
	LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT
	SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE
	AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF
	CHECKPOINT_RESTORE`)

// DefaultCapabilities is Docker's default set.
var DefaultCapabilities = strings.Fields(`CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP
	NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE`)

// BoundingSet returns the kernel's numbers of the capabilities that root has in the container.
func (p Process) BoundingSet() ([]int, error) {
	if p.Capabilities == nil {
		return CapabilityNumbers(DefaultCapabilities)
	}
	return CapabilityNumbers(*p.Capabilities)
}

// MayMount returns whether root can mount file systems in the container.
func (p Process) MayMount() (bool, error) {
	numbers, err := p.BoundingSet()
	return slices.Contains(numbers, unix.CAP_SYS_ADMIN), err
}

// CapabilityNumbers converts names, with or without the prefix CAP_, to the kernel's numbers.
func CapabilityNumbers(names []string) ([]int, error) {
	numbers := make([]int, 0, len(names))
	for _, name := range names {
		number, err := capabilityNumber(name)
		if err != nil {
			return nil, err
		}
		numbers = append(numbers, number)
	}
	return numbers, nil
}

func capabilityNumber(name string) (int, error) {
	short := strings.TrimPrefix(strings.ToUpper(name), "CAP_")
	for number, known := range capabilityNames {
		if known == short {
			return number, nil
		}
	}
	return 0, fmt.Errorf("%q is not a capability", name)
}
