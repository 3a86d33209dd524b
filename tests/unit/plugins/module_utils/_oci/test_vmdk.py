# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the VMDK by reading it back with qemu-img, as an independent check."""

from __future__ import annotations

import io
import json
import random
import struct
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.gantry.vsphere.plugins.module_utils._oci.vmdk import GRAIN_BYTES, Region, write_vmdk

MIB = 1 << 20


def make_vmdk(capacity: int, parts: list[tuple[int, bytes]]) -> bytes:
    with tempfile.TemporaryFile(buffering=0) as output:
        assert isinstance(output, io.FileIO)
        size = write_vmdk(output, capacity, [Region(offset, io.BytesIO(data), len(data)) for offset, data in parts])
        output.seek(0)
        vmdk = output.read()
    assert size == len(vmdk)
    return vmdk


def raw_disk(capacity: int, parts: list[tuple[int, bytes]]) -> bytes:
    disk = bytearray(capacity)
    for offset, data in parts:
        disk[offset : offset + len(data)] = data
    return bytes(disk)


def qemu_read(vmdk: bytes, folder: Path) -> bytes:
    source, target = folder / "disk.vmdk", folder / "disk.raw"
    source.write_bytes(vmdk)
    subprocess.run(["qemu-img", "check", "-q", "-f", "vmdk", source], check=True)
    subprocess.run(["qemu-img", "convert", "-f", "vmdk", "-O", "raw", source, target], check=True)
    return target.read_bytes()


def noise(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


CASES: dict[str, tuple[int, list[tuple[int, bytes]]]] = {
    "empty": (MIB, []),
    "full": (MIB, [(0, noise(MIB))]),
    "a squashfs and a footer": (2 * MIB, [(0, noise(MIB + 12345)), (2 * MIB - 4096, noise(4096, 2))]),
    "a footer in the last grain of the data": (MIB, [(0, noise(MIB - 8192)), (MIB - 4096, noise(4096, 2))]),
    "a hole": (4 * MIB, [(MIB + 5, b"a"), (3 * MIB, noise(70000))]),
    "compressible": (MIB, [(0, b"abc" * 300_000)]),
    "more than one grain table": (80 * MIB, [(0, noise(MIB)), (79 * MIB, noise(MIB))]),
}


@pytest.mark.parametrize("name", CASES)
def test_qemu_reads_back_what_was_written(name: str, tmp_path: Path) -> None:
    capacity, parts = CASES[name]
    assert qemu_read(make_vmdk(capacity, parts), tmp_path) == raw_disk(capacity, parts)


def test_the_format_is_stream_optimized(tmp_path: Path) -> None:
    path = tmp_path / "disk.vmdk"
    path.write_bytes(make_vmdk(MIB, [(0, noise(MIB))]))
    command = ["qemu-img", "info", "--output=json", str(path)]
    facts = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    assert facts["virtual-size"] == MIB
    assert facts["format-specific"]["data"]["create-type"] == "streamOptimized"
    assert facts["format-specific"]["data"]["parent-cid"] == 0xFFFFFFFF


def test_the_stream_ends_with_a_footer_and_its_directory_is_found_from_there() -> None:
    """Check it as a reader that cannot seek, such as an import lease."""
    vmdk = make_vmdk(MIB, [(0, noise(MIB))])
    assert vmdk[-512:] == bytes(512)
    footer = vmdk[-1024:-512]
    header_directory, footer_directory = (struct.unpack_from("<Q", block, 56)[0] for block in (vmdk[:512], footer))
    assert header_directory == 0xFFFFFFFFFFFFFFFF
    (table,) = struct.unpack_from("<I", vmdk, footer_directory * 512)
    (first_grain,) = struct.unpack_from("<I", vmdk, table * 512)
    assert struct.unpack_from("<Q", vmdk, first_grain * 512) == (0,)


def test_the_same_content_gives_the_same_bytes_and_other_content_another_id() -> None:
    def content_id(vmdk: bytes) -> bytes:
        return vmdk[512 : 512 + 1024].split(b"CID=")[1][:8]

    first, second = make_vmdk(MIB, [(0, noise(5000))]), make_vmdk(MIB, [(0, noise(5000))])
    assert first == second
    assert content_id(first) != content_id(make_vmdk(MIB, [(0, noise(5000, 2))]))
    assert content_id(first) != content_id(make_vmdk(MIB, [(GRAIN_BYTES, noise(5000))]))
    assert content_id(make_vmdk(MIB, [])) not in (b"00000000", b"ffffffff")


def test_a_source_that_is_too_short_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EOFError, match="10 bytes early"), (tmp_path / "disk").open("wb", buffering=0) as output:
        write_vmdk(output, MIB, [Region(0, io.BytesIO(b"x" * 90), 100)])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 300_000), st.integers(0, 200_000)), max_size=4))
def test_any_regions_read_back(tmp_path_factory: pytest.TempPathFactory, gaps: list[tuple[int, int]]) -> None:
    parts, position = [], 0
    for number, (gap, size) in enumerate(gaps):
        parts.append((position + gap, noise(size, number)))
        position += gap + size
    capacity = 2 * MIB
    folder = tmp_path_factory.mktemp("vmdk")
    assert qemu_read(make_vmdk(capacity, parts), folder) == raw_disk(capacity, parts)
