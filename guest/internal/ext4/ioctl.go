// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package ext4

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// ioctlUint64 passes a pointer to the value, as _IOW('f', 16, __u64) asks for.
func ioctlUint64(fd int, request uintptr, value uint64) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(unsafe.Pointer(&value))); errno != 0 {
		return errno
	}
	return nil
}

// uuidArgument is struct fsuuid of linux/fs.h.
type uuidArgument struct {
	length, flags uint32
	uuid          [uuidBytes]byte
}

// ioctlUUID passes a pointer to the value, as _IOW('f', 44, struct fsuuid) asks for.
func ioctlUUID(fd int, uuid []byte) error {
	argument := uuidArgument{length: uuidBytes, uuid: [uuidBytes]byte(uuid)}
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), ioctlSetUUID, uintptr(unsafe.Pointer(&argument))); errno != 0 {
		return errno
	}
	return nil
}
