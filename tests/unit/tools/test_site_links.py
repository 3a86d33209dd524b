# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test that links that lead nowhere are found, in HTML and in Markdown, and others are not."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tools import site_links

OTHER = '<h1 id="top">Top</h1><a name="old"></a>'


def problems(folder: Path, body: str) -> list[str]:
    (folder / "guide").mkdir()
    (folder / "guide" / "other.html").write_text(OTHER)
    (folder / "index.html").write_text(body)
    return site_links.broken(site_links.of_site(folder))


@pytest.mark.parametrize(
    "body",
    [
        '<a href="guide/other.html">page</a>',
        '<a href="guide/other.html#top">anchor</a>',
        '<a href="guide/other.html#old">old anchor</a>',
        '<p id="here"></p><a href="#here">this page</a>',
        '<a href="#">this page</a>',
        '<a href="https://docs.example.org/page#part">other site</a>',
        '<a href="mailto:someone@example.org">mail</a>',
        '<img src="data:image/png;base64,AAAA">',
    ],
)
def test_links_that_lead_somewhere_are_accepted(tmp_path: Path, body: str) -> None:
    assert problems(tmp_path, body) == []


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ('<a href="missing.html">page</a>', "missing.html: there is no such file"),
        ('<img src="guide/missing.svg">', "guide/missing.svg: there is no such file"),
        ('<object data="missing.svg"></object>', "missing.svg: there is no such file"),
        ('<a href="guide/other.html#bottom">anchor</a>', "guide/other.html#bottom: the page has no such anchor"),
        ('<a href="#nowhere">this page</a>', "#nowhere: the page has no such anchor"),
        ('<a href="https://docs">other site</a>', "https://docs: is not an address"),
        ('<a href="ftp://docs.example.org/">other site</a>', "ftp://docs.example.org/: is neither http nor https"),
    ],
)
def test_links_that_lead_nowhere_are_found(tmp_path: Path, body: str, problem: str) -> None:
    assert problems(tmp_path, body) == [f"{tmp_path / 'index.html'}: {problem}"]


def test_markdown_links_are_checked_outside_of_code(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# Where do I put X?\n[b](b.md) [top](#where-do-i-put-x) `[no](link)`\n")
    (tmp_path / "b.md").write_text("```\n[no](link)\n```\n[a](a.md#where-do-i-put-x) [c](c.md) [d](a.md#missing)\n")
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    subprocess.run(["git", "add", "."], cwd=tmp_path, check=True)
    assert site_links.broken(site_links.of_markdown(tmp_path)) == [
        f"{tmp_path / 'b.md'}: c.md: there is no such file",
        f"{tmp_path / 'b.md'}: a.md#missing: the page has no such anchor",
    ]
