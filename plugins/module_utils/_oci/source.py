# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The places that images are read from, behind one interface: a registry, or files."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._oci import skopeo
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.archive import LayerError
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.archive_files import Files, FolderFiles, open_tar
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.cache import Cache
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.docker_archive import (
    layer_content,
    make_manifest,
    saved_image,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.manifest import Layer
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.oci_layout import (
    blob_name,
    read_blob,
    selected_manifest,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.pull_options import PullOptions
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.reference import Reference
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.signature_policy import check_policy
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.transport import DOCKER_ARCHIVE, OCI, FileTransport


class ImageSource(Protocol):
    """One image, perhaps for several platforms, and its parts by their digests. All of it is untrusted."""

    @property
    def name(self) -> str:
        """Return the place for messages."""

    def read_selected(self) -> bytes:
        """Return the manifest or index that the source selects."""

    def read_manifest(self, digest: str) -> bytes:
        """Return a manifest or index of the image."""

    def read_config(self, manifest_digest: str, digest: str) -> bytes:
        """Return the configuration of the image that has this manifest."""

    def fetch_layers(self, manifest_digest: str, layers: Sequence[Layer], cache: Cache, *, oci: bool) -> None:
        """Put the blobs of the layers into the cache, except existing ones. ``oci``: the manifest is one of OCI."""


class RegistrySource:
    """An image in a registry, read by skopeo."""

    def __init__(self, reference: Reference, options: PullOptions) -> None:
        self._reference = reference
        self._options = options

    @property
    def name(self) -> str:
        return self._reference.name

    def read_selected(self) -> bytes:
        return skopeo.read_manifest(self._reference, self._options)

    def read_manifest(self, digest: str) -> bytes:
        return skopeo.read_manifest(self._reference.by_digest(digest), self._options)

    def read_config(self, manifest_digest: str, digest: str) -> bytes:
        return skopeo.read_config(self._reference.by_digest(manifest_digest), self._options)

    def fetch_layers(self, manifest_digest: str, layers: Sequence[Layer], cache: Cache, *, oci: bool) -> None:
        reference = self._reference.by_digest(manifest_digest)
        with cache.workspace() as work:
            skopeo.pull(reference, work / "layout", cache.blobs, self._options, cache.lock, exact=oci)


class FileSource:
    """An image in a folder or in an archive where the task runs."""

    def __init__(self, place: FileTransport, image: str, options: PullOptions) -> None:
        self._place = place
        self._image = image
        self._options = options

    @property
    def name(self) -> str:
        return str(self._place)

    def read_selected(self) -> bytes:
        check_policy(self._place, self._options.policy, self._image)
        with self._open() as files:
            if self._place.transport != DOCKER_ARCHIVE:
                return selected_manifest(files, self._place.name, self._image)
            saved = saved_image(files, self._place.name, self._image, self._options.limits)
            return make_manifest(files, saved, self._image, self._options.limits)

    def read_manifest(self, digest: str) -> bytes:
        with self._open() as files:
            return read_blob(files, digest)

    def read_config(self, manifest_digest: str, digest: str) -> bytes:
        with self._open() as files:
            if self._place.transport != DOCKER_ARCHIVE:
                return read_blob(files, digest)
            return saved_image(files, self._place.name, self._image, self._options.limits).config

    def fetch_layers(self, manifest_digest: str, layers: Sequence[Layer], cache: Cache, *, oci: bool) -> None:
        with self._open() as files, cache.workspace() as work:
            missing = [layer for layer in layers if not cache.touch_blob(layer.digest)]
            for layer, content in self._contents(files, layers):
                if layer in missing:
                    self._store(layer, content, work / "layer", cache)

    def _contents(self, files: Files, layers: Sequence[Layer]) -> Iterator[tuple[Layer, Iterable[bytes]]]:
        """Yield the layers with their blobs; a blob is read only when it is iterated over."""
        if self._place.transport != DOCKER_ARCHIVE:
            for layer in layers:
                name = blob_name(layer.digest)
                if files.size(name) is None:
                    raise LayerError(f"It has no file {name!r}.", "unsupported")
                yield layer, files.chunks(name)
            return
        saved = saved_image(files, self._place.name, self._image, self._options.limits)
        if len(saved.layers) != len(layers):
            raise LayerError("It has changed since its manifest was read. Run again.", "blob_damaged")
        for layer, name in zip(layers, saved.layers, strict=True):
            yield layer, layer_content(files, name, self._options.limits)

    def _store(self, layer: Layer, content: Iterable[bytes], made: Path, cache: Cache) -> None:
        """Store a blob that has the size and the digest of its layer."""
        digest, size = hashlib.sha256(), 0
        with made.open("wb") as file:
            for chunk in content:
                size += len(chunk)
                if size > layer.size:
                    break
                digest.update(chunk)
                file.write(chunk)
        found = f"sha256:{digest.hexdigest()}"
        if size != layer.size or found != layer.digest:
            raise LayerError(
                f"Its layer {layer.digest} is damaged: its content has another size or the digest {found}.",
                "blob_damaged",
            )
        cache.store_blob(made, layer.digest)

    @contextlib.contextmanager
    def _open(self) -> Iterator[Files]:
        path = Path(self._place.path)
        try:
            with contextlib.ExitStack() as stack:
                files: Files = FolderFiles(path)
                if self._place.transport != OCI:
                    files = stack.enter_context(open_tar(path, self._options.limits))
                yield files
        except LayerError as error:
            raise self._refusal(error.reason, error.cause) from None
        except OSError as error:
            place = "" if error.filename in (None, str(path)) else f" ({error.filename})"
            raise self._refusal(f"It cannot be read: {error.strerror or error}{place}.", "source") from error

    def _refusal(self, reason: str, cause: str) -> GantryError:
        return GantryError(
            f"The image '{self._image}' cannot be read from '{self._place}'. {reason}",
            details={"image": self._image, "cause": cause},
        )
