# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Manifests, indexes and configurations as OCI and Docker write them: parsed, checked, one platform chosen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.pull_options import ImageOptions
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.reference import is_digest

OS = "linux"

_OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_INDEXES = frozenset(
    {
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
    }
)
_CONFIGS = frozenset(
    {
        "application/vnd.oci.image.config.v1+json",
        "application/vnd.docker.container.image.v1+json",
    }
)

Compression = Literal["none", "gzip", "zstd"]

_LAYERS: Mapping[str, Compression] = {
    "application/vnd.oci.image.layer.v1.tar": "none",
    "application/vnd.oci.image.layer.v1.tar+gzip": "gzip",
    "application/vnd.oci.image.layer.v1.tar+zstd": "zstd",
    "application/vnd.docker.image.rootfs.diff.tar": "none",
    "application/vnd.docker.image.rootfs.diff.tar.gzip": "gzip",
}


@dataclass(frozen=True)
class Layer:
    """One layer: the blob as stored, and the digest of what is in it."""

    digest: str
    size: int
    compression: Compression
    diff_id: str


@dataclass(frozen=True)
class Descriptor:
    """A blob that a manifest points to."""

    media_type: str
    digest: str
    size: int


@dataclass(frozen=True)
class Manifest:
    """The manifest of one platform's image."""

    oci: bool
    config: Descriptor
    layers: tuple[Descriptor, ...]


def sha256_digest(data: bytes) -> str:
    """The digest of these bytes, as manifests write it."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def check_digest(data: bytes, digest: str, what: str, image: str) -> None:
    """Raise GantryError unless these are the bytes that the digest names."""
    found = sha256_digest(data)
    if found != digest:
        raise _refuse(image, f"its {what} has the digest {found}, not {digest}", "blob_damaged")


def platform_digest(raw: bytes, options: ImageOptions, image: str) -> str | None:
    """The digest of the wanted platform's manifest, if this is an index; None, if it is a manifest itself."""
    document = _parse(raw, "manifest", image)
    if not _is_index(document):
        return None
    manifests = document.get("manifests")
    if not isinstance(manifests, list):
        raise _refuse(image, "its index has no list of manifests", "unsupported")
    found = []
    for entry in manifests:
        platform = entry.get("platform") if isinstance(entry, dict) else None
        if not isinstance(platform, dict) or platform.get("os") != OS:
            continue  # attestations say "unknown"
        if platform.get("architecture") == options.architecture:
            return _descriptor(entry, "manifest", image).digest
        found.append(f"{OS}/{platform.get('architecture')}")
    raise _wrong_architecture(image, options, found)


def parse_manifest(raw: bytes, options: ImageOptions, image: str) -> Manifest:
    """A platform's manifest, if it is one of an image that can be converted."""
    document = _parse(raw, "manifest", image)
    media_type = document.get("mediaType", _OCI_MANIFEST)
    if media_type not in (_OCI_MANIFEST, _DOCKER_MANIFEST) or document.get("schemaVersion") != 2:
        raise _refuse(image, f"its manifest is of the type '{media_type}'", "unsupported")
    config = _descriptor(document.get("config"), "configuration", image)
    if config.media_type not in _CONFIGS:
        raise _refuse(image, f"it is not a container image but of the type '{config.media_type}'", "unsupported")
    entries = document.get("layers")
    if not isinstance(entries, list):
        raise _refuse(image, "its manifest has no list of layers", "unsupported")
    if len(entries) > options.limits.layers:
        raise _refuse(image, f"it has {len(entries)} layers, the limit is {options.limits.layers}", "limit")
    layers = tuple(_descriptor(entry, "layer", image) for entry in entries)
    for layer in layers:
        if layer.media_type not in _LAYERS:
            raise _refuse(image, f"its layer {layer.digest} is of the type '{layer.media_type}'", "unsupported")
    return Manifest(media_type == _OCI_MANIFEST, config, layers)


def parse_config(
    raw: bytes, manifest: Manifest, options: ImageOptions, image: str
) -> tuple[dict[str, Any], list[Layer]]:
    """What the image says about running it, and its layers from the lowest to the uppermost.

    The first is the OCI configuration's ``config`` object plus ``architecture``, ``os`` and ``created``.
    """
    document = _parse(raw, "configuration", image)
    if document.get("os", OS) != OS or document.get("architecture") != options.architecture:
        found = f"{document.get('os', OS)}/{document.get('architecture')}"
        raise _wrong_architecture(image, options, [found])
    rootfs = document.get("rootfs")
    diff_ids = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    if not isinstance(diff_ids, list) or not all(is_digest(diff_id) for diff_id in diff_ids):
        raise _refuse(image, "its configuration has no usable list of diff_ids", "unsupported")
    if len(diff_ids) != len(manifest.layers):
        raise _refuse(
            image, f"its manifest has {len(manifest.layers)} layers, its configuration {len(diff_ids)}", "unsupported"
        )
    settings = document.get("config") or {}
    if not isinstance(settings, dict):
        raise _refuse(image, "its configuration's 'config' is not an object", "unsupported")
    config = {
        **settings,
        "architecture": document["architecture"],
        "os": OS,
        "created": document.get("created"),
    }
    layers = [
        Layer(layer.digest, layer.size, _LAYERS[layer.media_type], diff_id)
        for layer, diff_id in zip(manifest.layers, diff_ids, strict=True)
    ]
    return config, layers


def _parse(raw: bytes, what: str, image: str) -> dict[str, Any]:
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        raise _refuse(image, f"its {what} is not JSON", "unsupported") from None
    if not isinstance(document, dict):
        raise _refuse(image, f"its {what} is not a JSON object", "unsupported")
    return document


def _is_index(document: Mapping[str, Any]) -> bool:
    media_type = document.get("mediaType")
    return media_type in _INDEXES or (media_type is None and "manifests" in document)


def _descriptor(value: object, what: str, image: str) -> Descriptor:
    if isinstance(value, dict):
        media_type, digest, size = value.get("mediaType"), value.get("digest"), value.get("size")
        if isinstance(media_type, str) and is_digest(digest) and isinstance(size, int) and size >= 0:
            return Descriptor(media_type, digest, size)
    raise _refuse(image, f"the entry of its {what} lacks a type, a SHA-256 digest or a size", "unsupported")


def _wrong_architecture(image: str, options: ImageOptions, found: list[str]) -> GantryError:
    has = ", ".join(sorted(set(found))) or "no image for Linux"
    return GantryError(
        f"The image '{image}' is not for {OS}/{options.architecture}: it has {has}.",
        details={"image": image, "cause": "wrong_architecture"},
    )


def _refuse(image: str, reason: str, cause: str) -> GantryError:
    return GantryError(f"The image '{image}' cannot be used: {reason}.", details={"image": image, "cause": cause})
