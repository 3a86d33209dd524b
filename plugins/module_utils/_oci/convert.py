# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Convert images to disks: from the cache, or pulled, flattened, compressed and written as a VMDK."""

from __future__ import annotations

import contextlib
import errno
import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.archive import LayerError
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.cache import Cache, CachedDisk
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.flatten import Flattener, Position
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.footer import (
    FOOTER_BYTES,
    build_footer,
    disk_capacity,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.layer import Budget, LayerStream
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.manifest import Layer
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.pull_options import PullOptions
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.registry import (
    ImageContent,
    ResolvedImage,
    describe,
    resolve,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.squashfs import LEVELS, SquashfsWriter
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.vmdk import Region, write_vmdk

_SECTOR = 512
_BOOT_SIGNATURE = b"\x55\xaa"


@dataclass(frozen=True)
class ImageDisk:
    """A disk ready for upload. The file stays while the cache is open."""

    reference: str
    digest: str
    disk_id: str
    config: dict[str, Any]
    """The OCI configuration's ``config`` object plus ``architecture``, ``os`` and ``created``."""
    vmdk: Path
    vmdk_bytes: int
    capacity_bytes: int
    squashfs_bytes: int


def ensure_disk(reference: str | ResolvedImage, *, options: PullOptions, cache: Cache, report: Report) -> ImageDisk:
    """Return the disk of an image, created if it is not in the cache. A failure leaves no files behind."""
    image = resolve(reference, options) if isinstance(reference, str) else reference
    disk = cache.find_disk(image.disk_id)
    if disk is None:
        with _plain_errors(image), cache.making_disk(image.disk_id):
            disk = cache.find_disk(image.disk_id) or _make(image, options, cache, report)
    return ImageDisk(
        reference=image.reference,
        digest=disk.digest,
        disk_id=disk.disk_id,
        config=disk.config,
        vmdk=disk.vmdk,
        vmdk_bytes=disk.vmdk_bytes,
        capacity_bytes=disk.capacity_bytes,
        squashfs_bytes=disk.squashfs_bytes,
    )


def _make(image: ResolvedImage, options: PullOptions, cache: Cache, report: Report) -> CachedDisk:
    content = describe(image, options, cache)
    _pull(image, content, cache, report)
    report(f"convert {image.source.name}@{image.digest}")
    try:
        return convert(image, content, options, cache)
    except _DamagedBlobError as damage:
        # A disk error or an earlier crash; wrong data from a registry are never stored in the cache.
        report(f"pull {damage.digest} again, which is damaged in the cache")
        cache.discard_blob(damage.digest)
    _pull(image, content, cache, report)
    report(f"convert {image.source.name}@{image.digest}")
    return convert(image, content, options, cache)


def _pull(image: ResolvedImage, content: ImageContent, cache: Cache, report: Report) -> None:
    report(f"pull {image.source.name}@{image.digest}")
    image.source.fetch_layers(image.digest, content.layers, cache, oci=content.oci)
    for layer in content.layers:
        if not cache.touch_blob(layer.digest):
            raise _refusal(image, layer, content.layers, LayerError("Its blob is missing in the cache."))


def convert(image: ResolvedImage, content: ImageContent, options: PullOptions, cache: Cache) -> CachedDisk:
    """Create the disk from blobs that are in the cache."""
    with cache.workspace() as work:
        squashfs = work / "squashfs"
        make_squashfs(image, content.layers, squashfs, options, cache)
        squashfs_bytes = squashfs.stat().st_size
        capacity = disk_capacity(squashfs_bytes)
        footer = io.BytesIO(build_footer(image.digest, squashfs_bytes))
        vmdk = work / "disk.vmdk"
        with squashfs.open("rb", buffering=0) as source, vmdk.open("wb", buffering=0) as output:
            regions = [Region(0, source, squashfs_bytes), Region(capacity - FOOTER_BYTES, footer, FOOTER_BYTES)]
            vmdk_bytes = write_vmdk(output, capacity, regions)
        disk = CachedDisk(
            digest=image.digest,
            disk_id=image.disk_id,
            config=content.config,
            vmdk=vmdk,
            vmdk_bytes=vmdk_bytes,
            capacity_bytes=capacity,
            squashfs_bytes=squashfs_bytes,
        )
        facts = asdict(disk)
        return cache.store_disk(facts.pop("vmdk"), facts)


def make_squashfs(
    image: ResolvedImage, layers: Sequence[Layer], path: Path, options: PullOptions, cache: Cache
) -> None:
    """Write the file system of the layers, from blobs in the cache, so that BIOS does not boot it.

    A container VM boots from its CD. Firmware that tries the disk before would not get that far.
    """
    for level in LEVELS:
        _write_squashfs(image, layers, path, options, cache, level)
        if not _has_boot_code(path):
            return
    raise GantryError(
        f"The image '{image.reference}' cannot be used: the first sector of its disk would end in 55 AA, as boot code "
        "does, at each level of compression. Change the image, for example by another file in it.",
        details={"image": image.reference, "cause": "boot_code"},
    )


def _has_boot_code(path: Path) -> bool:
    """Return whether BIOS takes the first sector for boot code."""
    with path.open("rb") as file:
        return file.read(_SECTOR)[-len(_BOOT_SIGNATURE) :] == _BOOT_SIGNATURE


def _write_squashfs(
    image: ResolvedImage, layers: Sequence[Layer], path: Path, options: PullOptions, cache: Cache, level: int
) -> None:
    known: set[Position] = set()
    while True:
        with SquashfsWriter(path, cache.lock, level) as writer, path.with_name("spool").open("w+b") as spool:
            flattener = Flattener(writer.write, spool, options.limits, options.devices, frozenset(known))
            flatten_layers(image, layers, flattener, options, cache)
            if not flattener.replaced:
                flattener.finish()
                writer.finish()
                return
        known |= flattener.replaced  # complete: the second pass finds no further replaced entries


def flatten_layers(
    image: ResolvedImage, layers: Sequence[Layer], flattener: Flattener, options: PullOptions, cache: Cache
) -> None:
    """Feed all layers to the flattener; an error names the layer."""
    budget = Budget(options.limits)
    for index in reversed(range(len(layers))):
        layer = layers[index]
        with LayerStream(cache.blob_path(layer.digest), layer, options.limits, budget) as stream:
            try:
                flattener.add(index, stream)
            except LayerError as error:
                if error.cause == "limit":
                    raise _refusal(image, layer, layers, error) from None
                try:
                    stream.verify_blob()  # a damaged blob can cause any error
                except LayerError:
                    raise _DamagedBlobError(image, layer, layers) from None
                raise _refusal(image, layer, layers, error) from None


class _DamagedBlobError(GantryError):
    """A blob in the cache does not have the digest in its name."""

    def __init__(self, image: ResolvedImage, layer: Layer, layers: Sequence[Layer]) -> None:
        refusal = _refusal(image, layer, layers, LayerError("The blob is damaged or truncated.", "blob_damaged"))
        super().__init__(refusal.message, details=refusal.details)
        self.digest = layer.digest


def _refusal(image: ResolvedImage, layer: Layer, layers: Sequence[Layer], error: LayerError) -> GantryError:
    number = layers.index(layer) + 1
    return GantryError(
        f"The image '{image.reference}' cannot be used because of layer {number} of {len(layers)} ({layer.digest}). "
        f"{error.reason}",
        details={"image": image.reference, "cause": error.cause, "layer": layer.digest},
    )


@contextlib.contextmanager
def _plain_errors(image: ResolvedImage) -> Iterator[None]:
    """Turn errors of the operating system into errors of this image."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        where = f" ({error.filename})" if error.filename else ""
        advice = "Make room on the disk of the image cache or choose another" if full else "Check the image cache"
        raise GantryError(
            f"The image '{image.reference}' cannot be converted: {error.strerror or error}{where}. {advice}.",
            details={"image": image.reference, "cause": "no_space" if full else "cache"},
        ) from error
