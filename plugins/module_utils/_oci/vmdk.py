# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write stream-optimized VMDKs for import leases. The same content gives the same bytes.

Grains are stored in zlib's format without compression: the file system in them is already compressed, and every level
of zlib above 0 takes a second for each 50 MB and saves nothing. The stored format is written here and not by zlib,
because its versions split it into blocks differently.
"""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO

SECTOR = 512
GRAIN_BYTES = 1 << 16
_GRAIN_SECTORS = GRAIN_BYTES // SECTOR
_TABLE_ENTRIES = 512
_DATA_START = 128  # sectors; the header and the descriptor are before it
_DESCRIPTOR_SECTORS = 20

_VERSION = 3
_FLAGS = 0x00030001  # newline detection is valid, grains are compressed, there are markers
_AT_END = 0xFFFFFFFFFFFFFFFF
_MARK_END, _MARK_TABLE, _MARK_DIRECTORY, _MARK_FOOTER = 0, 1, 2, 3
# A grain as zlib's stored blocks of at most 65535 bytes: all of it except one byte, and that byte.
_STORED_MAX = 0xFFFF
_STORED_HEAD = b"\x78\x01" + struct.pack("<BHH", 0, _STORED_MAX, 0)
_STORED_MIDDLE = struct.pack("<BHH", 1, GRAIN_BYTES - _STORED_MAX, 0xFFFF - (GRAIN_BYTES - _STORED_MAX))
_STORED_BYTES = len(_STORED_HEAD) + len(_STORED_MIDDLE) + GRAIN_BYTES + 4
_RECORD_SECTORS = -(-(12 + _STORED_BYTES) // SECTOR)
_RECORD_PADDING = bytes(_RECORD_SECTORS * SECTOR - 12 - _STORED_BYTES)
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
    """A part of the disk's content. Regions are sorted and do not overlap; the rest of the disk is zero."""

    offset: int
    source: IO[bytes]
    size: int


def write_vmdk(output: io.FileIO, capacity: int, regions: Iterable[Region]) -> int:
    """Write a disk of ``capacity`` bytes (whole grains) to a seekable file; return the size of the VMDK."""
    output.seek(_DATA_START * SECTOR)
    position = _DATA_START
    table: list[int] = []
    checksum = 0
    for grain in _grains(capacity, regions):
        if grain == _ZERO_GRAIN:
            table.append(0)
            continue
        adler = struct.pack(">I", zlib.adler32(grain))
        # The grain's first sector on the disk and the length of its zlib stream, then that.
        head = struct.pack("<QI", len(table) * _GRAIN_SECTORS, _STORED_BYTES) + _STORED_HEAD
        _write_record(output, (head, grain[:_STORED_MAX], _STORED_MIDDLE, grain[_STORED_MAX:], adler, _RECORD_PADDING))
        checksum = zlib.crc32(struct.pack("<I", len(table)) + adler, checksum)
        table.append(position)
        position += _RECORD_SECTORS
    directory: list[int] = []
    for first in range(0, len(table), _TABLE_ENTRIES):
        entries = table[first : first + _TABLE_ENTRIES]
        entries += [0] * (_TABLE_ENTRIES - len(entries))
        position = _write_metadata(output, position, _MARK_TABLE, entries)
        directory.append(position - _TABLE_ENTRIES * 4 // SECTOR)
    directory_sectors = -(-len(directory) * 4 // SECTOR)
    position = _write_metadata(output, position, _MARK_DIRECTORY, directory)
    _write(output, _marker(1, _MARK_FOOTER) + _header(capacity, position - directory_sectors))
    _write(output, _marker(0, _MARK_END))
    size = output.tell()
    output.seek(0)
    _write(output, _header(capacity, _AT_END) + _descriptor(capacity, checksum))
    return size


def _grains(capacity: int, regions: Iterable[Region]) -> Iterator[memoryview]:
    """Yield the disk grain by grain, in a buffer that is reused. A grain can contain parts of several regions."""
    waiting = [region for region in regions if region.size]
    buffer = bytearray(GRAIN_BYTES)
    view = memoryview(buffer)
    for start in range(0, capacity, GRAIN_BYTES):
        end, filled = start + GRAIN_BYTES, 0
        while waiting and waiting[0].offset < end:
            region = waiting[0]
            begin = max(region.offset, start) - start
            stop = min(region.offset + region.size, end) - start
            view[filled:begin] = bytes(begin - filled)
            _read_all(region.source, view[begin:stop])
            filled = stop
            if start + stop < region.offset + region.size:
                break
            waiting.pop(0)
        view[filled:] = bytes(GRAIN_BYTES - filled)
        yield view


def _read_all(source: IO[bytes], target: memoryview) -> None:
    data = source.read(len(target))
    if len(data) != len(target):
        raise EOFError(f"A part of the disk ended {len(target) - len(data)} bytes early.")
    target[:] = data


def _write_record(output: io.FileIO, parts: Sequence[bytes | memoryview]) -> None:
    """Write the record of a grain without copying its parts."""
    written = os.writev(output.fileno(), parts)
    if written < _RECORD_SECTORS * SECTOR:  # for example when the disk is almost full
        _write(output, b"".join(parts)[written:])


def _write(output: io.FileIO, data: bytes) -> None:
    """Write all of the data; a raw file may write less in one call."""
    view = memoryview(data)
    while view:
        view = view[output.write(view) :]


def _write_metadata(output: io.FileIO, position: int, kind: int, entries: list[int]) -> int:
    """Write a marker and the table after it; return the next sector."""
    data = struct.pack(f"<{len(entries)}I", *entries)
    data += bytes(-len(data) % SECTOR)
    _write(output, _marker(len(data) // SECTOR, kind) + data)
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
        0,  # cleanly closed
        b"\n \r\n",  # reveals transfers that change line ends
        1,  # deflate
    ).ljust(SECTOR, b"\0")


def _descriptor(capacity: int, checksum: int) -> bytes:
    sectors = capacity // SECTOR
    # All ones would mean "no content". The content id changes only with the content.
    cid = checksum if checksum not in (0, 0xFFFFFFFF) else 1
    text = _DESCRIPTOR.format(cid=cid, sectors=sectors, cylinders=max(1, min(sectors // (255 * 63), 65535)))
    return text.encode().ljust(_DESCRIPTOR_SECTORS * SECTOR, b"\0")
