// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package rootfs

import (
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"gantry.invalid/guest/internal/failure"
)

// probePoint is where disks are mounted for a try: a directory where none of them is mounted, since the kernel refuses to
// mount a file system twice in the same place, whatever the policy.
const probePoint = "/run"

// requireClosedDisks returns a failure unless the kernel refuses to mount the VM's disks in the container. Its policies
// are not trusted but tried: the caller must be in the container's cgroup and in a mount namespace of its own, which must
// not be used after a failure.
func requireClosedDisks() error {
	mounts, err := readMounts()
	if err != nil {
		return err
	}
	for _, mount := range mounts {
		if !mount.onDisk {
			continue
		}
		if err := mount.again(); !errors.Is(err, unix.EPERM) {
			return failure.New(failure.StartFailed, "The container has the capability SYS_ADMIN, with which it could mount the "+
				"VM's disk %s: the kernel does not refuse that (expected %q, got %q). Remove the capability, or build the "+
				"bootstrap with a kernel before 6.6, or with one that has the BPF LSM and type information (BTF).",
				mount.source, unix.EPERM, errorText(err))
		}
	}
	return nil
}

func errorText(err error) string {
	if err == nil {
		return "no error"
	}
	return err.Error()
}

func (m mounted) again() error {
	flags := uintptr(0)
	if m.readOnly {
		flags = unix.MS_RDONLY
	}
	return unix.Mount(m.source, probePoint, m.kind, flags, "")
}

// detachInitsMounts removes everything but the container's root from the calling process's mount namespace. A container with
// the capability SYS_ADMIN can unmount its root, and would see the mounts of init again.
func detachInitsMounts() error {
	mounts, err := readMounts()
	if err != nil {
		return err
	}
	directories, err := besidesRoot(mounts)
	if err != nil {
		return err
	}
	for _, directory := range directories {
		if err := unix.Unmount(directory, unix.MNT_DETACH); err != nil {
			return fmt.Errorf("detach %s: %w", directory, err)
		}
	}
	return nil
}

// besidesRoot returns where file systems are mounted on the initial file system, except the container's root. What is mounted
// below them is detached with them.
func besidesRoot(mounts []mounted) ([]string, error) {
	initial := slices.IndexFunc(mounts, func(mount mounted) bool { return mount.where == "/" })
	if initial < 0 {
		return nil, errors.New("/proc/self/mountinfo has no line for /")
	}
	var directories []string
	for _, mount := range mounts {
		if mount.parent == mounts[initial].id && mount.where != "/" && mount.where != Root {
			directories = append(directories, mount.where)
		}
	}
	return directories, nil
}
