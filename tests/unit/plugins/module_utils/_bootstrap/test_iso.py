# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test that a bootstrap ISO contains its version, and that other files are refused with a reason."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._bootstrap.iso import (
    HEAD_BYTES,
    find_damage,
    read_iso,
    version_of_name,
)


def make_iso(folder: Path, application: str, *more: str) -> Path:
    """Create a small, real ISO with that application id."""
    source, path = folder / "source", folder / "made.iso"
    source.mkdir()
    (source / "file").write_text("content\n")
    command = ["xorriso", "-as", "mkisofs", "-quiet", "-appid", application, *more, "-o", str(path), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    return path


def test_the_version_and_the_name_come_from_the_iso(tmp_path: Path) -> None:
    path = make_iso(tmp_path, "GANTRY-BOOTSTRAP 0.1.0-rc1")
    iso = read_iso(path, "The ISO")
    content = hashlib.sha256(path.read_bytes()).hexdigest()
    assert (iso.version, iso.size, iso.sha256) == ("0.1.0-rc1", path.stat().st_size, content)
    assert iso.name == f"gantry-bootstrap-0.1.0-rc1-{content[:12]}.iso"
    assert version_of_name(iso.name) == "0.1.0-rc1"


@pytest.mark.parametrize(
    "application", ["DEBIAN", "GANTRY-BOOTSTRAP ", "GANTRY-BOOTSTRAP ../../1", "GANTRY-BOOTSTRAP 1 2"]
)
def test_another_iso_is_refused(tmp_path: Path, application: str) -> None:
    with pytest.raises(GantryError, match="not a gantry bootstrap ISO"):
        read_iso(make_iso(tmp_path, application), "The ISO")


@pytest.mark.parametrize("content", [b"", b"no iso", b"\0" * 40000])
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file.iso"
    path.write_bytes(content)
    with pytest.raises(GantryError, match="is not an ISO image"):
        read_iso(path, "The ISO")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return make_iso(tmp_path_factory.mktemp("whole"), "GANTRY-BOOTSTRAP 1.0.0").read_bytes()


@given(st.data())
def test_an_iso_truncated_anywhere_is_refused(whole: bytes, data: st.DataObject) -> None:
    size = data.draw(st.integers(0, len(whole) - 1))
    assert find_damage(whole[: min(size, HEAD_BYTES)], size) is not None


@pytest.mark.parametrize("missing", [1, 2048, 300 * 1024, 301 * 1024])
def test_the_message_says_what_is_missing(tmp_path: Path, whole: bytes, missing: int) -> None:
    path = tmp_path / "cut.iso"
    path.write_bytes(whole[:-missing])
    found = len(whole) - missing
    with pytest.raises(
        GantryError, match=f"is incomplete: its descriptor says {len(whole)} bytes, and the file has {found}"
    ):
        read_iso(path, "The ISO")


@pytest.mark.parametrize("size", [17 * 2048, 18 * 2048 - 1])
def test_an_iso_that_ends_in_its_descriptors_is_refused(tmp_path: Path, whole: bytes, size: int) -> None:
    path = tmp_path / "cut.iso"
    path.write_bytes(whole[:size])
    with pytest.raises(GantryError, match=f"the file has {size}\\."):
        read_iso(path, "The ISO")


@pytest.mark.parametrize("padding", [1, 2048, 1 << 20])
def test_padding_after_an_iso_is_allowed(tmp_path: Path, whole: bytes, padding: int) -> None:
    path = tmp_path / "padded.iso"
    path.write_bytes(whole + bytes(padding))
    assert read_iso(path, "The ISO").size == len(whole) + padding


def test_the_size_of_another_volume_descriptor_counts_too(tmp_path: Path) -> None:
    """Check it with Joliet, which has its own descriptor."""
    path = make_iso(tmp_path, "GANTRY-BOOTSTRAP 1.0.0", "-J")
    data = bytearray(path.read_bytes())
    read_iso(path, "The ISO")
    supplementary = next(sector for sector in range(16, 32) if data[sector * 2048] == 2) * 2048
    data[supplementary + 80 : supplementary + 88] = (1 << 20).to_bytes(4, "little") + (1 << 20).to_bytes(4, "big")
    path.write_bytes(data)
    with pytest.raises(GantryError, match="its descriptor says 2147483648 bytes"):
        read_iso(path, "The ISO")


DAMAGES: dict[str, tuple[int, bytes, str]] = {
    "one spelling of the size": (16 * 2048 + 80, b"\1\0\0\0", "in sector 16 contradicts itself"),
    "no size": (16 * 2048 + 80, bytes(8), "in sector 16 contradicts itself"),
    "no block size": (16 * 2048 + 128, bytes(4), "in sector 16 contradicts itself"),
    "no second descriptor": (17 * 2048, bytes(2048), "sector 17 is not a descriptor"),
    "no end": (17 * 2048, (b"\3CD001\1" + bytes(2041)) * 15, "its list of descriptors has no end"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_invalid_descriptors_are_refused(tmp_path: Path, whole: bytes, name: str) -> None:
    offset, patch, message = DAMAGES[name]
    path = tmp_path / "damaged.iso"
    path.write_bytes(whole[:offset] + patch + whole[offset + len(patch) :])
    with pytest.raises(GantryError, match=message):
        read_iso(path, "The ISO")


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(GantryError, match=r"The ISO cannot be read .*: No such file or directory"):
        read_iso(tmp_path / "nothing.iso", "The ISO")


@pytest.mark.parametrize(
    "name",
    [
        "gantry-bootstrap-0.1.0-0123456789ab.iso.part-01234567",
        "gantry-bootstrap-0.1.0-0123456789AB.iso",
        "gantry-bootstrap-0.1.0-RC-0123456789ab.iso",
        "gantry-bootstrap--0123456789ab.iso",
        "debian.iso",
    ],
)
def test_other_files_have_no_version(name: str) -> None:
    assert version_of_name(name) is None


def test_a_version_may_have_dashes() -> None:
    assert version_of_name("gantry-bootstrap-1.0-rc-2-0123456789ab.iso") == "1.0-rc-2"
