# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the blocks of code in the pages of the documentation, reStructuredText and Markdown, as a reader copies them."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

# A directive, its options, and the indented lines after it.
_RST = re.compile(
    r"^(?P<indent> *)\.\. code-block:: (?P<language>\S+)\n(?P<options>(?:(?P=indent) +:.*\n)*)"
    r"\n(?P<body>(?:(?P=indent) +\S.*\n| *\n)+)",
    re.MULTILINE,
)
_MARKDOWN = re.compile(r"^```(?P<language>\S+)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_TITLE = re.compile(r"^(?:#+ (?P<markdown>.+)|(?P<rst>\S.*)\n[=-]{3,})$", re.MULTILINE)
_OPTION = re.compile(r"^ *:([\w-]+): *(.*)$", re.MULTILINE)
_PROMPT = re.compile(r"^[$#] ")

YAML = frozenset({"yaml", "yaml+jinja"})
SHELL = frozenset({"console", "shell-session", "bash", "sh"})


@dataclass(frozen=True)
class Block:
    """A block of code: where it is, its language, its caption (the name of the file that it is), its text."""

    page: Path
    line: int
    section: str
    language: str
    caption: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def blocks_of(page: Path, languages: Collection[str] | None = None) -> list[Block]:
    """Return the blocks of a page in the languages given, or all."""
    text = page.read_text()
    found = [_block(page, text, match) for match in (_RST if page.suffix == ".rst" else _MARKDOWN).finditer(text)]
    return [block for block in found if languages is None or block.language in languages]


def commands_of(block: Block) -> list[str]:
    """Return the commands of a shell block: the lines with a prompt and those that continue them, or all lines."""
    lines = block.text.splitlines()
    if not any(_PROMPT.match(line) for line in lines):
        return [line for line in lines if line.strip() and not line.startswith("#")]
    commands: list[str] = []
    continued = False
    for line in lines:
        if _PROMPT.match(line):
            commands.append(_PROMPT.sub("", line))
        elif continued:
            commands[-1] += f"\n{line}"
        continued = (continued or bool(_PROMPT.match(line))) and line.endswith("\\")
    return commands


def _block(page: Path, text: str, match: re.Match[str]) -> Block:
    groups = match.groupdict()
    options = dict(_OPTION.findall(groups.get("options") or ""))
    line = text.count("\n", 0, match.start("body")) + 1
    body = textwrap.dedent(groups["body"]).strip("\n") + "\n"
    titles = [title["markdown"] or title["rst"] for title in _TITLE.finditer(text, 0, match.start())]
    return Block(page, line, titles[-1] if titles else "", groups["language"], options.get("caption", ""), body)


def script_of(page: Path, section: str) -> str:
    """Return a shell script that does what a reader of a section does: write the files, run the commands."""
    lines = ["set -ex"]
    for block in blocks_of(page):
        if block.section != section:
            continue
        if block.caption:
            lines.append(f"cat > {block.caption} <<'END_OF_FILE'\n{block.text}END_OF_FILE")
        elif block.language in SHELL:
            lines += commands_of(block)
    return "\n".join([*lines, ""])
