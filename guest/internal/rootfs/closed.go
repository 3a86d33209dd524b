// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package rootfs

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"gantry.invalid/guest/internal/failure"
)

// diskMount is a mounted file system of a disk.
type diskMount struct {
	device, kind string
	readOnly     bool
}

// probePoint is where disks are mounted for a try: a directory where none of them is mounted, since the kernel refuses to
// mount a file system twice in the same place, whatever the policy.
const probePoint = "/run"

// requireClosedDisks returns a failure unless the kernel refuses to mount the VM's disks in the container. Its policies
// are not trusted but tried: the caller must be in the container's cgroup and in a mount namespace of its own, which must
// not be used after a failure.
func requireClosedDisks() error {
	content, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	mounts, err := parseDiskMounts(string(content))
	if err != nil {
		return err
	}
	for _, mount := range mounts {
		if err := mount.mountAgain(); !errors.Is(err, unix.EPERM) {
			return failure.New(failure.StartFailed, "The container has the capability SYS_ADMIN, with which it could mount the "+
				"VM's disk %s: the kernel does not refuse that (expected %q, got %q). Remove the capability, or build the "+
				"bootstrap with a kernel before 6.6, or with one that has the BPF LSM and type information (BTF).",
				mount.device, unix.EPERM, errorText(err))
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

func (m diskMount) mountAgain() error {
	flags := uintptr(0)
	if m.readOnly {
		flags = unix.MS_RDONLY
	}
	return unix.Mount(m.device, probePoint, m.kind, flags, "")
}

// parseDiskMounts returns the mounts in a mountinfo file that are of block devices.
func parseDiskMounts(mountinfo string) ([]diskMount, error) {
	var mounts []diskMount
	for line := range strings.Lines(mountinfo) {
		// Identifier, parent, device, root, mount point, options, optional fields - type, source, options of the file system.
		left, right, found := strings.Cut(line, " - ")
		place, system := strings.Fields(left), strings.Fields(right)
		if !found || len(place) < 6 || len(system) < 3 {
			return nil, fmt.Errorf("/proc/self/mountinfo has an unknown line: %q", line)
		}
		// File systems that are not on a block device have the major number 0.
		if strings.HasPrefix(place[2], "0:") {
			continue
		}
		readOnly := system[2] == "ro" || strings.HasPrefix(system[2], "ro,")
		mounts = append(mounts, diskMount{system[1], system[0], readOnly})
	}
	return mounts, nil
}
