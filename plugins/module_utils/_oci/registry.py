# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Resolve image references to the digest of one platform's image, and read what is required to convert it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._oci import manifest as manifests
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.cache import Cache
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.footer import disk_id
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.platform import Platform, choose_entries
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.pull_options import PullOptions
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.reference import Reference, parse_reference
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.source import FileSource, ImageSource, RegistrySource
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.transport import FileTransport


@dataclass(frozen=True)
class ResolvedImage:
    """The image that a reference currently resolves to, for one platform."""

    reference: str
    """As the user wrote it."""
    digest: str
    """Of the platform's manifest."""
    disk_id: str
    source: ImageSource = field(repr=False)
    """Where its parts are read from, by their digests."""
    manifest: bytes | None = field(default=None, repr=False)
    """The manifest of the platform, if it was read to resolve the reference."""


@dataclass(frozen=True)
class ImageContent:
    """The configuration and the layers of an image."""

    oci: bool
    config: dict[str, Any]
    layers: list[manifests.Layer]


def resolve(reference: str, options: PullOptions, place: Reference | FileTransport | None = None) -> ResolvedImage:
    """Resolve a reference at its registry or at another place: one request, unless indexes are nested.

    Nothing is pulled. An image from another place must have the digest of the reference, if it has one.
    """
    named = parse_reference(reference)
    place = named if place is None else place
    source = _open_source(place, reference, options)
    raw = source.read_selected()
    if isinstance(place, Reference) and place.digest is not None:
        manifests.check_digest(raw, place.digest, "manifest", reference)
    digest, manifest = _ManifestSearch(source, options, reference).run(raw)
    if named.digest not in (None, digest):
        manifests.check_digest(raw, str(named.digest), "manifest", reference)
    return ResolvedImage(reference, digest, disk_id(digest), source, manifest)


def _open_source(place: Reference | FileTransport, image: str, options: PullOptions) -> ImageSource:
    if isinstance(place, Reference):
        return RegistrySource(place, options)
    return FileSource(place, image, options)


class _ManifestSearch:
    """A search for the manifest of one platform in an index and its nested indexes."""

    def __init__(self, source: ImageSource, options: PullOptions, reference: str) -> None:
        self._source = source
        self._options = options
        self._reference = reference
        self._platforms: list[Platform] = []
        self._indexes = 0

    def run(self, raw: bytes) -> tuple[str, bytes | None]:
        """Return the digest of the manifest, and the manifest if it was read."""
        found = self._search(raw)
        if found is None:
            raise manifests.wrong_architecture(self._reference, self._options, self._platforms)
        return found

    def _search(self, raw: bytes) -> tuple[str, bytes | None] | None:
        entries = manifests.index_entries(raw, self._reference)
        if entries is None:
            manifests.parse_manifest(raw, self._options, self._reference)
            return manifests.sha256_digest(raw), raw
        self._platforms += [entry.platform for entry in entries if entry.platform is not None and not entry.attestation]
        for entry in choose_entries(entries, self._options.architecture):
            manifests.require_digest(entry.digest, self._reference)
            found = self._search(self._read_index(entry.digest)) if entry.nested else (entry.digest, None)
            if found is not None:
                return found
        return None

    def _read_index(self, digest: str) -> bytes:
        self._indexes += 1
        limit = self._options.limits.nested_indexes
        if self._indexes > limit:
            raise manifests.refusal(self._reference, f"its index has more than {limit} nested indexes", "limit")
        raw = self._source.read_manifest(digest)
        manifests.check_digest(raw, digest, "index", self._reference)
        return raw


def describe(image: ResolvedImage, options: PullOptions, cache: Cache | None) -> ImageContent:
    """Read the configuration and the list of layers, before anything large is pulled."""
    raw = image.manifest or (None if cache is None else cache.read_blob(image.digest))
    if raw is None:
        raw = image.source.read_manifest(image.digest)
        manifests.check_digest(raw, image.digest, "manifest", image.reference)
    manifest = manifests.parse_manifest(raw, options, image.reference)
    raw_config = None if cache is None else cache.read_blob(manifest.config.digest)
    if raw_config is None:
        raw_config = image.source.read_config(image.digest, manifest.config.digest)
        manifests.check_digest(raw_config, manifest.config.digest, "configuration", image.reference)
    config, layers = manifests.parse_config(raw_config, manifest, options, image.reference)
    return ImageContent(manifest.oci, config, layers)
