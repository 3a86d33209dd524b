# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stream-optimised VMDK: what an import lease takes. The same content gives the same bytes.

Grains are stored in zlib's format without being compressed: the file system in them is compressed already, and every
level of zlib above 0 costs a second for each 50 MB and gains nothing. The stored format is written here rather than by
zlib, whose versions cut it differently.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import IO

SECTOR = 512
GRAIN_BYTES = 1 << 16
_GRAIN_SECTORS = GRAIN_BYTES // SECTOR
_TABLE_ENTRIES = 512
_DATA_START = 128  # sectors; the header and the descriptor are before it
_DESCRIPTOR_SECTORS = 20

_VERSION = 3
_FLAGS = 0x00030001  # line ends are detectable, grains are compressed, there are markers
_AT_END = 0xFFFFFFFFFFFFFFFF
_MARK_END, _MARK_TABLE, _MARK_DIRECTORY, _MARK_FOOTER = 0, 1, 2, 3
_STORED_MAX = 0xFFFF
_ZERO_GRAIN = bytes(GRAIN_BYTES)

_DESCRIPTOR = """\
# Disk DescriptorFile
version=1
CID={cid:08x}
parentCID=ffffffff
createType="streamOptimized"

# Extent description
RW {sectors} SPARSE "disk.vmdk"

# The Disk Data Base
#DDB

ddb.adapterType = "lsilogic"
ddb.geometry.cylinders = "{cylinders}"
ddb.geometry.heads = "255"
ddb.geometry.sectors = "63"
ddb.virtualHWVersion = "14"
"""


@dataclass(frozen=True)
class Region:
    """Bytes of the disk at an offset, in order and not overlapping; what no region covers is zero."""

    offset: int
    source: IO[bytes]
    size: int


def write_vmdk(output: IO[bytes], capacity: int, regions: Iterable[Region]) -> int:
    """Write a disk of ``capacity`` bytes (whole grains) to a seekable file; returns the size of the VMDK."""
    output.seek(_DATA_START * SECTOR)
    position = _DATA_START
    table: list[int] = []
    checksum = 0
    for grain in _grains(capacity, regions):
        if grain == _ZERO_GRAIN:
            table.append(0)
            continue
        checksum = zlib.crc32(grain, checksum)
        table.append(position)
        stored = _store(grain)
        # The grain's first sector on the disk and its length, then the data, padded to a sector.
        record = struct.pack("<QI", (len(table) - 1) * _GRAIN_SECTORS, len(stored)) + stored
        record += bytes(-len(record) % SECTOR)
        output.write(record)
        position += len(record) // SECTOR
    checksum = zlib.crc32(struct.pack(f"<{len(table)}I", *table), checksum)
    directory: list[int] = []
    for first in range(0, len(table), _TABLE_ENTRIES):
        entries = table[first : first + _TABLE_ENTRIES]
        entries += [0] * (_TABLE_ENTRIES - len(entries))
        position = _write_metadata(output, position, _MARK_TABLE, entries)
        directory.append(position - _TABLE_ENTRIES * 4 // SECTOR)
    directory_sectors = -(-len(directory) * 4 // SECTOR)
    position = _write_metadata(output, position, _MARK_DIRECTORY, directory)
    output.write(_marker(1, _MARK_FOOTER) + _header(capacity, position - directory_sectors))
    output.write(_marker(0, _MARK_END))
    size = output.tell()
    output.seek(0)
    output.write(_header(capacity, _AT_END) + _descriptor(capacity, checksum))
    return size


def _grains(capacity: int, regions: Iterable[Region]) -> Iterable[bytes]:
    """The disk, grain by grain. A grain holds at most the end of one region and the start of the next."""
    waiting = [region for region in regions if region.size]
    for start in range(0, capacity, GRAIN_BYTES):
        end = start + GRAIN_BYTES
        if not waiting or waiting[0].offset >= end:
            yield _ZERO_GRAIN
            continue
        grain = bytearray()
        while waiting and waiting[0].offset < end:
            region = waiting[0]
            begin = max(region.offset, start)
            count = min(region.offset + region.size, end) - begin
            grain += bytes(begin - start - len(grain))
            data = region.source.read(count)
            if len(data) != count:
                raise EOFError(f"a part of the disk ended {count - len(data)} bytes early")
            grain += data
            if begin + count < region.offset + region.size:
                break
            waiting.pop(0)
        yield bytes(grain).ljust(GRAIN_BYTES, b"\0")


def _store(grain: bytes) -> bytes:
    """A zlib stream of stored blocks."""
    parts = [b"\x78\x01"]
    for start in range(0, len(grain), _STORED_MAX):
        block = grain[start : start + _STORED_MAX]
        last = start + _STORED_MAX >= len(grain)
        parts += struct.pack("<BHH", last, len(block), len(block) ^ 0xFFFF), block
    parts.append(struct.pack(">I", zlib.adler32(grain)))
    return b"".join(parts)


def _write_metadata(output: IO[bytes], position: int, kind: int, entries: list[int]) -> int:
    """A marker and the table after it; returns the sector behind them."""
    data = struct.pack(f"<{len(entries)}I", *entries)
    data += bytes(-len(data) % SECTOR)
    output.write(_marker(len(data) // SECTOR, kind) + data)
    return position + 1 + len(data) // SECTOR


def _marker(sectors: int, kind: int) -> bytes:
    return struct.pack("<QII", sectors, 0, kind).ljust(SECTOR, b"\0")


def _header(capacity: int, directory: int) -> bytes:
    return struct.pack(
        "<4sIIQQQQIQQQB4sH",
        b"KDMV",
        _VERSION,
        _FLAGS,
        capacity // SECTOR,
        _GRAIN_SECTORS,
        1,  # the descriptor follows the header
        _DESCRIPTOR_SECTORS,
        _TABLE_ENTRIES,
        0,  # no second copy of the directory
        directory,
        _DATA_START,
        0,  # shut down cleanly
        b"\n \r\n",  # shows whether a transfer has changed line ends
        1,  # deflate
    ).ljust(SECTOR, b"\0")


def _descriptor(capacity: int, checksum: int) -> bytes:
    sectors = capacity // SECTOR
    # All ones would mean "no content"; the content id changes with the content, and only with it.
    cid = checksum if checksum not in (0, 0xFFFFFFFF) else 1
    text = _DESCRIPTOR.format(cid=cid, sectors=sectors, cylinders=max(1, min(sectors // (255 * 63), 65535)))
    return text.encode().ljust(_DESCRIPTOR_SECTORS * SECTOR, b"\0")
