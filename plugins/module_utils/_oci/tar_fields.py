# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fields of tar headers: numbers, PAX records and the maps of sparse files. Pure."""

from __future__ import annotations

import functools

from ansible_collections.gantry.vsphere.plugins.module_utils._oci.archive import (
    NAME_BYTES,
    XATTR_PREFIX,
    LayerError,
)

EXTENSION_BYTES = 1 << 20
_XATTR_BYTES = 1 << 16


def text_field(field: bytes) -> bytes:
    """Return a text field up to its first NUL."""
    return field.partition(b"\0")[0]


def parse_number(field: bytes) -> int:
    """Return a numeric field: octal digits, or base 256 when the first bit is set."""
    if field[:-1].isdigit():  # the usual case
        return _octal(field[:-1])
    first = field[0]
    if first & 0x80:
        value = int.from_bytes(field, "big")
        bits = 8 * len(field)
        return value - (1 << bits) if first & 0x40 else value - (1 << (bits - 1))
    text = field.partition(b"\0")[0].strip()
    return _octal(text) if text else 0


parse_id = functools.lru_cache(maxsize=1024)(parse_number)
"""For fields that repeat."""


def _octal(text: bytes) -> int:
    # int() alone would take signs and underscores.
    if text.isdigit():
        try:
            return int(text, 8)
        except ValueError:
            pass  # an 8 or a 9
    raise LayerError("A header has a field that is not a number.", "layer_damaged")


def parse_digits(text: bytes) -> int:
    """Return a decimal number."""
    if not text.isdigit() or len(text) > 20:
        raise LayerError("A header has a field that is not a number.", "layer_damaged")
    return int(text)


def decimal_field(pax: dict[bytes, bytes], key: bytes, default: int) -> int:
    """Return a number from a PAX record, or the default where there is no such record."""
    text = pax.get(key)
    return default if text is None else parse_digits(text)


def seconds_field(pax: dict[bytes, bytes], default: int) -> int:
    """Return the modification time of a PAX record in whole seconds, or the default; times before 1970 are 0."""
    text = pax.get(b"mtime")
    if text is None:
        return default
    if text.startswith(b"-"):
        return 0
    return parse_digits(text.partition(b".")[0])


def parse_pax(data: bytes) -> tuple[dict[bytes, bytes], list[bytes]]:
    """Return the records, and the values of those records of sparse files that repeat."""
    records: dict[bytes, bytes] = {}
    pairs: list[bytes] = []
    position = 0
    while position < len(data):
        space = data.find(b" ", position, position + 8)
        if space < 0:
            raise LayerError("A header has a damaged record.", "layer_damaged")
        end = position + parse_digits(data[position:space])
        key, equals, value = data[space + 1 : end - 1].partition(b"=")
        if not equals or not key or end > len(data) or data[end - 1 : end] != b"\n":
            raise LayerError("A header has a damaged record.", "layer_damaged")
        if key in (b"GNU.sparse.offset", b"GNU.sparse.numbytes"):
            pairs.append(value)
        elif value or key.startswith(XATTR_PREFIX):
            records[key] = value
        else:
            records.pop(key, None)  # an empty value cancels an earlier one
        position = end
    return records, pairs


def pax_xattrs(pax: dict[bytes, bytes]) -> tuple[tuple[bytes, bytes], ...]:
    """Return the extended attributes that apply to a container, sorted by name.

    Attributes of the host's security modules and of overlay file systems do not: they would take effect in the guest.
    """
    found = []
    for key, value in pax.items():
        if key.startswith(XATTR_PREFIX):
            name = key[len(XATTR_PREFIX) :]
            if name == b"security.capability" or (name.startswith(b"user.") and not name.startswith(b"user.overlay.")):
                if len(name) > NAME_BYTES or len(value) > _XATTR_BYTES or b"\0" in name:
                    raise LayerError("An extended attribute is larger than Linux allows.")
                found.append((name, value))
    return tuple(sorted(found))


def pairs_of(numbers: list[int]) -> list[tuple[int, int]]:
    """Return the map of a sparse file: (offset, length) pairs."""
    if len(numbers) % 2:
        raise LayerError("The map of a sparse file is damaged.", "layer_damaged")
    return list(zip(numbers[::2], numbers[1::2], strict=True))
