# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test that the beginning of a disk is read from a stream-optimized VMDK, and nothing else of the stream."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.vmdk import GRAIN_BYTES, Region, write_vmdk
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.stream_disk import read_beginning

SIZE = 4096
CONTENT = bytes(range(256)) * (GRAIN_BYTES // 256)


def stream(tmp_path: Path, offset: int = 0) -> bytes:
    path = tmp_path / "disk.vmdk"
    with path.open("w+b", buffering=0) as file:
        assert isinstance(file, io.FileIO)
        region = Region(offset=offset, size=len(CONTENT), source=io.BytesIO(CONTENT))
        write_vmdk(file, 1 << 20, [region])
    return path.read_bytes()


def test_the_beginning_is_read_and_little_more(tmp_path: Path) -> None:
    source = io.BytesIO(stream(tmp_path))
    assert read_beginning(source.read, SIZE) == CONTENT[:SIZE]
    assert source.tell() < 3 * GRAIN_BYTES


@pytest.mark.parametrize("offset", [GRAIN_BYTES, 3 * GRAIN_BYTES])
def test_a_grain_that_is_not_sent_is_zero(tmp_path: Path, offset: int) -> None:
    assert read_beginning(io.BytesIO(stream(tmp_path, offset)).read, SIZE) == bytes(SIZE)


def test_a_disk_without_data_is_zero(tmp_path: Path) -> None:
    path = tmp_path / "empty.vmdk"
    with path.open("w+b", buffering=0) as file:
        assert isinstance(file, io.FileIO)
        write_vmdk(file, 1 << 20, [])
    assert read_beginning(io.BytesIO(path.read_bytes()).read, SIZE) == bytes(SIZE)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(lambda whole: b"<html>" + whole[6:], "not sent as a stream-optimized VMDK", id="another format"),
        pytest.param(lambda whole: whole[:8] + bytes(4) + whole[12:], "not sent as a stream", id="not compressed"),
        pytest.param(lambda whole: whole[:20] + b"\xff" * 8 + whole[28:], "damaged VMDK", id="size of a grain"),
        pytest.param(lambda whole: whole[:64] + bytes(8) + whole[72:], "damaged VMDK", id="no overhead"),
        pytest.param(lambda whole: whole[: 65536 + 8] + b"\xff" * 4 + whole[65536 + 12 :], "damaged", id="length"),
        pytest.param(lambda whole: whole[: 65536 + 12] + b"\xff" * 9 + whole[65536 + 21 :], "damaged", id="data"),
        pytest.param(lambda whole: whole[:100], "the stream ended early", id="in the header"),
        pytest.param(lambda whole: whole[:70000], "the stream ended early", id="in the grain"),
    ],
)
def test_another_stream_is_refused(tmp_path: Path, change: object, message: str) -> None:
    assert callable(change)
    changed = change(stream(tmp_path))
    with pytest.raises(GantryError, match=message):
        read_beginning(io.BytesIO(changed).read, SIZE)
