# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test that the bootstrap is built with the environment's Go, on PATH or not, and what its programs are linked with."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from guest.build.golang import SOURCE, environment, go_version
from guest.build.run import run


def test_go_is_found_without_the_environment_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shutil.which("go") is None
    assert go_version().startswith("go1.")


def test_only_the_program_for_tls_has_the_code_for_it() -> None:
    """Init is in the memory of every VM; crypto/tls would take 2 MiB of each."""
    linked = {
        name: set(run(["go", "list", "-mod=readonly", "-deps", f"./cmd/{name}"], cwd=SOURCE, env=environment()).split())
        for name in ("init", "syslogtls")
    }
    assert {"crypto/tls", "crypto/x509"} <= linked["syslogtls"]
    assert not {"crypto/tls", "crypto/x509"} & linked["init"]
