# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test container_image with images of other tools: platform variants, wrong media types, invalid fields."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.builders.oci import (
    DOCKER_LAYER,
    OCI_INDEX,
    OCI_LAYER,
    BuiltImage,
    Compression,
    LayerArchive,
    build_layer,
)
from tests.support.builders.registries import LiveRegistry
from tests.support.lab.control import Control
from tests.support.lab.drive import drive
from tests.support.lab.images import Store

Run = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveRegistry]:
    with LiveRegistry(tmp_path_factory.mktemp("registry")).running() as running:
        yield running


@pytest.fixture
def run(lab: dict[str, Any], tmp_path: Path) -> Run:
    options = {**lab["vcenter"], "registry_tls_verify": False, "cache_path": str(tmp_path / "cache")}
    return lambda name, check=False: drive("container_image", {**options, "name": name}, check=check)


def test_of_several_variants_of_amd64_the_baseline_is_selected(run: Run, registry: LiveRegistry, store: Store) -> None:
    entries = []
    for says, variant in (("avx512", "v4"), ("avx2", "v3"), ("baseline", None)):
        image = BuiltImage([build_layer(LayerArchive().file("level", says))], config={"Cmd": [f"/{says}"]})
        registry.push(image, "odd/levels", says)
        platform = {"os": "linux", "architecture": "amd64", **({"variant": variant} if variant else {})}
        entry = {"mediaType": image.media_type, "digest": image.digest, "size": len(image.manifest)}
        entries.append({**entry, "platform": platform})
    index = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}).encode()
    result = run(registry.push_manifest(index, OCI_INDEX, "odd/levels"), check=True)
    assert result["image"]["config"]["Cmd"] == ["/baseline"]
    assert store.templates() == []


@pytest.mark.parametrize(
    ("compression", "media_type"),
    [("gzip", OCI_LAYER), ("gzip", DOCKER_LAYER), ("none", f"{OCI_LAYER}+gzip"), ("xz", f"{OCI_LAYER}+zstd")],
)
def test_a_layer_with_a_wrong_media_type_is_imported(
    run: Run, registry: LiveRegistry, store: Store, compression: Compression, media_type: str
) -> None:
    layer = replace(build_layer(LayerArchive().file("a", compression), compression), media_type=media_type)
    reference = registry.push(BuiltImage([layer], docker=media_type == DOCKER_LAYER), "odd/types")
    assert run(reference)["image"]["state"] == "ready"
    assert len(store.templates()) == 1


@pytest.mark.parametrize("check", [True, False])
def test_a_field_with_a_wrong_type_is_refused_before_anything_is_changed(
    run: Run, registry: LiveRegistry, store: Store, calls: Control, check: bool
) -> None:
    image = BuiltImage([build_layer(LayerArchive().file("a"))], config={"Cmd": "echo hi"})
    result = run(registry.push(image, "odd/fields"), check=check)
    assert result["failed"]
    assert 'its field config.Cmd is a string ("echo hi") and must be a list of strings.' in result["msg"]
    assert calls.mutating() == []
    assert store.templates() == []
