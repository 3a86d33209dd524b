# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a reference to the digest of one platform's image, and to what is needed to convert it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._oci import manifest as manifests
from ansible_collections.gantry.vsphere.plugins.module_utils._oci import skopeo
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.cache import Cache
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.footer import disk_id
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.pull_options import ImageOptions
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.reference import Reference, parse_reference


@dataclass(frozen=True)
class ResolvedImage:
    """Which image a reference means now, for one platform."""

    reference: str
    """As the user wrote it."""
    digest: str
    """Of the platform's manifest."""
    disk_id: str
    source: Reference = field(repr=False)
    """The same image by digest."""
    manifest: bytes | None = field(default=None, repr=False)
    """The platform's manifest, where resolving has read it anyway."""


@dataclass(frozen=True)
class ImageContent:
    """What an image is made of."""

    oci: bool
    config: dict[str, Any]
    layers: list[manifests.Layer]


def resolve(reference: str, options: ImageOptions) -> ResolvedImage:
    """Ask the registry which image this reference means. One request for a manifest, and nothing is pulled."""
    source = parse_reference(reference)
    raw = skopeo.read_manifest(source, options)
    if source.digest is not None:
        manifests.check_digest(raw, source.digest, "manifest", reference)
    digest = manifests.platform_digest(raw, options, reference)
    manifest = None
    if digest is None:
        manifests.parse_manifest(raw, options, reference)
        digest, manifest = manifests.sha256_digest(raw), raw
    by_digest = Reference(source.registry, source.repository, source.tag, digest)
    return ResolvedImage(reference, digest, disk_id(digest), by_digest, manifest)


def describe(image: ResolvedImage, options: ImageOptions, cache: Cache | None) -> ImageContent:
    """The image's configuration and layers; small, and read before anything large is pulled."""
    raw = image.manifest or (None if cache is None else cache.read_blob(image.digest))
    if raw is None:
        raw = skopeo.read_manifest(image.source, options)
        manifests.check_digest(raw, image.digest, "manifest", image.reference)
    manifest = manifests.parse_manifest(raw, options, image.reference)
    raw_config = None if cache is None else cache.read_blob(manifest.config.digest)
    if raw_config is None:
        raw_config = skopeo.read_config(image.source, options)
        manifests.check_digest(raw_config, manifest.config.digest, "configuration", image.reference)
    config, layers = manifests.parse_config(raw_config, manifest, options, image.reference)
    return ImageContent(manifest.oci, config, layers)
