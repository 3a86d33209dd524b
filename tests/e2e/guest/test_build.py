# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test that the build of the bootstrap is reproducible."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from guest.build.bootstrap import DEFAULT_CACHE, Build, build

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def elsewhere(bootstrap: Build, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build from a copy of the sources in another directory, with another umask and environment."""
    root = tmp_path_factory.mktemp("elsewhere")
    copy = root / "a clone"
    for package in ("devkit", "guest"):
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    cache = root / "cache"
    # Avoid another download of the kernel's package.
    shutil.copytree(DEFAULT_CACHE / "packages", cache / "packages")
    environment = {
        **os.environ,
        "TZ": "Asia/Tokyo",
        "LC_ALL": "C.UTF-8",
        "TMPDIR": str(root),
        "SOURCE_DATE_EPOCH": "1",
        "GOFLAGS": "-race",
        "MTOOLS_LOWER_CASE": "1",
    }
    subprocess.run(
        ["bash", "-c", 'umask 077; exec "$@"', "build", sys.executable, "-m", "guest.build", "--cache", str(cache)],
        cwd=copy,
        env=environment,
        check=True,
        capture_output=True,
    )
    (manifest,) = cache.glob("*/manifest.json")
    return manifest.parent


@pytest.mark.parametrize("name", ["manifest.json", "vmlinuz", "initrd", "gantry-bootstrap.iso"])
def test_two_builds_are_equal(bootstrap: Build, elsewhere: Path, name: str) -> None:
    assert (elsewhere / name).read_bytes() == (bootstrap.iso.parent / name).read_bytes()


def test_build_is_named_by_its_inputs(bootstrap: Build, elsewhere: Path) -> None:
    assert elsewhere.name == bootstrap.iso.parent.name == bootstrap.manifest["inputs"]


def test_second_build_is_taken_from_the_cache(bootstrap: Build) -> None:
    before = bootstrap.iso.stat()
    again = build()
    assert again == bootstrap
    assert again.iso.stat().st_mtime_ns == before.st_mtime_ns
    assert again.iso.stat().st_ino == before.st_ino
