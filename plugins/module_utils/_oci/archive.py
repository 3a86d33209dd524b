# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tar archives as layers use them: entries, their paths, and the checksum of headers.

Names are bytes throughout; Linux does not require UTF-8 and neither do archives.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable

BLOCK = 512
ZEROS = bytes(1 << 16)
CHECKSUM_BLANK = b" " * 8
XATTR_PREFIX = b"SCHILY.xattr."

REGULAR, LINK, SYMLINK, CHARACTER, BLOCK_DEVICE, DIRECTORY, FIFO = b"0", b"1", b"2", b"3", b"4", b"5", b"6"
DEVICES = (CHARACTER, BLOCK_DEVICE, FIFO)

PATH_BYTES = 4095
NAME_BYTES = 255

# A component that is empty, "." or "..".
_UNCLEAN = re.compile(rb"(?:\A|/)\.{0,2}(?:/|\Z)")
_SUM_MODULUS = 65521

Write = Callable[["bytes | memoryview"], object]


class LayerError(Exception):
    """A defect of a layer, as a sentence; the caller adds the layer and the image."""

    def __init__(self, reason: str, cause: str = "layer_refused") -> None:
        super().__init__(reason)
        self.reason = reason
        self.cause = cause


class TarEntry:
    """One file of an archive, without its content."""

    __slots__ = (
        "device",
        "gid",
        "kind",
        "link",
        "mode",
        "mtime",
        "path",
        "segments",
        "size",
        "uid",
        "xattrs",
    )

    def __init__(
        self,
        path: bytes,
        kind: bytes,
        *,
        mode: int = 0o755,
        uid: int = 0,
        gid: int = 0,
        mtime: int = 0,
        size: int = 0,
        link: bytes = b"",
        device: tuple[int, int] = (0, 0),
        xattrs: tuple[tuple[bytes, bytes], ...] = (),
        segments: list[tuple[int, int]] | None = None,
    ) -> None:
        self.path = path
        self.kind = kind
        self.mode = mode
        self.uid = uid
        self.gid = gid
        self.mtime = mtime
        self.size = size
        self.link = link
        self.device = device
        self.xattrs = xattrs
        self.segments = segments
        """The positions of the stored data of a sparse file, as (offset, length)."""

    def metadata_bytes(self) -> int:
        """Return the approximate memory that this entry needs, beyond a constant."""
        cost = len(self.path) + len(self.link)
        if self.xattrs:
            cost += sum(len(key) + len(value) for key, value in self.xattrs)
        return cost + 16 * len(self.segments) if self.segments else cost


def clean_path(raw: bytes) -> bytes:
    """Return a path relative to the image's root without ``.`` and empty parts; the root itself is empty."""
    path = raw
    if _UNCLEAN.search(path):
        parts = [part for part in path.split(b"/") if part not in (b"", b".")]
        if b".." in parts:
            raise LayerError(f"{show(raw)} points outside the archive.")
        path = b"/".join(parts)
    if b"\0" in path or len(path) > PATH_BYTES:
        raise LayerError(f"The path {show(raw)} is too long or has a zero byte.")
    if len(path) > NAME_BYTES and any(len(part) > NAME_BYTES for part in path.split(b"/")):
        raise LayerError(f"A name in the path {show(raw)} is longer than {NAME_BYTES} bytes.")
    return path


def show(path: bytes) -> str:
    """Return a path for a message: of limited length, without control characters."""
    text = path.decode("utf-8", "backslashreplace") or "/"
    text = "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)
    return f"'{text if len(text) <= 200 else text[:200] + '...'}'"


def has_checksum(header: bytes) -> bool:
    """Return whether this block is the header of a file: its checksum is correct."""
    digits = header[148:156].strip(b" \0")
    if not digits or digits.strip(b"01234567"):
        return False
    blank = header[:148] + CHECKSUM_BLANK + header[156:]
    return (header_sum(blank) - int(digits, 8)) % _SUM_MODULUS == 0


def header_sum(header: bytes) -> int:
    """Return the sum of the bytes modulo _SUM_MODULUS, which is larger than the sum of any header written here.

    It is computed by zlib's Adler-32, which is ten times as fast as sum(): each file's header is summed twice.
    """
    return (zlib.adler32(header) & 0xFFFF) - 1


def drop(_data: bytes | memoryview) -> None:
    """Discard content."""


def write_zeros(count: int, write: Write) -> None:
    """Write zero bytes."""
    while count > 0:
        step = min(count, len(ZEROS))
        write(memoryview(ZEROS)[:step])
        count -= step
