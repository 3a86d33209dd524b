// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package cgroup

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"gantry.invalid/guest/internal/btf"
)

// The opcodes of the mount policy, besides those of the device policy.
const (
	loadPointer = unix.BPF_LDX | unix.BPF_DW | unix.BPF_MEM
	jumpEqual   = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
)

// argument is the register with the function's argument, and then with the field of it.
const argument = kind

// mountPolicy returns a program for BPF_LSM_CGROUP that is run when a file system is about to be mounted, with its struct
// super_block as the only argument. It returns 0, which means EPERM, if the file system is on a block device, else 1.
func mountPolicy(deviceOffset uint32) []instruction {
	return []instruction{
		{loadPointer, argument | context<<4, 0, 0},
		{loadPointer, argument | argument<<4, int16(deviceOffset), 0},
		{move, result, 0, 1},
		{jumpEqual, argument, 1, 0},
		{move, result, 0, 0},
		{exit, 0, 0, 0},
	}
}

// RestrictMounts attaches a policy to the container's cgroup that refuses to mount file systems that are on block devices.
//
// The device policy does that already on kernels before 6.6. Later ones search the mounted file systems first, and open the
// device only if it is not mounted (get_tree_bdev in fs/super.c), so that the disks that init has mounted could be mounted in
// the container, too.
func (g *Group) RestrictMounts() error {
	types, err := os.Open(btf.Kernel)
	if err != nil {
		return fmt.Errorf("read the kernel's type information: %w", err)
	}
	found, err := btf.Find(types, "bpf_lsm_sb_kern_mount", "super_block", "s_bdev")
	if err = errors.Join(err, types.Close()); err != nil {
		return err
	}
	return attach(outer, program{
		kind: unix.BPF_PROG_TYPE_LSM, attachType: unix.BPF_LSM_CGROUP, function: found.Function,
		instructions: mountPolicy(found.Offset),
	})
}
