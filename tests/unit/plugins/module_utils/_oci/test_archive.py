# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test reading archives of all common formats (ustar, GNU, PAX, sparse files, unusual ends), and writing headers."""

from __future__ import annotations

import contextlib
import io
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.gantry.vsphere.plugins.module_utils._oci.archive import (
    DIRECTORY,
    LINK,
    REGULAR,
    SYMLINK,
    LayerError,
    TarEntry,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.tar_reader import ByteStream, TarReader
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.tar_writer import encode_header
from tests.support.builders.flattening import flatten
from tests.support.builders.oci import LayerArchive

LONG = "/".join(["component" * 4] * 20)


def entries(data: bytes, chunk: int = 1000) -> list[TarEntry]:
    return list(TarReader(ByteStream(data[start : start + chunk] for start in range(0, len(data), chunk))))


def gnu_tar(folder: Path, *options: str) -> bytes:
    return subprocess.run(["tar", "-C", folder, *options, "-cf", "-", "."], stdout=subprocess.PIPE, check=True).stdout


@pytest.mark.parametrize("tar_format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_format_gives_the_same_tree(tar_format: int) -> None:
    layer = LayerArchive(tar_format).folder("d", uid=1000).file("d/f", "content", mode=0o4711, mtime=77)
    layer.file("n" * 60 + "/" + "m" * 60, "in the prefix of ustar").symlink("s", "../t").device("null").link("l", "d/f")
    tree = flatten(layer)
    assert tree["d/f"].content == b"content"
    assert (tree["d/f"].mode, tree["d/f"].mtime, tree["d"].uid) == (0o4711, 77, 1000)
    assert tree["n" * 60 + "/" + "m" * 60].content == b"in the prefix of ustar"
    assert (tree["s"].target, tree["null"].device, tree["l"].inode) == ("../t", (1, 3), "d/f")


@pytest.mark.parametrize("tar_format", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_names_longer_than_a_header_survive(tar_format: int) -> None:
    layer = LayerArchive(tar_format).file(LONG, "x", uid=8**7, mtime=8**11).symlink("s", LONG).link(LONG + "2", LONG)
    tree = flatten(layer)
    assert (tree[LONG].content, tree[LONG].uid, tree[LONG].mtime) == (b"x", 8**7, (1 << 32) - 1)
    assert tree["s"].target == LONG
    assert tree[LONG + "2"].inode == LONG


@pytest.mark.parametrize(
    "options",
    [
        ("--format=gnu",),
        ("--format=posix", "--sparse-version=0.0"),
        ("--format=posix", "--sparse-version=0.1"),
        ("--format=posix", "--sparse-version=1.0"),
    ],
)
@pytest.mark.parametrize("pieces", [0, 1, 3, 40])
def test_sparse_files_get_their_holes_filled(tmp_path: Path, options: tuple[str, ...], pieces: int) -> None:
    size = 40 * 65536 + 1000
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(size)
        for piece in range(pieces):
            file.seek(piece * 65536 + 4096)
            file.write(bytes([piece + 1]) * 5000)
    (tmp_path / "after").write_bytes(b"not sparse")
    archive = gnu_tar(tmp_path, "-S", *options)
    assert len(archive) < size
    tree = flatten(archive)
    assert tree["sparse"].content == (tmp_path / "sparse").read_bytes()
    assert tree["after"].content == b"not sparse"


def test_old_archives_without_magic_are_read() -> None:
    header = bytearray(encode_header(b"old/", TarEntry(b"", REGULAR, mode=0o750), REGULAR, b""))
    header[156:157] = b"\0"  # a regular file, but the name ends with a slash
    header[257:512] = bytes(255)
    header[148:156] = b"        "
    header[148:156] = b"%06o\0 " % sum(header)
    (entry,) = entries(bytes(header))
    assert (entry.path, entry.kind, entry.mode) == (b"old", DIRECTORY, 0o750)


def test_defaults_for_all_entries_are_ignored_as_runtimes_do() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT, pax_headers={"uid": "77"}) as tar:
        tar.addfile(tarfile.TarInfo("a"))
    (entry,) = entries(buffer.getvalue())
    assert entry.uid == 0


@pytest.mark.parametrize("end", [0, 512, 1024, 10240])
def test_an_archive_may_end_with_any_marker_or_none(end: int) -> None:
    archive = LayerArchive().file("a", "x" * 512).data()[:1024] + bytes(end)
    assert [entry.path for entry in entries(archive)] == [b"a"]


def test_unread_content_is_skipped_whatever_the_chunks_are() -> None:
    archive = LayerArchive().file("a", "x" * 1300).file("b", "y" * 512).file("c").data()
    for chunk in (1, 100, 512, 5000, len(archive)):
        assert [entry.path for entry in entries(archive, chunk)] == [b"a", b"b", b"c"]


@pytest.mark.parametrize(
    ("raw", "clean"),
    [("./a", "a"), ("/a", "a"), ("a//b/", "a/b"), ("././a/./b/.", "a/b"), ("a.b/..c/d..", "a.b/..c/d..")],
)
def test_paths_are_normalized(raw: str, clean: str) -> None:
    assert [entry.path.decode() for entry in entries(LayerArchive().file(raw).data())] == [clean]


@pytest.mark.parametrize("cut", [100, 512, 700, 1024, 1500])
def test_a_truncated_archive_is_refused(cut: int) -> None:
    archive = LayerArchive(tarfile.GNU_FORMAT).file(LONG, "x" * 2000).data()
    whole = 512 + 1024 + 512 + 2048
    assert len(entries(archive[:whole])) == 1
    with pytest.raises(LayerError, match="ends in the middle"):
        entries(archive[: whole - cut])


@pytest.mark.parametrize("position", [0, 100, 124, 148, 156, 400])
def test_a_flipped_bit_in_a_header_is_refused(position: int) -> None:
    archive = bytearray(LayerArchive().file("a", "x").data())
    archive[position] ^= 1
    with pytest.raises(LayerError, match=r"checksum|number"):
        entries(bytes(archive))


names = st.binary(min_size=1, max_size=240).filter(lambda name: not set(name) & {0, 0x2F} and name not in (b".", b".."))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(names, min_size=1, max_size=8).map(b"/".join),
    st.sampled_from([REGULAR, SYMLINK, LINK, DIRECTORY]),
    st.binary(min_size=1, max_size=300).map(lambda link: link.replace(b"\0", b"0").replace(b".", b"x")),
    st.tuples(st.integers(0, 0o7777), st.integers(0, (1 << 32) - 2), st.integers(0, (1 << 32) - 1)),
    st.lists(st.tuples(st.binary(min_size=1, max_size=30), st.binary(max_size=300)), max_size=3),
)
def test_written_headers_read_back(
    path: bytes, kind: bytes, link: bytes, numbers: tuple[int, int, int], xattrs: list[tuple[bytes, bytes]]
) -> None:
    mode, owner, mtime = numbers
    named = {b"user." + key.replace(b"=", b"_").replace(b"\0", b"_"): value for key, value in xattrs}
    written = TarEntry(path, kind, mode=mode, uid=owner, gid=owner, mtime=mtime, xattrs=tuple(sorted(named.items())))
    target = link.strip(b"/") or b"x" if kind in (LINK, SYMLINK) else b""
    (read,) = entries(encode_header(path, written, kind, target))
    assert (read.path, read.kind, read.mode, read.uid, read.mtime) == (path, kind, mode, owner, mtime)
    if kind == SYMLINK:
        assert read.link == target
    if kind != LINK:
        assert read.xattrs == written.xattrs


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damaged_archives_are_refused_or_read_but_never_crash(data: st.DataObject) -> None:
    archive = bytearray(
        LayerArchive(tarfile.GNU_FORMAT).file("a", "x" * 600).symlink("s", "t").file(LONG).link("l", "a").data()[:6144]
    )
    for _flip in range(data.draw(st.integers(1, 4))):
        archive[data.draw(st.integers(0, len(archive) - 1))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        # With a correct checksum the damage gets past the header check.
        header = data.draw(st.sampled_from(range(0, len(archive), 512)))
        archive[header + 148 : header + 156] = b"        "
        archive[header + 148 : header + 156] = b"%06o\0 " % sum(archive[header : header + 512])
    with contextlib.suppress(LayerError):
        entries(bytes(archive))
