# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the headers of the flat archive: ustar, with a PAX header for values that do not fit."""

from __future__ import annotations

from ansible_collections.gantry.vsphere.plugins.module_utils._oci.archive import (
    BLOCK,
    CHECKSUM_BLANK,
    LINK,
    REGULAR,
    XATTR_PREFIX,
    TarEntry,
    header_sum,
)

_OCTAL_7 = 8**7 - 1
_OCTAL_11 = 8**11 - 1
_USTAR = b"ustar\x0000" + bytes(64)
_USTAR_REST = bytes(167)


def encode_header(path: bytes, entry: TarEntry, kind: bytes, link: bytes) -> bytes:
    """Return the header of an entry under a path, after a PAX header for values that do not fit into ustar."""
    size = entry.size if kind == REGULAR else 0
    records = [(XATTR_PREFIX + key, value) for key, value in entry.xattrs] if kind != LINK else []
    if len(path) > 100:
        records.append((b"path", path))
    if len(link) > 100:
        records.append((b"linkpath", link))
    if entry.uid > _OCTAL_7:
        records.append((b"uid", b"%d" % entry.uid))
    if entry.gid > _OCTAL_7:
        records.append((b"gid", b"%d" % entry.gid))
    if size > _OCTAL_11:
        records.append((b"size", b"%d" % size))
    numbers = (entry.mode, entry.uid & _OCTAL_7, entry.gid & _OCTAL_7, size & _OCTAL_11, entry.mtime)
    header = _ustar(path[:100], numbers, kind, link[:100], entry.device)
    if not records:
        return header
    body = b"".join(_pax_record(key, value) for key, value in records)
    extension = _ustar(b"pax", (0o644, 0, 0, len(body), 0), b"x", b"", (0, 0))
    return extension + body + bytes(-len(body) % BLOCK) + header


def _ustar(name: bytes, numbers: tuple[int, ...], kind: bytes, link: bytes, device: tuple[int, int]) -> bytes:
    before = name.ljust(100, b"\0") + b"%07o\0%07o\0%07o\0%011o\0%011o\0" % numbers
    after = kind + link.ljust(100, b"\0") + _USTAR + b"%07o\0%07o\0" % device + _USTAR_REST
    return before + b"%06o\0 " % header_sum(before + CHECKSUM_BLANK + after) + after


def _pax_record(key: bytes, value: bytes) -> bytes:
    rest = len(key) + len(value) + 3
    length = rest + len(str(rest))
    if len(str(length)) > len(str(rest)):
        length += 1
    return b"%d %s=%s\n" % (length, key, value)
