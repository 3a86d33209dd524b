# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read a kernel module's metadata: the ".modinfo" section of its ELF file."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from guest.build.errors import BuildError

_SECTION = b".modinfo"
# Of a 64-bit little-endian ELF file: where the section headers are, how large and many, and which one has the names.
_HEADER_OFFSET = 0x28
_HEADER_COUNTS = 0x3A
# Of a section header: name, type, flags, address, offset, size.
_SECTION_HEADER = struct.Struct("<IIQQQQ")


@dataclass(frozen=True)
class ModuleInfo:
    """The parts that matter for loading a module."""

    depends: tuple[str, ...]
    aliases: tuple[str, ...]


def read_modinfo(name: str, elf: bytes) -> ModuleInfo:
    """Parse the section of a module's file."""
    depends: tuple[str, ...] = ()
    aliases: list[str] = []
    for item in _section(name, elf).split(b"\0"):
        key, _equals, value = item.decode("latin-1").partition("=")
        if key == "depends" and value:
            depends = tuple(_canonical(word) for word in value.split(","))
        elif key == "alias":
            aliases.append(value)
    return ModuleInfo(depends, tuple(aliases))


def _canonical(module: str) -> str:
    return module.replace("-", "_")


def _section(name: str, elf: bytes) -> bytes:
    if elf[:6] != b"\x7fELF\x02\x01":
        raise BuildError(f"kernel module {name} is not a 64-bit ELF file")
    (table,) = struct.unpack_from("<Q", elf, _HEADER_OFFSET)
    size, count, names_index = struct.unpack_from("<HHH", elf, _HEADER_COUNTS)
    headers = [_SECTION_HEADER.unpack_from(elf, table + index * size) for index in range(count)]
    names_at = headers[names_index][4]
    for name_at, _type, _flags, _address, offset, length in headers:
        start = names_at + name_at
        if elf[start : start + len(_SECTION) + 1] == _SECTION + b"\0":
            return elf[offset : offset + length]
    raise BuildError(f"kernel module {name} has no {_SECTION.decode()} section")
