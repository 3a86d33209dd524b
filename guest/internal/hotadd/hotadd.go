// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Package hotadd brings CPUs and memory online that are added to the running VM. No udev does it here.
package hotadd

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Devices are the CPUs and the blocks of memory below a sysfs.
type Devices struct {
	Sys string // /sys
}

// Size is what is online.
type Size struct {
	CPUs   int   // without those that cannot be offline
	Memory int64 // in bytes
}

// Online brings all CPUs and blocks of memory online, and returns what is online then.
func (d Devices) Online() (Size, error) {
	cpus, cpuErr := d.online("cpu/cpu[0-9]*/online", "0", "1")
	blocks, memoryErr := d.online("memory/memory[0-9]*/state", "offline", "online")
	if blocks == 0 {
		return Size{CPUs: cpus}, errors.Join(cpuErr, memoryErr)
	}
	size, sizeErr := d.blockSize()
	return Size{CPUs: cpus, Memory: int64(blocks) * size}, errors.Join(cpuErr, memoryErr, sizeErr)
}

// online writes a state to the files that have another one, and returns how many have it then.
func (d Devices) online(pattern, off, on string) (int, error) {
	files, err := filepath.Glob(filepath.Join(d.Sys, "devices/system", pattern))
	if err != nil {
		return 0, err
	}
	var failed []error
	count := 0
	for _, file := range files {
		state, err := read(file)
		if err == nil && state == off {
			// The write fails if the kernel was faster.
			writeErr := os.WriteFile(file, []byte(on), 0)
			if state, err = read(file); err == nil && state != on {
				err = fmt.Errorf("%s stays offline: %w", filepath.Dir(file), writeErr)
			}
		}
		if err == nil && state == on {
			count++
		}
		failed = append(failed, err)
	}
	return count, errors.Join(failed...)
}

// blockSize returns the size of a block of memory.
func (d Devices) blockSize() (int64, error) {
	digits, err := read(filepath.Join(d.Sys, "devices/system/memory/block_size_bytes"))
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(digits, 16, 64)
}

func read(file string) (string, error) {
	content, err := os.ReadFile(file)
	return strings.TrimSpace(string(content)), err
}
