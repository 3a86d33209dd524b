# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the beginning of a disk from a stream-optimized VMDK, without the rest of the stream. Pure.

The stream has a header, a descriptor, and then the grains of the disk that are not zero, in their order and compressed.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError

SECTOR = 512
_MAGIC = b"KDMV"
_COMPRESSED_WITH_MARKERS = 0x30000
# Magic, version, flags, capacity, grain size, place and size of the descriptor, entries of a table, two places of
# directories, and the sectors before the first grain.
_HEADER = struct.Struct("<4sIIQQQQIQQQ")
# The first sector of the grain and the size of its data; without data it marks a table or the end.
_MARKER = struct.Struct("<QI")
# The grains of disks have 64 KiB, and data that cannot be compressed becomes a little longer.
_MOST_OVERHEAD = 2048  # sectors
_MOST_GRAIN = 1 << 20


def read_beginning(read: Callable[[int], bytes], size: int) -> bytes:
    """Return the first bytes of the disk, at most its first grain. ``read`` returns the next bytes of the stream."""
    header = _exactly(read, SECTOR)
    magic, _version, flags, _capacity, grain, *_places, overhead = _HEADER.unpack_from(header)
    if magic != _MAGIC or flags & _COMPRESSED_WITH_MARKERS != _COMPRESSED_WITH_MARKERS:
        raise GantryError("The disk is not sent as a stream-optimized VMDK.")
    if not 1 <= overhead <= _MOST_OVERHEAD or not size <= grain * SECTOR <= _MOST_GRAIN:
        raise _damaged()
    _exactly(read, (overhead - 1) * SECTOR)
    sector, length = _MARKER.unpack(_exactly(read, _MARKER.size))
    if sector != 0 or length == 0:
        return bytes(size)  # the first grain is zero
    if length > 2 * _MOST_GRAIN:
        raise _damaged()
    try:
        content = zlib.decompressobj().decompress(_exactly(read, length), size)
    except zlib.error as error:
        raise _damaged() from error
    return content.ljust(size, b"\0")


def _exactly(read: Callable[[int], bytes], size: int) -> bytes:
    content = read(size)
    if len(content) != size:
        raise GantryError("The disk was not sent completely: the stream ended early. Run again.")
    return content


def _damaged() -> GantryError:
    return GantryError("The disk is sent as a damaged VMDK: its header or its first grain cannot be read.")
