# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test malicious layers: each is refused with a clear error, or has the same result as in container runtimes."""

from __future__ import annotations

import gzip
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.archive import TarEntry
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.cache import Cache
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.pull_options import Limits, PullOptions
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.tar_writer import encode_header
from tests.support.builders.flattening import describe_layers, flatten, flatten_stored, store_blobs
from tests.support.builders.oci import BuiltLayer, Compression, LayerArchive, build_layer, digest_of


def limited(**limits: int) -> PullOptions:
    return PullOptions(limits=Limits(**limits))


REFUSED: dict[str, tuple[LayerArchive | bytes, str]] = {
    "leads out": (LayerArchive().file("../etc/passwd"), r"'\.\./etc/passwd' points outside the archive"),
    "leads out on the way": (LayerArchive().file("a/../../b"), "points outside the archive"),
    "hard link out": (
        LayerArchive().link("a", "../../etc/shadow"),
        r"'\.\./\.\./etc/shadow' points outside the archive",
    ),
    "hard link to the host": (LayerArchive().link("a", "/etc/shadow"), "does not precede it in its layer"),
    "hard link to nothing": (LayerArchive().link("a", "b").file("b"), "'a' is to 'b', which does not precede it"),
    "hard link to a directory": (LayerArchive().folder("d").link("a", "d"), "to the directory 'd'"),
    "hard link to the root": (LayerArchive().folder("./").link("a", "/"), "to the directory '/'"),
    "file below a file": (LayerArchive().file("a").file("a/b"), "'a' is used as a directory but is not one"),
    "file below a device": (LayerArchive().device("a").file("a/b"), "'a' is used as a directory but is not one"),
    "symbolic link loop": (LayerArchive().symlink("a", "b").symlink("b", "a").file("a/c"), "is used as a directory"),
    "symbolic link to itself": (LayerArchive().symlink("a", "a/a").file("a/c"), "is used as a directory"),
    "symbolic link to nothing": (LayerArchive().symlink("a", ""), "target of the symbolic link 'a' is empty"),
    "long target": (LayerArchive().symlink("a", "x" * 4096), "target of the symbolic link 'a' is empty, too long"),
    "long name": (LayerArchive().file("n" * 256), "longer than 255 bytes"),
    "long path": (LayerArchive().file("/".join(["n" * 200] * 21)), "is too long"),
    "filled directory replaced": (LayerArchive().file("d/x").file("d"), "fills the directory 'd' and then replaces it"),
    "root replaced": (LayerArchive().symlink("./", "/etc"), "The root of the layer is not a directory"),
    "whiteout of the parent": (LayerArchive().file("d/.wh..."), "a whiteout without a name"),
    "whiteout of itself": (LayerArchive().file("d/.wh.."), "a whiteout without a name"),
    "whiteout of nothing": (LayerArchive().file("d/.wh."), "a whiteout without a name"),
    "file below a whiteout": (LayerArchive().file(".wh.d/x"), "is below a whiteout"),
    "device numbers": (LayerArchive().device("d", numbers=(4096, 0)), "impossible numbers"),
    "owner": (LayerArchive().file("a", uid=1 << 33), "impossible owner"),
    "unknown type": (LayerArchive().add("a", b"V"), "'a' is of the unknown type b'V'"),
    "large header": (LayerArchive().file("a", xattrs={"user.x": b"v" * (1 << 20)}), "larger than 1048576 bytes"),
    "large attribute": (LayerArchive().file("a", xattrs={"user.x": b"v" * 65537}), "larger than Linux allows"),
    "not an archive": (b"#!/bin/sh\n" * 100, "not a tar archive"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    layer, message = REFUSED[name]
    data = layer if isinstance(layer, bytes) else layer.data()
    with pytest.raises(GantryError, match=message) as refusal:
        flatten(LayerArchive().file("fine"), data)
    assert "because of layer 2 of 2 (sha256:" in refusal.value.message
    assert refusal.value.details["layer"] == digest_of(data)
    assert refusal.value.details["image"] == "example/test:1"


@pytest.mark.parametrize("value", ["a\0b", "etc/pass\0wd"])
def test_a_zero_byte_in_a_name_is_refused(value: str) -> None:
    header = encode_header(("x" * 101).encode(), TarEntry(b"", b"0"), b"0", b"")
    layer = header.replace(b"path=" + b"x" * len(value), b"path=" + value.encode())
    with pytest.raises(GantryError, match="has a zero byte"):
        flatten(layer)


def test_absolute_paths_stay_in_the_image() -> None:
    assert set(flatten(LayerArchive().file("/etc/passwd").file("//tmp/x"))) == {"etc", "etc/passwd", "tmp", "tmp/x"}


def test_absolute_hard_links_stay_in_the_image() -> None:
    tree = flatten(LayerArchive().file("etc/shadow", "ours").link("a", "/etc/shadow"))
    assert tree["a"].content == b"ours"


def test_an_absolute_symbolic_link_as_a_parent_stays_in_the_image(tmp_path: Path) -> None:
    tree = flatten(LayerArchive().symlink("out", str(tmp_path)).file("out/x", "inside"))
    assert tree[f"{str(tmp_path)[1:]}/x"].content == b"inside"
    assert not list(tmp_path.iterdir())


def test_a_name_in_a_message_cannot_control_the_terminal() -> None:
    with pytest.raises(GantryError) as refusal:
        flatten(LayerArchive().file("../\x1b[31mred\u202e"))
    assert refusal.value.message.isprintable()


def test_device_floods_are_refused() -> None:
    layer = LayerArchive()
    for number in range(5):
        layer.device(f"dev/{number}")
    with pytest.raises(GantryError, match="more than 4 devices"):
        flatten(layer, options=limited(devices=4))


def test_entry_floods_are_refused() -> None:
    layer = LayerArchive()
    for number in range(10):
        layer.file(f"a{number}")
    with pytest.raises(GantryError, match="more than 9 entries"):
        flatten(layer, options=limited(entries=9))


def test_a_deep_path_counts_each_directory() -> None:
    with pytest.raises(GantryError, match="more than 1000 entries"):
        flatten(LayerArchive().file("d/" * 1500 + "f"), options=limited(entries=1000))


def test_a_path_as_deep_as_linux_allows_is_read() -> None:
    assert len(flatten(LayerArchive().file("d/" * 2000 + "f"), LayerArchive().file("d/" * 2000 + "g"))) == 2002


def test_floods_of_names_are_refused() -> None:
    layer = LayerArchive()
    for number in range(50):
        layer.file(f"a{number}", xattrs={"user.x": b"v" * 1000})
    with pytest.raises(GantryError, match="more than 40000 bytes of names"):
        flatten(layer, options=limited(metadata_bytes=40000))


def test_owner_floods_are_refused() -> None:
    layer = LayerArchive()
    for number in range(33000):
        layer.folder("d", uid=number, gid=100_000 + number)
    with pytest.raises(GantryError, match="more than 65535 different owners"):
        flatten(layer)


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_decompression_bombs_are_refused_by_their_ratio(compression: Compression) -> None:
    bomb = build_layer(LayerArchive().file("zeros", bytes(8 << 20)), compression)
    with pytest.raises(GantryError, match="expands to more than 20 times its size"):
        flatten(bomb, options=limited(ratio=20, ratio_from_bytes=1 << 20))


def test_small_content_may_have_any_ratio() -> None:
    layer = build_layer(LayerArchive().file("zeros", bytes(8 << 20)))
    assert len(flatten(layer, options=limited(ratio=20, ratio_from_bytes=16 << 20))["zeros"].content) == 8 << 20


def test_large_images_are_refused_by_their_total() -> None:
    layers = [LayerArchive().file("a", bytes(600_000)), LayerArchive().file("b", bytes(600_000))]
    with pytest.raises(GantryError, match="more than 1000000 bytes of content"):
        flatten(*layers, options=limited(content_bytes=1_000_000))


def test_an_empty_sparse_file_counts_with_its_size(tmp_path: Path) -> None:
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(1 << 42)
    command = ["tar", "-C", str(tmp_path), "-S", "--format=posix", "-cf", "-", "huge"]
    layer = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    with pytest.raises(GantryError, match=r"expands to more than|bytes of content"):
        flatten(layer)


def test_a_wrong_diff_id_is_refused() -> None:
    layer = build_layer(LayerArchive().file("a"))
    wrong = replace(layer, content=b"other")
    with pytest.raises(
        GantryError, match=f"has the digest {layer.diff_id}, and the configuration gives {wrong.diff_id}"
    ):
        flatten(wrong)


def damage(blob: bytes, how: str) -> bytes:
    if how == "truncated":
        return blob[: len(blob) // 2]
    if how == "longer":
        return blob + b"more"
    if how == "missing a byte":
        return blob[:-1]
    return blob[:100] + bytes([blob[100] ^ 1]) + blob[101:]


@pytest.mark.parametrize("how", ["truncated", "longer", "missing a byte", "flipped"])
@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_a_damaged_blob_in_the_cache_is_reported_as_such(tmp_path: Path, compression: Compression, how: str) -> None:
    layer = build_layer(LayerArchive().file("a", bytes(range(256)) * 50), compression)
    with Cache(tmp_path) as cache:
        store_blobs([layer], cache)
        cache.blob_path(layer.digest).write_bytes(damage(layer.blob, how))
        with pytest.raises(GantryError, match="The blob is damaged or truncated") as refusal:
            flatten_stored(describe_layers([layer]), cache, PullOptions())
    assert refusal.value.details["cause"] == "blob_damaged"


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
@pytest.mark.parametrize("how", ["truncated", "missing a byte", "flipped"])
def test_a_blob_that_was_made_damaged_is_refused(compression: Compression, how: str) -> None:
    layer = build_layer(LayerArchive().file("a", bytes(range(256)) * 50), compression)
    with pytest.raises(GantryError, match=r"decompress|gzip data|digest"):
        flatten(replace(layer, blob=damage(layer.blob, how)))


def test_gzip_of_several_members_is_one_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Check it because indexed layers (eStargz) have a member for each file."""
    content = LayerArchive().file("a", "x" * 100_000).file("b", "y").data()
    pieces = [content[start : start + 700] for start in range(0, len(content), 700)]
    layer = BuiltLayer(b"".join(gzip.compress(piece) for piece in pieces), content, "gzip")
    expected = flatten(content)
    assert flatten(layer) == expected
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert flatten(layer) == expected


def test_zstd_of_several_frames_is_one_layer() -> None:
    content = LayerArchive().file("a", "x" * 1000).file("b", "y").data()
    skippable = b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"data"
    blob = build_layer(content[:700], "zstd").blob + skippable + build_layer(content[700:], "zstd").blob
    assert flatten(BuiltLayer(blob, content, "zstd")) == flatten(content)


def test_an_empty_blob_is_not_a_layer_of_another_content() -> None:
    with pytest.raises(GantryError, match="The content has the digest sha256:e3b0c44298fc"):
        flatten(BuiltLayer(b"", LayerArchive().data(), "gzip"))


def test_unknown_entry_types_are_reported() -> None:
    with pytest.raises(GantryError, match="unknown type b'D'"):
        flatten(LayerArchive(tarfile.GNU_FORMAT).add("a", b"D"))
