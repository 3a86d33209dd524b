# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The initial file system is a "newc" archive: read back here as the kernel reads it."""

from __future__ import annotations

import stat
from collections.abc import Iterator

from guest.build.cpio import Archive


def _read(data: bytes) -> Iterator[tuple[str, list[int], bytes]]:
    at = 0
    while True:
        assert data[at : at + 6] == b"070701"
        fields = [int(data[at + 6 + 8 * index : at + 14 + 8 * index], 16) for index in range(13)]
        size, name_size = fields[6], fields[11]
        name = data[at + 110 : at + 110 + name_size - 1].decode()
        at += (110 + name_size + 3) // 4 * 4
        content = data[at : at + size]
        at += (size + 3) // 4 * 4
        if name == "TRAILER!!!":
            assert at == len(data)
            return
        yield name, fields, content


def test_entries_are_read_back_in_order() -> None:
    archive = Archive()
    archive.directory("dev")
    archive.character_device("dev/console", 5, 1)
    for length in range(5):
        archive.file(f"file{length}", b"x" * length, mode=0o755)
    entries = list(_read(archive.to_bytes()))
    assert [name for name, _fields, _content in entries] == ["dev", "dev/console", *(f"file{n}" for n in range(5))]
    assert [content for _name, _fields, content in entries[2:]] == [b"x" * n for n in range(5)]


def test_all_entries_belong_to_root_and_have_no_date() -> None:
    archive = Archive()
    archive.directory("dev")
    archive.file("init", b"#!", mode=0o755)
    archive.character_device("console", 5, 1)
    modes = []
    inodes = set()
    for _name, fields, _content in _read(archive.to_bytes()):
        inode, mode, uid, gid, _links, date, _size, _major, _minor, device_major, device_minor, _length, _sum = fields
        assert (uid, gid, date) == (0, 0, 0)
        modes.append((mode, device_major, device_minor))
        inodes.add(inode)
    assert modes == [(stat.S_IFDIR | 0o755, 0, 0), (stat.S_IFREG | 0o755, 0, 0), (stat.S_IFCHR | 0o600, 5, 1)]
    assert len(inodes) == 3
