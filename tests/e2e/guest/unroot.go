// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Command unroot unmounts its root directory, as a container with the capability SYS_ADMIN can, and prints what is in the
// directories of init's mounts below it.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// setns is the number of the system call, which the package syscall lacks.
const setns = 308

func main() {
	if err := unroot(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	for _, directory := range []string{"/image", "/scratch", "/scratch/gantry", "/proc", "/sys", "/dev", "/run"} {
		// The pattern is valid, which is the only error that there can be.
		found, _ := filepath.Glob(directory + "/*")
		fmt.Printf("%s: %s\n", directory, strings.Join(found, " "))
	}
}

func unroot() error {
	runtime.LockOSThread()
	namespace, err := os.Open("/proc/self/ns/mnt")
	if err != nil {
		return err
	}
	// A thread that shares its root directory with others cannot enter a mount namespace.
	if err := syscall.Unshare(syscall.CLONE_FS); err != nil {
		return err
	}
	if err := syscall.Unmount("/", syscall.MNT_DETACH); err != nil {
		return err
	}
	// Entering a mount namespace changes the root directory to its own.
	if _, _, errno := syscall.RawSyscall(setns, namespace.Fd(), syscall.CLONE_NEWNS, 0); errno != 0 {
		return os.NewSyscallError("setns", errno)
	}
	return nil
}
