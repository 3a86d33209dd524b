# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make the templates of file systems for blank disks: the blocks of empty ones that are not zero."""

from __future__ import annotations

import errno
import os
import struct
from pathlib import Path

from guest.build.errors import BuildError
from guest.build.run import EPOCH, run

# Read by internal/format.
_MAGIC = b"GANTRYFS1\n"
_BLOCK = 4096

# ext4, also of scratch disks.
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

# XFS, of volumes. A template is for disks of its size up to the next one's, so that a file system that grows has 16
# allocation groups at most: it keeps their size, and each growth adds some. XFS refuses groups of more than 1 TiB.
_XFS_MIB = (300, 1200, 4800, 19200, 76800, 307200, 1228800, 3686400)
# Whatever a distribution's mkfs.xfs has as defaults, all kernels since Linux 5.10 mount it. init relies on the share of
# inodes.
_XFS_OPTIONS = (
    "-m", f"uuid={_UUID},crc=1,finobt=1,rmapbt=0,reflink=1,bigtime=1,inobtcount=1",
    "-i", "size=512,maxpct=25,sparse=1,nrext64=0",
    "-d", "agcount=4",
    "-l", "internal=1,size=64m",
    "-s", "size=512",
    "-n", "ftype=1",
)  # fmt: skip
_INODE_BYTES = 512
_INODES_IN_A_CHUNK = 64
# Offsets in an inode: its generation, the times of its last access and changes, that of its creation, its checksum.
_GENERATION, _TIMES, _CREATED, _INODE_CHECKSUM = 92, 32, 144, 100
# Nanoseconds since the smallest 32-bit number of seconds: how XFS counts with "bigtime".
_XFS_TIME = struct.pack(">Q", (EPOCH + (1 << 31)) * 10**9)


def make_ext4(work: Path) -> bytes:
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


def make_xfs(work: Path) -> dict[int, bytes]:
    """Return the templates by the sizes of their file systems in MiB."""
    return {mebibytes: _make_xfs(work / f"xfs-{mebibytes}.img", mebibytes << 20) for mebibytes in _XFS_MIB}


def _make_xfs(image: Path, size: int) -> bytes:
    with image.open("wb") as file:
        file.truncate(size)
    run(["mkfs.xfs", "-q", "-f", "-K", *_XFS_OPTIONS, image])
    _settle_inodes(image)
    template = _MAGIC + _nonzero_blocks(image)
    image.unlink()
    return template


def _settle_inodes(image: Path) -> None:
    """Take from the first inodes what mkfs.xfs makes anew each time: random generations, and the time."""
    with image.open("r+b") as file:
        superblock = file.read(_BLOCK)
        (first,) = struct.unpack_from(">Q", superblock, 56)
        # The first group's inodes are numbered by their place.
        file.seek(first * _INODE_BYTES)
        chunk = bytearray(file.read(_INODES_IN_A_CHUNK * _INODE_BYTES))
        for start in range(0, len(chunk), _INODE_BYTES):
            inode = chunk[start : start + _INODE_BYTES]
            if inode[:2] != b"IN":
                raise BuildError(f"mkfs.xfs has put no inode at {first * _INODE_BYTES + start} of {image.name}")
            _settle_inode(inode)
            chunk[start : start + _INODE_BYTES] = inode
        file.seek(first * _INODE_BYTES)
        file.write(chunk)


def _settle_inode(inode: bytearray) -> None:
    inode[_GENERATION : _GENERATION + 4] = bytes(4)
    if any(inode[_TIMES : _TIMES + 24]):
        inode[_TIMES : _TIMES + 24] = 3 * _XFS_TIME
        inode[_CREATED : _CREATED + 8] = _XFS_TIME
    inode[_INODE_CHECKSUM : _INODE_CHECKSUM + 4] = bytes(4)
    inode[_INODE_CHECKSUM : _INODE_CHECKSUM + 4] = struct.pack("<I", _crc32c(inode))


def _crc32c(content: bytes | bytearray) -> int:
    """Return the checksum with the Castagnoli polynomial, which zlib does not have."""
    value = 0xFFFFFFFF
    for byte in content:
        value ^= byte
        for _bit in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


def _nonzero_blocks(image: Path) -> bytes:
    """Return the blocks that are not zero, each after its number. Holes of the file are not read."""
    zero = bytes(_BLOCK)
    kept = []
    with image.open("rb") as file:
        size, place = image.stat().st_size, 0
        while (place := _next_data(file.fileno(), place, size)) < size:
            place -= place % _BLOCK
            file.seek(place)
            block = file.read(_BLOCK)
            if block != zero:
                kept.append((place // _BLOCK).to_bytes(4, "little") + block)
            place += _BLOCK
    return b"".join(kept)


def _next_data(descriptor: int, place: int, size: int) -> int:
    """Return where the next data is, at or behind the place, or the size."""
    try:
        return os.lseek(descriptor, place, os.SEEK_DATA)
    except OSError as error:
        if error.errno == errno.ENXIO:
            return size
        raise
