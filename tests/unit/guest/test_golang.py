# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test that the bootstrap is built with the environment's Go, whether or not it is on PATH."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from guest.build.golang import go_version


def test_go_is_found_without_the_environment_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shutil.which("go") is None
    assert go_version().startswith("go1.")
