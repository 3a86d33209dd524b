# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test that layers are read by their content: each compression with each media type; other data is refused."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.cache import Cache
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.convert import ensure_disk
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.decompress import detect_compression
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.pull_options import PullOptions
from tests.support.builders.flattening import flatten
from tests.support.builders.oci import (
    DOCKER_LAYER,
    OCI_LAYER,
    BuiltImage,
    BuiltLayer,
    Compression,
    LayerArchive,
    build_layer,
    compress,
)
from tests.support.builders.registries import scripted_registry

COMPRESSIONS: tuple[Compression, ...] = ("none", "gzip", "zstd", "bzip2", "xz")
OCI_FOREIGN = "application/vnd.oci.image.layer.nondistributable.v1.tar"
OCI_TYPES = [f"{base}{end}" for base in (OCI_LAYER, OCI_FOREIGN) for end in ("", "+gzip", "+zstd")]
DOCKER_FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar"
DOCKER_TYPES = [f"{base}{end}" for base in (DOCKER_LAYER, DOCKER_FOREIGN) for end in ("", ".gzip")]
PLAIN = PullOptions(tls_verify=False)
CONTENT = LayerArchive().file("a", "x" * 100_000).file("b", "y").data()


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_each_compression_is_detected_by_its_first_bytes(compression: Compression) -> None:
    assert detect_compression(compress(CONTENT, compression)[:512]) == compression


@pytest.mark.parametrize("kind", range(16))
def test_zstd_may_begin_with_a_skippable_frame(kind: int) -> None:
    skippable = bytes([0x50 + kind]) + b"\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"data"
    blob = skippable + compress(CONTENT, "zstd")
    assert detect_compression(blob[:512]) == "zstd"
    assert flatten(BuiltLayer(blob, CONTENT, "none")) == flatten(CONTENT)


@pytest.mark.parametrize("name", ["BZh9", "BZh91AY&SY", "\x1f\x7f", "P*M\x18"])
def test_a_plain_archive_may_begin_with_a_name_that_looks_compressed(name: str) -> None:
    content = LayerArchive().file(name, "text").data()
    assert detect_compression(content[:512]) == "none"
    assert set(flatten(content)) == {name}


@pytest.mark.parametrize("content", [b"", bytes(1024)])
def test_an_empty_layer_is_a_plain_archive(content: bytes) -> None:
    assert detect_compression(content[:512]) == "none"
    assert flatten(content, LayerArchive().file("a")).keys() == {"a"}


@pytest.mark.parametrize(
    "content", [b"<html>", b"BZh9 is no block", b"PK\x03\x04" * 200, b"\x28\xb5", CONTENT[1:], b"\x18\x2a\x4d\x50"]
)
def test_data_that_is_not_a_layer_is_refused_with_its_media_type(content: bytes) -> None:
    assert detect_compression(content[:512]) is None
    with pytest.raises(GantryError, match=f"is not a tar archive, neither plain nor .* media type is '{OCI_LAYER}'"):
        flatten(content)


PIECES = [CONTENT[:700], CONTENT[700:5000], CONTENT[5000:]]
STREAMS = {
    "gzip": b"".join(gzip.compress(piece) for piece in PIECES),
    "bzip2": b"".join(bz2.compress(piece) for piece in PIECES),
    "xz": b"".join(lzma.compress(piece) for piece in PIECES),
    "padded xz": b"".join(lzma.compress(piece) + bytes(8) for piece in PIECES),
    "xz with much padding": lzma.compress(CONTENT) + bytes(1 << 20),
}


@pytest.mark.parametrize("name", STREAMS)
def test_several_streams_are_one_layer(name: str) -> None:
    assert flatten(BuiltLayer(STREAMS[name], CONTENT, "none")) == flatten(CONTENT)


@pytest.mark.parametrize("compression", ["bzip2", "xz"])
@pytest.mark.parametrize("how", ["truncated", "missing a byte", "flipped", "longer"])
def test_a_blob_that_was_made_damaged_is_refused(compression: Compression, how: str) -> None:
    blob = compress(CONTENT, compression)
    damaged = {
        "truncated": blob[: len(blob) // 2],
        "missing a byte": blob[:-1],
        "flipped": blob[:60] + bytes([blob[60] ^ 1]) + blob[61:],
        "longer": blob + b"more",
    }[how]
    with pytest.raises(
        GantryError, match=rf"not valid {compression} data|{compression} data of the layer end too early"
    ):
        flatten(BuiltLayer(damaged, CONTENT, compression))


def test_xz_may_not_take_all_memory() -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 30}]
    blob = lzma.compress(CONTENT, filters=filters)
    with pytest.raises(GantryError, match=r"not valid xz data .*[Mm]emory"):
        flatten(BuiltLayer(blob, CONTENT, "xz"))


def test_a_python_without_the_library_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lzma", None)
    with pytest.raises(GantryError, match="lacks the module 'lzma'"):
        flatten(build_layer(CONTENT, "xz"))


def test_a_size_that_is_not_the_blob_s_is_refused() -> None:
    class Lying(BuiltLayer):
        """A layer whose manifest gives a larger size, which would allow a bomb a larger ratio."""

        @property
        def stored_bytes(self) -> int:
            return len(self.blob) + 1

    layer = build_layer(CONTENT)
    with pytest.raises(
        GantryError, match=f"The blob has {len(layer.blob)} bytes, and the manifest gives {len(layer.blob) + 1}"
    ):
        flatten(Lying(layer.blob, layer.content, "gzip"))


@contextlib.contextmanager
def registry_of(image: BuiltImage) -> Iterator[str]:
    """Serve this image from a registry that, unlike a real one, checks nothing; yield the image's reference."""

    def answer(path: str) -> tuple[int, str, bytes]:
        if "/manifests/" in path:
            return 200, image.media_type, image.manifest
        blob = image.blobs().get(path.rpartition("/")[2])
        return (404, "text/plain", b"") if blob is None and path != "/v2/" else (200, "application/json", blob or b"{}")

    with scripted_registry(answer) as address:
        yield f"{address}/decompress:1"


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("media_type", [*OCI_TYPES, *DOCKER_TYPES])
def test_every_media_type_may_hold_every_compression(cache: Cache, media_type: str, compression: Compression) -> None:
    """Check it from a registry, since skopeo must accept the image too."""
    layer = replace(build_layer(CONTENT, compression), media_type=media_type)
    with registry_of(BuiltImage([layer], docker=media_type in DOCKER_TYPES)) as reference:
        disk = ensure_disk(reference, options=PLAIN, cache=cache, report=lambda _text: None)
    assert disk.squashfs_bytes > 0


@pytest.mark.parametrize("media_type", [f"{OCI_FOREIGN}+gzip", f"{DOCKER_FOREIGN}.gzip"])
def test_a_foreign_layer_is_refused_with_its_address(cache: Cache, media_type: str) -> None:
    layer = replace(build_layer(CONTENT), media_type=media_type, urls=("https://example.com/layer",))
    image = BuiltImage([layer], docker=media_type in DOCKER_TYPES)
    with (
        registry_of(image) as reference,
        pytest.raises(GantryError, match=r"not in the registry but at https://example\.com/layer") as refusal,
    ):
        ensure_disk(reference, options=PLAIN, cache=cache, report=lambda _text: None)
    assert layer.digest in refusal.value.message
