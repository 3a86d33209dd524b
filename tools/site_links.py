# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The links of HTML and Markdown pages, and which of them lead nowhere. Pages of other sites are not visited."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

_HOST = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+")
# Addresses that are no pages: contents in the link itself, and mail.
_NOT_PAGES = frozenset({"data", "mailto"})
_CODE = re.compile(r"^(```|~~~).*?^\1|`[^`\n]*`", re.MULTILINE | re.DOTALL)
_MARKDOWN_LINK = re.compile(r"\]\(([^()\s]+)\)")
_MARKDOWN_HEADING = re.compile(r"^#+ +(.*?)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Link:
    """A link as it is written in a page."""

    page: Path
    target: str

    @property
    def parts(self) -> SplitResult:
        return urlsplit(self.target)

    @property
    def external(self) -> bool:
        return self.parts.scheme in ("http", "https")


class _Page(HTMLParser):
    """Collect the anchors of an HTML page and what it links to or loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.targets: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" or (name == "name" and tag == "a"):
                self.anchors.add(value or "")
            elif name in ("href", "src") or (name == "data" and tag == "object"):
                self.targets.append(value or "")


def of_site(folder: Path) -> list[Link]:
    """Return the links of all HTML pages of a folder."""
    return [Link(page, target) for page in sorted(folder.rglob("*.html")) for target in _html(page).targets]


def of_markdown(root: Path) -> list[Link]:
    """Return the links of the Markdown pages that git tracks."""
    command = ["git", "ls-files", "-z", "*.md"]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    pages = [root / name for name in listed.split("\0") if name]
    return [
        Link(page, target)
        for page in pages
        if page.is_file()
        for target in _MARKDOWN_LINK.findall(_CODE.sub("", page.read_text()))
    ]


def broken(links: Iterable[Link]) -> list[str]:
    """Return a line for each link that leads nowhere, or cannot lead anywhere."""
    found = ((link, _problem(link)) for link in links)
    return [f"{link.page}: {link.target}: {problem}" for link, problem in found if problem]


def _problem(link: Link) -> str | None:
    parts = link.parts
    if link.external:
        return None if _HOST.fullmatch(parts.hostname or "") and " " not in link.target else "is not an address"
    if parts.scheme in _NOT_PAGES:
        return None
    if parts.scheme or parts.netloc:
        return "is neither http nor https"
    target = (link.page.parent / unquote(parts.path)).resolve() if parts.path else link.page
    if not target.exists():
        return "there is no such file"
    if parts.fragment and unquote(parts.fragment) not in _anchors(target):
        return "the page has no such anchor"
    return None


def _anchors(page: Path) -> frozenset[str]:
    if page.suffix == ".html":
        return frozenset(_html(page).anchors)
    return _markdown_anchors(page) if page.suffix == ".md" else frozenset()


@cache
def _html(page: Path) -> _Page:
    return _Page(page.read_text())


@cache
def _markdown_anchors(page: Path) -> frozenset[str]:
    """Return the anchors that the usual hosting platforms make of the headings."""
    headings = _MARKDOWN_HEADING.findall(page.read_text())
    return frozenset(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings)
