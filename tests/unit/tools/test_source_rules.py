# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the repository's own rules: each violation is reported with its line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tools import source_rules

HEADER = """\
# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Check = Callable[[str, str], list[str]]
# Split into pieces, as in the rules themselves, because this file has to follow them.
INDEX_HOST = "pypi" + ".org"
HOME = "/root" + "/"


@pytest.fixture
def problems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Check:
    monkeypatch.setattr(source_rules, "ROOT", tmp_path)

    def check(name: str, content: str) -> list[str]:
        path = tmp_path / name
        path.write_text(content)
        return source_rules.problems(path)

    return check


def test_a_file_with_the_header_passes(problems: Check) -> None:
    assert problems("good.py", HEADER + "print(1)\n") == []


@pytest.mark.parametrize("name", ["a.py", "a.go", "a.yml", "Makefile"])
def test_source_without_a_header_is_reported(problems: Check, name: str) -> None:
    assert problems(name, "x = 1\n") == [f"{name}:1: no copyright and license header in the first 8 lines"]


@pytest.mark.parametrize("name", ["go.sum", "data.json"])
def test_data_needs_no_header(problems: Check, name: str) -> None:
    assert problems(name, "x\n") == []


def test_a_registry_host_is_reported_with_its_line(problems: Check) -> None:
    (problem,) = problems("a.py", HEADER + f"URL = 'https://{INDEX_HOST}/simple'\n")
    assert problem == f"a.py:4: names the host of a package registry: {INDEX_HOST}"


def test_a_machine_path_is_reported_with_its_line(problems: Check) -> None:
    (problem,) = problems("a.txt", f"see {HOME}notes\n")
    assert problem.startswith("a.txt:1: names a path of a development machine")


def test_a_longer_word_that_ends_like_a_host_passes(problems: Check) -> None:
    assert problems("a.txt", f"my{INDEX_HOST} and chroot{HOME}x\n") == []
