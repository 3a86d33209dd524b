# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A bootstrap ISO says its version itself; anything else is refused in words."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._bootstrap.iso import read_iso, version_of_name


def make_iso(folder: Path, application: str) -> Path:
    """A real, small ISO with that application id."""
    if shutil.which("xorriso") is None:
        pytest.skip("xorriso is not installed")
    source, path = folder / "source", folder / "made.iso"
    source.mkdir()
    (source / "file").write_text("content\n")
    command = ["xorriso", "-as", "mkisofs", "-quiet", "-appid", application, "-o", str(path), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    return path


def test_the_version_and_the_name_come_from_the_iso(tmp_path: Path) -> None:
    path = make_iso(tmp_path, "GANTRY-BOOTSTRAP 0.1.0-rc1")
    iso = read_iso(path)
    content = hashlib.sha256(path.read_bytes()).hexdigest()
    assert (iso.version, iso.size, iso.sha256) == ("0.1.0-rc1", path.stat().st_size, content)
    assert iso.name == f"gantry-bootstrap-0.1.0-rc1-{content[:12]}.iso"
    assert version_of_name(iso.name) == "0.1.0-rc1"


@pytest.mark.parametrize(
    "application", ["DEBIAN", "GANTRY-BOOTSTRAP ", "GANTRY-BOOTSTRAP ../../1", "GANTRY-BOOTSTRAP 1 2"]
)
def test_another_iso_is_refused(tmp_path: Path, application: str) -> None:
    with pytest.raises(GantryError, match="no bootstrap of gantry"):
        read_iso(make_iso(tmp_path, application))


@pytest.mark.parametrize("content", [b"", b"no iso", b"\0" * 40000])
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file.iso"
    path.write_bytes(content)
    with pytest.raises(GantryError, match="is not an ISO image"):
        read_iso(path)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(GantryError, match=r"nothing\.iso' cannot be read .*: No such file or directory"):
        read_iso(tmp_path / "nothing.iso")


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
