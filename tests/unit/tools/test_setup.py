# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test that setup installs missing packages and compiles at the same time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from devkit.console import ToolError
from tools import apt, setup


@pytest.fixture
def venv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Create an environment whose python logs its arguments and waits for the packages; bindep lists two."""
    monkeypatch.setattr(setup, "VENV", tmp_path)
    (tmp_path / "bin").mkdir()
    for name, script in (
        ("bindep", 'cat "$(dirname "$0")/../missing"; exit 1'),
        ("python", f'echo "$@" > {tmp_path}/called; while [ ! -e {tmp_path}/installed ]; do sleep 0.01; done'),
    ):
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / "missing").write_text("skopeo\nxorriso\n")
    return tmp_path


@pytest.fixture
def installed(venv: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replace apt and return the packages that were requested."""
    names: list[str] = []

    def install(packages: Sequence[str]) -> None:
        names.extend(packages)
        (venv / "installed").touch()

    monkeypatch.setattr(apt, "install", install)
    return names


def test_the_vcenter_compiles_while_packages_are_installed(venv: Path, installed: list[str]) -> None:
    setup._install_packages()
    assert installed == ["skopeo", "xorriso"]
    assert (venv / "called").read_text() == "-m lab.vcenter_binary\n"


def test_without_certificates_nothing_is_downloaded_for_compiling(venv: Path, installed: list[str]) -> None:
    (venv / "missing").write_text("ca-certificates\n")
    setup._install_packages()
    assert installed == ["ca-certificates"]
    assert not (venv / "called").exists()


def test_a_compile_error_is_reported_and_the_packages_are_checked_again(venv: Path, installed: list[str]) -> None:
    (venv / "bin" / "python").write_text("#!/bin/sh\necho 'error: It does not build.'; exit 1\n")
    for _run in range(2):
        with pytest.raises(ToolError, match=r"^It does not build\.$"):
            setup._install_packages()
    assert installed == ["skopeo", "xorriso"] * 2


def test_nothing_is_checked_again_if_nothing_has_changed(venv: Path, installed: list[str]) -> None:
    setup._install_packages()
    setup._install_packages()
    assert len(installed) == 2
