// Copyright: (c) 2026, gantry.vsphere contributors
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package rootfs

import (
	"slices"
	"testing"
)

const mountinfo = `1 1 0:2 / / rw - rootfs none rw,size=40k
20 1 0:21 / /proc rw,relatime - proc proc rw
30 1 8:0 / /image ro,relatime - squashfs /dev/sda ro,errors=continue
31 1 8:16 / /scratch rw,noatime shared:1 master:2 - ext4 /dev/sdb rw
34 1 0:26 / /container rw,relatime - overlay overlay rw,lowerdir=/image
35 34 254:32 / /container/a\040name ro,relatime - ext4 /dev/vdc rw,noinit_itable
`

func TestMountsAreParsed(t *testing.T) {
	mounts, err := parseMounts(mountinfo)
	want := []mounted{
		{"1", "1", "/", "rootfs", "none", false, false},
		{"20", "1", "/proc", "proc", "proc", false, false},
		{"30", "1", "/image", "squashfs", "/dev/sda", true, true},
		{"31", "1", "/scratch", "ext4", "/dev/sdb", true, false},
		{"34", "1", "/container", "overlay", "overlay", false, false},
		{"35", "34", "/container/a name", "ext4", "/dev/vdc", true, false},
	}
	if err != nil || !slices.Equal(mounts, want) {
		t.Errorf("got %+v, %v", mounts, err)
	}
}

func TestUnknownMountinfoIsRefused(t *testing.T) {
	for _, line := range []string{"30 1 8:0 / /image ro\n", "30 1 8:0 / - squashfs /dev/sda ro\n", "30 1 8:0 / /image ro - squashfs\n"} {
		if mounts, err := parseMounts(mountinfo + line); err == nil {
			t.Errorf("got %v for %q", mounts, line)
		}
	}
}

func TestOnlyTheContainersRootIsKept(t *testing.T) {
	mounts, err := parseMounts(mountinfo)
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(mounts)
	got, err := besidesRoot(mounts)
	if err != nil || !slices.Equal(got, []string{"/scratch", "/image", "/proc"}) {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := besidesRoot(mounts[:len(mounts)-1]); err == nil {
		t.Errorf("got %q without the initial file system", got)
	}
}
