# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write an initial file system ("newc" cpio), device nodes included, without being root."""

from __future__ import annotations

import stat
from dataclasses import dataclass, field

_TRAILER = "TRAILER!!!"
_ALIGNMENT = 4


@dataclass(frozen=True)
class _Entry:
    name: str
    mode: int
    content: bytes = b""
    device: tuple[int, int] = (0, 0)


@dataclass
class Archive:
    """Entries in the order in which they were added; everything belongs to root and has no date."""

    _entries: list[_Entry] = field(default_factory=list)

    def directory(self, name: str, mode: int = 0o755) -> None:
        self._entries.append(_Entry(name, stat.S_IFDIR | mode))

    def file(self, name: str, content: bytes, mode: int = 0o644) -> None:
        self._entries.append(_Entry(name, stat.S_IFREG | mode, content))

    def character_device(self, name: str, major: int, minor: int, mode: int = 0o600) -> None:
        self._entries.append(_Entry(name, stat.S_IFCHR | mode, device=(major, minor)))

    def to_bytes(self) -> bytes:
        entries = [*self._entries, _Entry(_TRAILER, 0)]
        return b"".join(_encode(number, entry) for number, entry in enumerate(entries, start=1))


def _encode(number: int, entry: _Entry) -> bytes:
    name = entry.name.encode() + b"\0"
    links = 2 if stat.S_ISDIR(entry.mode) else 1
    fields = (
        number,
        entry.mode,
        0,  # uid
        0,  # gid
        links,
        0,  # mtime
        len(entry.content),
        0,  # device of the archive's file system
        0,
        *entry.device,
        len(name),
        0,  # checksum, not used in this format
    )
    header = b"070701" + b"".join(b"%08X" % value for value in fields)
    return _padded(header + name) + _padded(entry.content)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % _ALIGNMENT)
