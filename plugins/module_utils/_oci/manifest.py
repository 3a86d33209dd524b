# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parse manifests, indexes and configurations of OCI and Docker; each field is checked before use."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.documents import Document, parse_document
from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.image_config import check_history, check_settings
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.platform import (
    LINUX,
    IndexEntry,
    Platform,
    is_attestation,
    runs_on,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.pull_options import PullOptions
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.reference import is_digest

_OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_INDEXES = frozenset(
    {
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
    }
)
_OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"

# The compression in a media type is ignored: it is detected from the content, as Podman and Docker do.
DOCKER_LAYER_GZIP = "application/vnd.docker.image.rootfs.diff.tar.gzip"
_LAYERS = frozenset(
    {
        "application/vnd.oci.image.layer.v1.tar",
        "application/vnd.oci.image.layer.v1.tar+gzip",
        "application/vnd.oci.image.layer.v1.tar+zstd",
        "application/vnd.oci.image.layer.nondistributable.v1.tar",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
        "application/vnd.docker.image.rootfs.diff.tar",
        DOCKER_LAYER_GZIP,
        "application/vnd.docker.image.rootfs.foreign.diff.tar",
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    }
)


@dataclass(frozen=True)
class Layer:
    """A layer: its blob as stored, and the digest of the content."""

    digest: str
    size: int
    media_type: str
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
    """Return the digest of these bytes, as manifests write it."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def check_digest(data: bytes, digest: str, what: str, image: str) -> None:
    """Raise GantryError unless the digest of these bytes matches."""
    found = sha256_digest(data)
    if found != digest:
        raise refusal(image, f"its {what} has the digest {found}, not {digest}", "blob_damaged")


def index_entries(raw: bytes, image: str) -> list[IndexEntry] | None:
    """Return the entries of an image index; None if this is a manifest."""
    document = manifest_document(raw, "manifest", image)
    media_type = document.text("mediaType")
    if media_type not in _INDEXES and (media_type is not None or "manifests" not in document):
        return None
    if "config" in document or "layers" in document:
        # Some tools would read it as an index and others as a manifest, and run a different image.
        raise refusal(image, "its index is also a manifest: it has a list of manifests and layers", "unsupported")
    return [_index_entry(entry) for entry in document.required("manifests", document.children)]


def parse_manifest(raw: bytes, options: PullOptions, image: str) -> Manifest:
    """Return a platform's manifest; raise GantryError if its image cannot be converted."""
    document = manifest_document(raw, "manifest", image)
    media_type = document.text("mediaType")
    if media_type not in (None, _OCI_MANIFEST, DOCKER_MANIFEST) or document.integer("schemaVersion") != 2:
        found = media_type or f"schema version {document.integer('schemaVersion')}"
        raise refusal(image, f"its manifest is of the type '{found}'", "unsupported")
    if "manifests" in document:
        raise refusal(image, "its manifest is also an index: it has layers and a list of manifests", "unsupported")
    config = parse_descriptor(document.required("config", document.child))
    if config.media_type not in (_OCI_CONFIG, DOCKER_CONFIG):
        raise refusal(image, f"it is not a container image but of the type '{config.media_type}'", "unsupported")
    entries = document.required("layers", document.children)
    if len(entries) > options.limits.layers:
        raise refusal(image, f"it has {len(entries)} layers, the limit is {options.limits.layers}", "limit")
    layers = tuple(_layer_descriptor(entry, image) for entry in entries)
    oci = (media_type or (DOCKER_MANIFEST if config.media_type == DOCKER_CONFIG else _OCI_MANIFEST)) == _OCI_MANIFEST
    return Manifest(oci, config, layers)


def parse_config(
    raw: bytes, manifest: Manifest, options: PullOptions, image: str
) -> tuple[dict[str, Any], list[Layer]]:
    """Return the settings for running the image, and its layers from the lowest to the uppermost.

    The settings are the OCI configuration's ``config`` object plus ``architecture``, ``os`` and ``created``.
    """
    document = manifest_document(raw, "configuration", image)
    architecture = document.required("architecture", document.text)
    if not architecture:
        document.refuse("architecture", "is empty")
    platform = Platform(document.text("os") or LINUX, architecture, document.text("variant") or "")
    if not runs_on(platform, options.architecture):
        raise wrong_architecture(image, options, [platform])
    diff_ids = _diff_ids(document)
    if len(diff_ids) != len(manifest.layers):
        raise refusal(
            image, f"its manifest has {len(manifest.layers)} layers, its configuration {len(diff_ids)}", "unsupported"
        )
    check_history(document)
    settings = document.child("config")
    if settings is not None:
        check_settings(settings)
    config = {
        **(settings.fields if settings is not None else {}),
        "architecture": options.architecture,
        "os": LINUX,
        "created": document.text("created"),
    }
    layers = [
        Layer(layer.digest, layer.size, layer.media_type, diff_id)
        for layer, diff_id in zip(manifest.layers, diff_ids, strict=True)
    ]
    return config, layers


def wrong_architecture(image: str, options: PullOptions, found: list[Platform]) -> GantryError:
    """Return the error for an image that is made for other platforms only."""
    names = sorted({str(platform) for platform in found if platform.os.lower() == LINUX})
    has = listed(names or sorted({str(platform) for platform in found})) or "no image for Linux"
    return GantryError(
        f"The image '{image}' is not for {LINUX}/{options.architecture}: it has {has}.",
        details={"image": image, "cause": "wrong_architecture"},
    )


def manifest_document(raw: bytes, what: str, image: str) -> Document:
    """Return a document of an image; ``what`` it is begins the error messages."""
    return parse_document(raw, f"The {what} of the image '{image}'", {"image": image, "cause": "unsupported"})


def _index_entry(document: Document) -> IndexEntry:
    platform = document.child("platform")
    document.required("size", document.integer)
    return IndexEntry(
        digest=document.required("digest", document.text),
        nested=document.required("mediaType", document.text) in _INDEXES,
        platform=None if platform is None else _platform(platform),
        attestation=is_attestation(document.text_map("annotations")),
    )


def _platform(document: Document) -> Platform:
    return Platform(
        os=document.text("os") or "",
        architecture=document.text("architecture") or "",
        variant=document.text("variant") or "",
        features=tuple(document.texts("os.features") or ()),
    )


def parse_descriptor(document: Document) -> Descriptor:
    """Return the media type, the digest and the size of a blob."""
    return Descriptor(
        document.required("mediaType", document.text),
        _digest(document, "digest", document.required("digest", document.text)),
        document.required("size", lambda key: document.integer(key, least=0)),
    )


def _layer_descriptor(document: Document, image: str) -> Descriptor:
    layer = parse_descriptor(document)
    if layer.media_type not in _LAYERS:
        raise refusal(image, f"its layer {layer.digest} is of the type '{layer.media_type}'", "unsupported")
    urls = document.texts("urls")
    if urls:
        raise refusal(
            image,
            f"its layer {layer.digest} is not in the registry but at {listed(urls)}, and layers are read from the "
            "registry only. Push the image again together with its nondistributable (foreign) layers",
            "unsupported",
        )
    return layer


def _diff_ids(document: Document) -> list[str]:
    rootfs = document.required("rootfs", document.child)
    rootfs.text("type")
    diff_ids = rootfs.required("diff_ids", rootfs.texts)
    return [_digest(rootfs, f"diff_ids[{index}]", value) for index, value in enumerate(diff_ids)]


def _digest(document: Document, field: str, value: str) -> str:
    if not is_digest(value):
        document.refuse(field, f"is {value[:80]!r} and must be a SHA-256 digest")
    return value


def require_digest(digest: str, image: str) -> None:
    """Raise GantryError unless an index gives a SHA-256 digest."""
    if not is_digest(digest):
        raise refusal(
            image, f"its index has an entry with {digest[:80]!r}, which is not a SHA-256 digest", "unsupported"
        )


def refusal(image: str, reason: str, cause: str) -> GantryError:
    """Return the error for an image that cannot be converted."""
    return GantryError(f"The image '{image}' cannot be used: {reason}.", details={"image": image, "cause": cause})
