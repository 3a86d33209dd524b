// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package process

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"

	"gantry.invalid/guest/internal/spec"
)

// fileCapabilities are what a copy needs to give files to any user, and to read and replace those of any user.
var fileCapabilities = []int{unix.CAP_CHOWN, unix.CAP_DAC_OVERRIDE, unix.CAP_DAC_READ_SEARCH, unix.CAP_FOWNER, unix.CAP_FSETID}

// EnterFiles moves the calling goroutine into the container's file system, with no other capabilities than those for files. It
// cannot leave it again: its thread ends with it. The container's processes do not see it.
func (c *Container) EnterFiles() error {
	if err := c.EnterMounts(); err != nil {
		return err
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	for _, number := range fileCapabilities {
		data[number/32].Effective |= 1 << (number % 32)
	}
	data[0].Permitted, data[1].Permitted = data[0].Effective, data[1].Effective
	if err := unix.Capset(&header, &data[0]); err != nil {
		return fmt.Errorf("drop capabilities: %w", err)
	}
	return nil
}

// EnterMounts moves the calling goroutine into the container's file system, where it can mount. It cannot leave it again: its
// thread ends with it.
func (c *Container) EnterMounts() error {
	// Never unlocked: the thread ends with the goroutine.
	runtime.LockOSThread()
	// A thread that shares its root directory with others cannot change its mount namespace.
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return fmt.Errorf("unshare: %w", err)
	}
	if err := unix.Setns(int(c.pidfd.Fd()), unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("enter the container's file system: %w", err)
	}
	return nil
}

// ResolveUser returns the identity of a user of the container, or its own if the name is empty. The calling goroutine is in the
// container's file system.
func (c *Container) ResolveUser(user string, own spec.Process) (Identity, error) {
	return c.identityFor(Command{User: user, Process: own})
}
