# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test how the bootstrap ISO of the runtime package is found, and that checksums are compared."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._bootstrap.model import (
    BootstrapRequest,
    LocalFile,
    RuntimePackage,
    Source,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._bootstrap.observe_source import read_source
from tests.support.lab.iso import make_iso


def request(source: Source | None, checksum: str | None = None) -> BootstrapRequest:
    return BootstrapRequest(True, source, checksum, version=None, datacenter=None, datastore=None)


@pytest.fixture
def iso(tmp_path: Path) -> Path:
    return make_iso(tmp_path, "9.9.1")


def install_package(folder: Path, iso: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write a package as the wheel has it, and make it importable."""
    package = folder / "site" / "gantry_vsphere_runtime"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(
        f"from pathlib import Path\n\n\ndef bootstrap_iso():\n    return Path({str(iso)!r})\n\n\n"
        f"def bootstrap_sha256():\n    return {hashlib.sha256(iso.read_bytes()).hexdigest()!r}\n"
    )
    monkeypatch.syspath_prepend(str(package.parent))
    monkeypatch.delitem(sys.modules, "gantry_vsphere_runtime", raising=False)


def test_the_runtime_package_is_found(tmp_path: Path, iso: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_package(tmp_path, iso, monkeypatch)
    found = read_source(request(RuntimePackage()))
    assert found is not None
    assert (found.version, found.sha256) == ("9.9.1", hashlib.sha256(iso.read_bytes()).hexdigest())
    monkeypatch.delitem(sys.modules, "gantry_vsphere_runtime")


def test_without_the_package_the_message_names_it_and_the_other_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    # None makes Python's import fail as if it were not installed.
    monkeypatch.setitem(sys.modules, "gantry_vsphere_runtime", None)
    with pytest.raises(GantryError) as refusal:
        read_source(request(RuntimePackage()))
    for part in (
        "pip install gantry-vsphere-runtime",
        sys.executable,
        "a path",
        "https:// URL with checksum",
        "oci://",
    ):
        assert part in refusal.value.message


def test_a_damaged_package_is_reported(tmp_path: Path, iso: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_package(tmp_path, iso, monkeypatch)
    iso.write_bytes(iso.read_bytes()[:-1] + b"x")
    with pytest.raises(GantryError, match="of the Python package gantry-vsphere-runtime has the checksum"):
        read_source(request(RuntimePackage()))
    monkeypatch.delitem(sys.modules, "gantry_vsphere_runtime")


def test_the_checksum_of_a_file_is_compared(iso: Path) -> None:
    right = hashlib.sha256(iso.read_bytes()).hexdigest()
    assert read_source(request(LocalFile(iso), right)) is not None
    with pytest.raises(GantryError, match=f"has the checksum sha256:{right}, not sha256:{'0' * 64}"):
        read_source(request(LocalFile(iso), "0" * 64))


def test_a_removal_by_version_reads_nothing() -> None:
    assert read_source(request(None)) is None
