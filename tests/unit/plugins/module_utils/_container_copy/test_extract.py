# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test what of an archive from an untrusted container is refused, and that nothing is written outside."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container_copy import extract as extract_module
from ansible_collections.gantry.vsphere.plugins.module_utils._container_copy.apply_archive import Packed, archive_of
from ansible_collections.gantry.vsphere.plugins.module_utils._container_copy.extract import extract
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.archive import (
    BLOCK_DEVICE,
    CHARACTER,
    DIRECTORY,
    FIFO,
    LINK,
    REGULAR,
    SYMLINK,
    TarEntry,
)

ROOT = Packed(TarEntry(b"", DIRECTORY))
SUB = Packed(TarEntry(b"sub", DIRECTORY))


def file(path: bytes, content: bytes = b"x", mode: int = 0o644) -> Packed:
    return Packed(TarEntry(path, REGULAR, mode=mode, size=len(content)), content)


def link(path: bytes, target: bytes, kind: bytes = SYMLINK) -> Packed:
    return Packed(TarEntry(path, kind, link=target))


def archive(*files: Packed) -> Iterator[bytes]:
    return iter(archive_of(files).blocks)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    inside = tmp_path / "staging"
    inside.mkdir()
    return inside


def test_files_directories_and_links_are_extracted(directory: Path) -> None:
    files = [ROOT, SUB, file(b"sub/a", b"a" * 1000, 0o6755), link(b"sub/b", b"../sub/a"), file(b"empty", b"")]
    upload = archive_of(files)
    blocks = list(upload.blocks)
    assert sum(map(len, blocks)) == upload.size
    assert [entry.path for entry in extract(iter(blocks), directory, 1000)] == [
        b"",
        b"sub",
        b"sub/a",
        b"sub/b",
        b"empty",
    ]
    assert (directory / "sub" / "b").read_bytes() == b"a" * 1000
    assert (directory / "empty").read_bytes() == b""
    # The bits of setuid and setgid are not kept.
    assert stat.S_IMODE((directory / "sub" / "a").stat().st_mode) == 0o755


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ([file(b"../outside")], "points outside"),
        ([ROOT, file(b"sub/../../outside")], "points outside"),
        ([ROOT, SUB, link(b"sub/l", b"/etc")], "may be outside"),
        ([ROOT, SUB, link(b"sub/l", b"../..")], "may be outside"),
        ([ROOT, link(b"l", b"..")], "may be outside"),
        ([ROOT, SUB, link(b"sub/up", b".."), link(b"l", b"sub/up/..")], "may be outside"),
        ([ROOT, link(b"l", b"sub"), file(b"l/x")], "is not in a directory of the archive"),
        ([ROOT, file(b"nowhere/x")], "is not in a directory of the archive"),
        ([ROOT, link(b"hard", b"x", LINK)], "is a device, a FIFO or a hard link"),
        ([ROOT, Packed(TarEntry(b"d", CHARACTER, device=(1, 3)))], "is a device"),
        ([ROOT, Packed(TarEntry(b"d", BLOCK_DEVICE, device=(8, 0)))], "is a device"),
        ([ROOT, Packed(TarEntry(b"d", FIFO))], "is a device, a FIFO"),
        ([ROOT, file(b"twice"), file(b"twice")], "is in it twice"),
        ([ROOT, file(b"a", b"x" * 600), file(b"b", b"x" * 600)], "more than the 1000 bytes of max_size"),
        ([file(b"")], "not a directory|has no name"),
        ([ROOT, file(b"a" * 300)], "is longer than 255 bytes"),
    ],
)
def test_a_hostile_archive_is_refused(directory: Path, files: list[Packed], reason: str) -> None:
    with pytest.raises(GantryError, match=f"archive that the container has sent is refused: .*({reason})"):
        extract(archive(*files), directory, 1000)
    assert [path.name for path in directory.parent.iterdir()] == ["staging"]


def test_an_absolute_path_is_below_the_directory(directory: Path) -> None:
    extract(archive(file(b"/absolute")), directory, 1000)
    assert (directory / "absolute").read_bytes() == b"x"


def test_a_sparse_file_that_expands_is_refused(directory: Path) -> None:
    header = bytearray(next(archive(file(b"bomb", b""))))
    header[156:157] = b"S"
    header[257:265] = b"ustar  \0"
    header[483:495] = b"%011o\0" % (1 << 32)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    with pytest.raises(GantryError, match="is a sparse file"):
        extract(iter([bytes(header), bytes(1024)]), directory, 1000)


def test_too_many_files_are_refused(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extract_module, "MAX_ENTRIES", 2)
    with pytest.raises(GantryError, match="more than 2 files"):
        extract(archive(ROOT, file(b"a"), file(b"b")), directory, 1000)


@pytest.mark.parametrize("kept", [100, 512, 600, 1024 + 200])
def test_a_truncated_archive_is_refused(directory: Path, kept: int) -> None:
    whole = b"".join(archive(file(b"a", b"a" * 700), file(b"b")))
    with pytest.raises(GantryError, match="ends in the middle"):
        extract(iter([whole[:kept]]), directory, 1000)


def test_what_is_no_archive_is_refused(directory: Path) -> None:
    with pytest.raises(GantryError, match="not a tar archive"):
        extract(iter([b"no archive" * 200]), directory, 1000)


def test_a_file_that_grows_while_it_is_sent_fails(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"12345")
    for size in (4, 6):
        with pytest.raises(GantryError, match="has changed its size"):
            list(archive_of([Packed(TarEntry(b"f", REGULAR, size=size), source)]).blocks)
