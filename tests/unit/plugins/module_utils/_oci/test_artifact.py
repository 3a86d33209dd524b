# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test files of OCI artifacts with a real registry."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.artifact import fetch_artifact_file
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.cache import Cache
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.pull_options import MAX_FILE_BYTES, PullOptions
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.reference import parse_reference
from tests.support.builders.oci import OCI_INDEX, OCI_MANIFEST, digest_of
from tests.support.builders.registries import PASSWORD, USER, LiveRegistry, scripted_registry

PLAIN = PullOptions(tls_verify=False)
CONTENT = b"the ISO" * 1000
EMPTY = b"{}"


def layer(content: bytes = CONTENT, title: str | None = "b.iso", media_type: str = "x/iso") -> dict[str, Any]:
    annotations = {} if title is None else {"annotations": {"org.opencontainers.image.title": title}}
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content), **annotations}


def manifest(*layers: dict[str, Any]) -> bytes:
    config = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": digest_of(EMPTY), "size": len(EMPTY)}
    return json.dumps(
        {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": "x/y", "config": config, "layers": layers}
    ).encode()


def push(registry: LiveRegistry, *layers: dict[str, Any], blobs: tuple[bytes, ...] = (CONTENT,)) -> str:
    for blob in (EMPTY, *blobs):
        registry.push_blob("artifact", digest_of(blob), blob)
    return registry.push_manifest(manifest(*layers), OCI_MANIFEST, "artifact")


def fetch(reference: str, cache: Cache, options: PullOptions = PLAIN) -> bytes:
    return fetch_artifact_file(parse_reference(reference), ".iso", options, cache).read_bytes()


@pytest.mark.parametrize("media_type", ["x/iso", "application/vnd.oci.image.layer.v1.tar"])
@pytest.mark.parametrize("title", ["b.iso", "B.ISO", None])
def test_the_only_file_is_read_once(registry: LiveRegistry, cache: Cache, title: str | None, media_type: str) -> None:
    reference = push(registry, layer(title=title, media_type=media_type))
    assert fetch(reference, cache) == CONTENT
    before = len(registry.requests())
    assert fetch(reference, cache) == CONTENT
    assert not [request for request in registry.requests()[before:] if "/blobs/" in request]


def test_of_several_files_the_iso_is_read(registry: LiveRegistry, cache: Cache) -> None:
    other = b"checksums"
    assert fetch(push(registry, layer(other, "SHA256SUMS"), layer(), blobs=(CONTENT, other)), cache) == CONTENT


def test_a_digest_selects_the_artifact(registry: LiveRegistry, cache: Cache) -> None:
    reference = push(registry, layer())
    digest = digest_of(manifest(layer()))
    assert fetch(f"{reference}@{digest}", cache) == CONTENT
    with pytest.raises(GantryError, match="The registry has no such image"):
        fetch(f"{reference}@sha256:{'0' * 64}", cache)


def test_a_file_that_is_damaged_in_the_cache_is_read_again(registry: LiveRegistry, cache: Cache) -> None:
    reference = push(registry, layer())
    fetch(reference, cache)
    cache.blob_path(digest_of(CONTENT)).write_bytes(b"damaged")
    assert fetch(reference, cache) == CONTENT


def test_a_registry_with_a_password(secured_registry: LiveRegistry, cache: Cache) -> None:
    reference = push(secured_registry, layer())
    trusted = PullOptions(certificates=secured_registry.certificates)
    with pytest.raises(GantryError, match="refuses access"):
        fetch(reference, cache, trusted)
    assert fetch(reference, cache, replace(trusted, username=USER, password=PASSWORD)) == CONTENT


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ((), "it has 0 files (without names), and exactly one *.iso is required"),
        ((layer(title="a"), layer(b"", "b")), "it has 2 files (a, b)"),
        ((layer(title="a.iso"), layer(b"", "b.iso")), "it has 2 files"),
        (({**layer(), "size": MAX_FILE_BYTES + 1},), "the limit is"),
        (({**layer(), "digest": "md5:00"},), "must be a SHA-256 digest"),
    ],
)
def test_other_artifacts_are_refused(cache: Cache, layers: tuple[dict[str, Any], ...], message: str) -> None:
    raw = manifest(*layers)
    with scripted_registry(lambda _path: (200, OCI_MANIFEST, raw)) as address, pytest.raises(GantryError) as refusal:
        fetch(f"{address}/artifact:1", cache)
    assert message in refusal.value.message
    assert not list((cache.blobs / "sha256").iterdir())


def test_an_index_is_refused(registry: LiveRegistry, cache: Cache) -> None:
    push(registry, layer())
    raw = manifest(layer())
    entry = {"mediaType": OCI_MANIFEST, "digest": digest_of(raw), "size": len(raw)}
    index = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}).encode()
    reference = registry.push_manifest(index, OCI_INDEX, "artifact", "index")
    with pytest.raises(GantryError, match="it is an index"):
        fetch(reference, cache)
