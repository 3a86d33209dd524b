# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test that each page of the documentation site is listed where readers and antsibull-docs look for it."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from devkit.console import ROOT

DOCSITE = ROOT / "docs" / "docsite"
PAGES = sorted((DOCSITE / "rst").glob("*.rst"))


def test_each_page_is_in_exactly_one_table_of_contents() -> None:
    sections = yaml.safe_load((DOCSITE / "extra-docs.yml").read_text())["sections"]
    listed = [name for section in sections for name in section["toctree"]]
    assert sorted(listed) == [page.stem for page in PAGES]


def test_each_page_has_the_label_that_other_pages_refer_to() -> None:
    def label(page: Path) -> str:
        return f".. _ansible_collections.gantry.vsphere.docsite.{page.stem}:"

    assert [page.name for page in PAGES if label(page) not in page.read_text().splitlines()] == []


def test_the_readme_links_to_each_page() -> None:
    linked = re.findall(r"docs/docsite/rst/(\w+)\.rst", (ROOT / "README.md").read_text())
    assert set(linked) == {page.stem for page in PAGES}
