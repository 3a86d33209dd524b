// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package process

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"

	"gantry.invalid/guest/internal/failure"
	"gantry.invalid/guest/internal/spec"
)

// limitSelf sets the resource limits of the calling process, which it hands on to the program that it executes.
func limitSelf(process spec.Process) error {
	for name, wanted := range process.Ulimits {
		limit := syscall.Rlimit(wanted.Rlimit())
		// Not Prlimit: Go would restore the limit of open files at exec.
		if err := syscall.Setrlimit(spec.UlimitNumber(name), &limit); err != nil {
			return failure.New(failure.StartFailed, "set the resource limit %s to %d:%d: %v", name, wanted.Soft, wanted.Hard, err)
		}
	}
	return nil
}

// limitOther sets the resource limits of a process that has just been started. It may have ended already.
func limitOther(pid int, process spec.Process) error {
	for name, wanted := range process.Ulimits {
		limit := wanted.Rlimit()
		if err := unix.Prlimit(pid, spec.UlimitNumber(name), &limit, nil); err != nil && !errors.Is(err, unix.ESRCH) {
			return failure.New(failure.StartFailed, "set the resource limit %s to %d:%d: %v", name, wanted.Soft, wanted.Hard, err)
		}
	}
	return nil
}

// writeSysctls changes kernel settings below root, in the order of their names. Those of namespaces are the caller's.
func writeSysctls(root string, sysctls map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(sysctls)) {
		// Without O_CREATE: the kernel's own files only.
		file, err := os.OpenFile(filepath.Join(root, spec.SysctlPath(name)), os.O_WRONLY, 0)
		if errors.Is(err, fs.ErrNotExist) {
			return failure.New(failure.StartFailed, "sysctl %s: the kernel of the VM has no such setting", name)
		}
		if err == nil {
			_, err = file.WriteString(sysctls[name])
			err = errors.Join(err, file.Close())
		}
		if err != nil {
			return failure.New(failure.StartFailed, "sysctl %s cannot be set to %q: %v", name, sysctls[name], err)
		}
	}
	return nil
}
