# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test that the list of what is not proven can be referred to by numbers, and has an experiment for each row."""

from __future__ import annotations

import re

from devkit.console import ROOT

PAGE = (ROOT / "docs" / "docsite" / "rst" / "not_proven.rst").read_text()
ROW = re.compile(r"^   \* - ([A-Z]\d+)\n((?:     .*\n)+)", re.MULTILINE)


def test_each_row_has_the_next_number_of_its_table_and_an_experiment() -> None:
    rows = ROW.findall(PAGE)
    expected: list[str] = []
    for number, cells in rows:
        expected.append(f"{number[0]}{1 + sum(one[0] == number[0] for one in expected)}")
        assert len(re.findall(r"^     - ", cells, re.MULTILINE)) == 2, number
    assert [number for number, _cells in rows] == expected
    assert len(rows) == PAGE.count("   * - ") - PAGE.count("   * - No.\n") > 30


def test_the_places_that_the_page_refers_to_exist() -> None:
    for name in ("lab/vcenter/README.md", "docs/developers/lab.md"):
        assert name in PAGE
        assert (ROOT / name).is_file()
    assert "### What only a real vCenter can settle" in (ROOT / "docs" / "developers" / "lab.md").read_text()
    sources = (ROOT / "lab" / "vcenter" / "internal").rglob("*.go")
    assert any("unconfirmed" in path.read_text().lower() for path in sources)
