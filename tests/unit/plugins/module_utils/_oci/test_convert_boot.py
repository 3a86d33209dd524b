# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test that BIOS never takes the first sector of an image's disk for boot code."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.cache import Cache
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.convert import ImageDisk, ensure_disk
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.pull_options import PullOptions
from tests.support.builders.oci import BuiltImage, LayerArchive, build_layer
from tests.support.builders.registries import LiveRegistry

SIGNATURE = b"\x55\xaa"
# Where the data of the first file begins with the usual compression level, and with the other one.
STARTS = (102, 96)


def image_with(*positions: int) -> BuiltImage:
    """Build an image of one file that cannot be compressed, with the signature at these positions of the disk."""
    content = bytearray(random.Random(str(positions)).randbytes(1 << 18))
    for start, position in zip(STARTS, positions, strict=False):
        content[position - start : position - start + 2] = SIGNATURE
    return BuiltImage([build_layer(LayerArchive().file("data", bytes(content)), "gzip")])


def make(registry: LiveRegistry, cache: Cache, image: BuiltImage) -> ImageDisk:
    reference = registry.push(image, "convert/boot")
    return ensure_disk(reference, options=PullOptions(tls_verify=False), cache=cache, report=lambda _text: None)


def first_sector(disk: ImageDisk, folder: Path) -> bytes:
    raw = folder / "disk.raw"
    subprocess.run(["qemu-img", "convert", "-f", "vmdk", "-O", "raw", disk.vmdk, raw], check=True)
    return raw.read_bytes()[:512]


def test_the_bytes_of_a_file_can_be_at_the_place_of_the_signature(
    registry: LiveRegistry, cache: Cache, tmp_path: Path
) -> None:
    sector = first_sector(make(registry, cache, image_with(500)), tmp_path)
    assert sector[500:502] == SIGNATURE


def test_a_disk_that_bios_would_boot_is_compressed_otherwise(
    registry: LiveRegistry, cache: Cache, tmp_path: Path
) -> None:
    sector = first_sector(make(registry, cache, image_with(510)), tmp_path)
    assert sector[504:506] == SIGNATURE  # the same bytes of the file, elsewhere
    assert sector[510:] != SIGNATURE


def test_a_disk_that_bios_would_boot_in_any_case_is_refused(registry: LiveRegistry, cache: Cache) -> None:
    with pytest.raises(GantryError, match=r"convert/boot.*first sector.*boot code.*Change the image") as refusal:
        make(registry, cache, image_with(510, 510))
    assert refusal.value.details["cause"] == "boot_code"
    assert [*(cache.root / "work").iterdir(), *(cache.root / "disks").iterdir()] == []
