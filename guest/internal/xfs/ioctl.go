// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package xfs

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// growArgument is struct xfs_growfs_data of xfs_fs.h.
type growArgument struct {
	newBlocks  uint64
	maxPercent uint32 // of the space for inodes
	_          uint32
}

// defaultMaxPercent is mkfs.xfs's share of inodes for file systems of less than 1 TiB. The kernel takes only the number of blocks
// of a growth, if this is what the file system has.
const defaultMaxPercent = 25

func ioctlGrowData(fd int, blocks uint64) error {
	argument := growArgument{newBlocks: blocks, maxPercent: defaultMaxPercent}
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), ioctlGrow, uintptr(unsafe.Pointer(&argument))); errno != 0 {
		return errno
	}
	return nil
}

func ioctlLabel(fd int, label string) error {
	var argument [maxLabelBytes]byte
	copy(argument[:], label)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), ioctlSetLabel, uintptr(unsafe.Pointer(&argument))); errno != 0 {
		return fmt.Errorf("set the label %s: %w", label, errno)
	}
	return nil
}
