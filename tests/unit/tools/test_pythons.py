# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the search for interpreters that start, have the required version and can create environments."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from devkit.console import ToolError
from tools import apt, pythons

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the only folder on PATH; there is no pyenv."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "no-pyenv"))
    monkeypatch.delenv("GANTRY_PYTHON", raising=False)
    monkeypatch.setattr(pythons, "PACKAGED", tmp_path / "packaged")
    return tmp_path


def broken_shim(place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("#!/bin/sh\necho 'command not found' >&2\nexit 127\n")
    place.chmod(0o755)


def test_one_on_path_is_found(path: Path) -> None:
    (path / f"python{VERSION}").symlink_to(sys.executable)
    assert pythons.find(VERSION) == Path(sys.executable).resolve()


def test_a_broken_shim_is_skipped_for_an_interpreter_of_pyenv(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken_shim(path / f"python{VERSION}")
    own = path / "pyenv" / "versions" / f"{VERSION}.1" / "bin" / f"python{VERSION}"
    own.parent.mkdir(parents=True)
    own.symlink_to(sys.executable)
    monkeypatch.setenv("PYENV_ROOT", str(path / "pyenv"))
    assert pythons.find(VERSION) == own


def test_an_interpreter_with_a_wrong_version_is_not_used(path: Path) -> None:
    (path / "python3.99").symlink_to(sys.executable)
    assert pythons.find("3.99") is None


def test_a_missing_interpreter_is_reported_with_the_package_to_install(path: Path) -> None:
    with pytest.raises(ToolError, match=r"apt-get install python3\).*GANTRY_PYTHON"):
        pythons.preferred()


@pytest.fixture
def bare(path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Create the only interpreter, as on a bare Debian: without ensurepip until the package "venv" is installed."""
    (path / "without" / "ensurepip").mkdir(parents=True)
    (path / "without" / "ensurepip" / "__init__.py").write_text("raise ImportError('split off')\n")
    python = path / "packaged" / f"python{VERSION}"
    python.parent.mkdir()
    python.write_text(
        f'#!/bin/sh\n[ -e {path}/venv ] || export PYTHONPATH={path}/without\nexec {sys.executable} "$@"\n'
    )
    python.chmod(0o755)
    monkeypatch.setattr(pythons, "PREFERRED", (VERSION,))
    return python


@pytest.fixture
def installed(path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replace apt and return the packages that were requested; any of them provides ensurepip."""
    names: list[str] = []

    def install(packages: Sequence[str]) -> None:
        names.extend(packages)
        (path / "venv").touch()

    monkeypatch.setattr(apt, "install", install)
    return names


def test_the_interpreter_of_the_distribution_is_completed_if_there_is_no_other(
    bare: Path, installed: list[str]
) -> None:
    assert pythons.find(VERSION) is None
    assert pythons.preferred() == bare
    assert installed == [f"python{VERSION}-venv"]
    assert pythons.find(VERSION) == bare
    assert pythons.preferred() == bare
    assert len(installed) == 1


def test_a_complete_interpreter_is_preferred(
    path: Path, bare: Path, installed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    own = path / "pyenv" / "versions" / f"{VERSION}.1" / "bin" / f"python{VERSION}"
    own.parent.mkdir(parents=True)
    own.symlink_to(sys.executable)
    monkeypatch.setenv("PYENV_ROOT", str(path / "pyenv"))
    assert pythons.preferred() == own
    assert installed == []


def test_a_package_that_does_not_help_is_an_error(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apt, "install", lambda packages: None)
    with pytest.raises(ToolError, match=rf"cannot import ensurepip although python{VERSION}-venv is installed"):
        pythons.preferred()


def test_the_variable_overrides_the_choice(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANTRY_PYTHON", "/opt/python")
    assert pythons.preferred() == Path("/opt/python")
