# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An archive of ``docker save``: the manifest of an image of it, as other tools make it, and its layers.

Such an archive has a configuration and layers, but no manifest. The one that is made here is the one that skopeo and
Podman make: with the digests and sizes of the uncompressed layers. So the digest of an image is the same wherever it is
read, but another one than in a registry.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.documents import Document, parse_document
from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.archive import BLOCK, LayerError
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.archive_files import Files, expanded, read_small
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.decompress import detect_compression
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.manifest import (
    DOCKER_CONFIG,
    DOCKER_LAYER_GZIP,
    DOCKER_MANIFEST,
    sha256_digest,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.pull_options import Limits
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.reference import parse_reference

_MANIFEST = "manifest.json"


@dataclass(frozen=True)
class SavedImage:
    """One image of an archive: its configuration, and the files of its layers from the lowest to the uppermost."""

    config: bytes
    layers: tuple[str, ...]


def saved_image(files: Files, name: str | None, image: str, limits: Limits) -> SavedImage:
    """Return the image with a reference; without one the only image."""
    # The file is a list of objects.
    raw = b'{"images": ' + read_small(files, _MANIFEST) + b"}"
    subject = f"The file {_MANIFEST} of the image '{image}'"
    document = parse_document(raw, subject, {"image": image, "cause": "unsupported"})
    entries = document.required("images", document.children)
    chosen = [entry for entry in entries if name is None or _full(name) in map(_full, entry.texts("RepoTags") or ())]
    if len(chosen) != 1:
        names = listed(sorted({tag for entry in entries for tag in entry.texts("RepoTags") or ()}))
        wanted = "no reference selects one of them" if name is None else f"{name!r} selects {len(chosen)} of them"
        raise LayerError(
            f"It has {len(entries)} images, with the references {names or 'of none'}, and {wanted}. Write the "
            "reference after the path and a colon.",
            "image_not_found",
        )
    (entry,) = chosen
    layers = entry.required("Layers", entry.texts)
    if len(layers) > limits.layers:
        raise LayerError(f"The image has {len(layers)} layers, and the limit is {limits.layers}.", "limit")
    return SavedImage(read_small(files, entry.required("Config", entry.text)), tuple(layers))


def make_manifest(files: Files, saved: SavedImage, image: str, limits: Limits) -> bytes:
    """Return the manifest of an image."""
    diff_ids = _diff_ids(saved, image)
    layers: list[dict[str, Any]] = []
    total = 0
    for name, diff_id in zip(saved.layers, diff_ids, strict=True):
        size = _content_size(files, name, limits)
        total += size
        if total > limits.content_bytes:
            raise LayerError(f"The image has more than {limits.content_bytes} bytes of content.", "limit")
        layers.append({"mediaType": DOCKER_LAYER_GZIP, "size": size, "digest": diff_id})
    config = {"mediaType": DOCKER_CONFIG, "size": len(saved.config), "digest": sha256_digest(saved.config)}
    manifest = {"schemaVersion": 2, "mediaType": DOCKER_MANIFEST, "config": config, "layers": layers}
    return json.dumps(manifest, separators=(",", ":")).encode()


def layer_content(files: Files, name: str, limits: Limits) -> Iterator[bytes]:
    """Yield the uncompressed content of a layer."""
    if _is_plain(files, name):
        yield from files.chunks(name)
        return
    # Programs that decompress require a file of their own.
    with tempfile.TemporaryFile(prefix="gantry-layer-") as stored:
        for chunk in files.chunks(name):
            stored.write(chunk)
        stored.seek(0)
        yield from expanded(stored, limits)


def _content_size(files: Files, name: str, limits: Limits) -> int:
    size = files.size(name)
    if size is None:
        raise LayerError(f"It has no file {name[:200]!r}.", "unsupported")
    return size if _is_plain(files, name) else sum(len(chunk) for chunk in layer_content(files, name, limits))


def _is_plain(files: Files, name: str) -> bool:
    head = next(files.chunks(name), b"")[:BLOCK]
    compression = detect_compression(head) if head else None
    if compression is None:
        raise LayerError(
            f"Its layer {name[:200]!r} is not a tar archive, neither plain nor compressed with gzip, zstd, bzip2 or "
            "xz.",
            "damaged",
        )
    return compression == "none"


def _diff_ids(saved: SavedImage, image: str) -> list[str]:
    subject = f"The configuration of the image '{image}'"
    document: Document = parse_document(saved.config, subject, {"image": image, "cause": "unsupported"})
    rootfs = document.required("rootfs", document.child)
    diff_ids = rootfs.required("diff_ids", rootfs.texts)
    if len(diff_ids) != len(saved.layers):
        raise LayerError(
            f"The image has {len(saved.layers)} layers, and its configuration {len(diff_ids)}.", "unsupported"
        )
    return diff_ids


def _full(reference: str) -> str:
    try:
        return str(parse_reference(reference))
    except GantryError:
        return reference  # it is compared as it is
