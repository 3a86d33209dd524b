# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test that the built collection contains all files for users and no development files."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from devkit.console import ToolError
from tools import collection


def test_files_for_users_are_included() -> None:
    assert collection.unexpected(["README.md", "plugins/modules/container_vm.py", "docs/docsite/rst/guide.rst"]) == []


@pytest.mark.parametrize(
    "name",
    ["tests/support/builders/oci.py", "docs/developers/lab.md", ".github/workflows/ci.yml", "plugins.txt", "metal"],
)
def test_development_files_are_excluded(name: str) -> None:
    assert collection.unexpected(["README.md", name]) == [name]


def test_an_archive_with_additional_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_a.py").touch()
    archive = tmp_path / "a.tar.gz"
    with tarfile.open(archive, "w:gz") as opened:
        opened.add(tmp_path / "tests", "tests")
    with pytest.raises(ToolError, match=r"1 files that are not for users, such as tests/test_a\.py.*build_ignore"):
        collection.check_contents(archive)
