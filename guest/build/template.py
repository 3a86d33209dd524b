# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make the template of the file system for blank scratch disks: the blocks of an empty one that are not zero."""

from __future__ import annotations

from pathlib import Path

from guest.build.run import run

# Read by internal/ext4/template.go.
_MAGIC = b"GANTRYEXT4\n"
_BLOCK = 4096
# The smallest scratch disk. The file system is grown to the disk's size; its journal stays as large as it is made here.
_BYTES = 64 << 20
_JOURNAL_MIB = 16
# Growing keeps the inodes per block group, and this file system is half of one: twice as many here as are meant.
_BYTES_PER_INODE = 16384 // 2
# Room for the group descriptors of a file system of this size; beyond it the kernel changes the layout by itself.
_LARGEST_BYTES = 2 << 40
# Named one by one, so that a distribution's defaults do not matter. metadata_csum_seed makes the checksums independent
# of the UUID, which init sets.
_FEATURES = (
    "none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,64bit,flex_bg,sparse_super,large_file,huge_file,"
    "dir_nlink,extra_isize,metadata_csum,metadata_csum_seed"
)
_UUID = "00000000-0000-4000-8000-67616e747279"


def make_template(work: Path) -> bytes:
    """Return the template; work is a directory for temporary files."""
    image = work / "ext4.img"
    with image.open("wb") as file:
        file.truncate(_BYTES)
    extended = ",".join(
        (
            f"hash_seed={_UUID}",
            f"resize={_LARGEST_BYTES // _BLOCK}",
            # The disk is zero already; flags that say otherwise would have the kernel write zeros to it.
            "lazy_itable_init=0",
            "lazy_journal_init=1",
            "nodiscard",
        )
    )
    layout = ["-b", str(_BLOCK), "-I", "256", "-i", str(_BYTES_PER_INODE), "-m", "0", "-e", "remount-ro"]
    options = ["-O", _FEATURES, "-J", f"size={_JOURNAL_MIB}", "-U", _UUID, "-E", extended]
    # No mke2fs.conf of the machine's.
    run(["mke2fs", "-q", "-F", "-t", "ext4", *layout, *options, image], env={"MKE2FS_CONFIG": "/dev/null"})
    return _MAGIC + _nonzero_blocks(image)


def _nonzero_blocks(image: Path) -> bytes:
    zero = bytes(_BLOCK)
    kept = []
    with image.open("rb") as file:
        for number in range(_BYTES // _BLOCK):
            block = file.read(_BLOCK)
            if block != zero:
                kept.append(number.to_bytes(4, "little") + block)
    return b"".join(kept)
