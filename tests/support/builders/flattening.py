# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Flattening crafted layers without a registry or a cache of consequence."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ansible_collections.gantry.vsphere.plugins.module_utils._oci.cache import Cache
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.convert import flatten_layers
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.flatten import Flattener, Position
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.footer import disk_id
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.manifest import Layer
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.pull_options import PullOptions
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.reference import parse_reference
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.registry import ResolvedImage
from tests.support.builders.oci import OCI_LAYER, BuiltLayer, File, LayerArchive, build_layer, read_tree

DIGEST = f"sha256:{'0' * 64}"
IMAGE = ResolvedImage("example/test:1", DIGEST, disk_id(DIGEST), parse_reference("example/test:1"))


def describe_layers(layers: Sequence[BuiltLayer]) -> list[Layer]:
    return [Layer(layer.digest, layer.stored_bytes, OCI_LAYER, layer.diff_id) for layer in layers]


def store_blobs(layers: Sequence[BuiltLayer], cache: Cache) -> None:
    for layer in layers:
        cache.blob_path(layer.digest).write_bytes(layer.blob)


def flatten(*layers: BuiltLayer | LayerArchive | bytes, options: PullOptions | None = None) -> dict[str, File]:
    """Return the file tree that the layers make, lowest layer first."""
    return read_tree(flat_archive(*layers, options=options))


def flat_archive(*layers: BuiltLayer | LayerArchive | bytes, options: PullOptions | None = None) -> bytes:
    crafted = [layer if isinstance(layer, BuiltLayer) else build_layer(layer, "none") for layer in layers]
    with tempfile.TemporaryDirectory() as folder, Cache(Path(folder)) as cache:
        store_blobs(crafted, cache)
        return flatten_stored(describe_layers(crafted), cache, options or PullOptions())


def flatten_stored(layers: Sequence[Layer], cache: Cache, options: PullOptions) -> bytes:
    known: frozenset[Position] = frozenset()
    for _attempt in range(2):
        output, spool = io.BytesIO(), io.BytesIO()
        flattener = Flattener(output.write, spool, options.limits, options.devices, known)
        flatten_layers(IMAGE, layers, flattener, options, cache)
        if not flattener.replaced:
            flattener.finish()
            return output.getvalue()
        known = frozenset(flattener.replaced)
    raise AssertionError("the second pass found entries that the first had not")
