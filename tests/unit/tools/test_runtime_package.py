# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test that the runtime package is reproducible, and that its files are found and can be run where it is installed."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from devkit.console import ToolError
from guest.build.bootstrap import Build
from tests.support.lab.iso import make_iso
from tools import collection, environment, runtime_package
from tools.components import Component

PARTS = [
    Component("deb", "linux-image-1", "1-2", "GPL-2.0-only", "apt-get source linux=1-2", {"copyright": b"Linux"}),
    Component("golang", "example.org/a", "v1.0.0", "MIT", "go mod download example.org/a@v1.0.0", {"LICENSE": b"MIT"}),
]


def built(iso: Path) -> Build:
    content = iso.read_bytes()
    manifest = {
        "sha256": {"iso": hashlib.sha256(content).hexdigest()},
        "bytes": {"iso": len(content)},
        "kernel_version": "1-cloud",
    }
    return Build(iso=iso, kernel=iso, initrd=iso, version="9.9.1", manifest=manifest)


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "gantry-compose"
    path.write_text("#!/bin/sh\necho it runs\n")
    return path


@pytest.fixture
def bootstrap(tmp_path: Path) -> Build:
    return built(make_iso(tmp_path, "9.9.1"))


def test_two_builds_are_equal(bootstrap: Build, program: Path, tmp_path: Path) -> None:
    first = runtime_package.build(tmp_path / "a", bootstrap, program, PARTS)
    os.utime(bootstrap.iso, (1, 1))
    umask = os.umask(0o077)
    try:
        second = runtime_package.build(tmp_path / "b", bootstrap, program, PARTS)
    finally:
        os.umask(umask)
    assert first.name == f"gantry_vsphere_runtime-{collection.version()}-py3-none-any.whl"
    assert first.read_bytes() == second.read_bytes()


def test_the_installed_package_finds_its_files(bootstrap: Build, program: Path, tmp_path: Path) -> None:
    wheel = runtime_package.build(tmp_path / "dist", bootstrap, program, PARTS)
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    code = "import gantry_vsphere_runtime as g; print(g.bootstrap_iso(), g.bootstrap_sha256(), g.facts()['version'])"
    shown = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(site)}, capture_output=True, text=True, check=True
    ).stdout
    path, sha256, version = shown.split()
    assert path.startswith(str(site))
    assert hashlib.sha256(Path(path).read_bytes()).hexdigest() == sha256 == bootstrap.manifest["sha256"]["iso"]
    assert version == "9.9.1"


def test_the_installed_program_can_be_run(bootstrap: Build, program: Path, tmp_path: Path) -> None:
    wheel = runtime_package.build(tmp_path / "dist", bootstrap, program, PARTS)
    venv = tmp_path / "venv"
    subprocess.run([environment.uv(), "venv", "-q", "--python", sys.executable, venv], check=True)
    python = venv / "bin" / "python"
    install = [environment.uv(), "pip", "install", "-q", "--offline", "--no-deps", "--python", python, wheel]
    subprocess.run(install, check=True)
    code = "import gantry_vsphere_runtime as g, subprocess; subprocess.run([g.compose_program()], check=True)"
    assert subprocess.run([python, "-c", code], capture_output=True, check=True).stdout == b"it runs\n"


def test_a_module_of_two_programs_has_the_licenses_of_both(bootstrap: Build, program: Path, tmp_path: Path) -> None:
    other = replace(PARTS[1], version="v2.0.0", texts={"LICENSE": b"MIT, later"})
    wheel = zipfile.ZipFile(runtime_package.build(tmp_path / "dist", bootstrap, program, [*PARTS, other]))
    texts = {name.partition("licenses/licenses/")[2]: wheel.read(name) for name in wheel.namelist()}
    assert texts["example.org/a/LICENSE"] == b"MIT"
    assert texts["example.org/a/LICENSE-v2.0.0"] == b"MIT, later"


def test_the_package_has_the_licenses_and_sources_of_its_parts(bootstrap: Build, program: Path, tmp_path: Path) -> None:
    wheel = zipfile.ZipFile(runtime_package.build(tmp_path / "dist", bootstrap, program, PARTS))
    texts = {name.partition("licenses/licenses/")[2]: wheel.read(name) for name in wheel.namelist()}
    assert texts["linux-image-1/copyright"] == b"Linux"
    assert texts["example.org/a/LICENSE"] == b"MIT"
    sources = texts["SOURCES.md"].decode()
    assert "| linux-image-1 | 1-2 | GPL-2.0-only | `apt-get source linux=1-2` |" in sources
    assert "Written offer" in sources
    assert "@" not in sources.partition("## Source code")[0].replace("example.org/a@v1.0.0", "")
    for name, version in (("GPL-2", b"Version 2, June 1991"), ("GPL-3", b"Version 3, 29 June 2007")):
        assert version in texts[name]


def test_another_version_than_the_collections_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "0.0.9"\n')
    monkeypatch.setattr(runtime_package, "SOURCE", tmp_path)
    with pytest.raises(ToolError, match=r"has version 0\.0\.9, and galaxy\.yml has"):
        runtime_package.check_version()
