# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of this repository that no linter knows, all of them: python -m tools.lint rules.

Here: license headers, and words that must not be in any file. In house_rules.py: the structure of plugins/. In
message_rules.py: the messages that users see.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from devkit.console import ROOT, ToolError, say
from tools import architecture, house_rules, message_rules, privileges

_HEADER_LINES = 8
_LICENCE = "SPDX-License-Identifier: GPL-3.0-or-later"
_COPYRIGHT = "Copyright: (c) 2026, gantry.vsphere contributors"
# Formats that carry the header; the others hold data or have no comments.
_HEADED_SUFFIXES = {".py", ".go", ".sh", ".yml", ".yaml", ".toml", ".cfg", ".rst", ".js", ".css"}
_HEADED_NAMES = {"Makefile", "bindep.txt", "requirements.txt", "run"}
# Written by antsibull-changelog at each release.
_GENERATED = {"CHANGELOG.rst", "changelogs/changelog.yaml"}

# Written in pieces, so that this file passes its own rules.
_FORBIDDEN = {
    "the host of a package registry": [
        "pypi" + ".org",
        "pythonhosted" + ".org",
        "proxy.golang" + ".org",
        "sum.golang" + ".org",
        "registry.npmjs" + ".org",
        "crates" + ".io",
        "deb.debian" + ".org",
        "security.debian" + ".org",
        "galaxy.ansible" + ".com",
    ],
    "a path of a development machine": ["/work" + "/", "/root" + "/", ".py" + "env/versions/"],
}
_PATTERNS = {
    meaning: re.compile("|".join(rf"(?<![\w.-]){re.escape(word)}" for word in words))
    for meaning, words in _FORBIDDEN.items()
}


def tracked_files() -> list[Path]:
    """Return the regular files that git tracks, as they are in the work tree."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = (ROOT / name for name in listed.split("\0") if name)
    return [path for path in paths if path.is_file() and not path.is_symlink()]


def _needs_header(path: Path) -> bool:
    if str(path.relative_to(ROOT)) in _GENERATED:
        return False
    return path.suffix in _HEADED_SUFFIXES or path.name in _HEADED_NAMES


def problems(path: Path) -> list[str]:
    raw = path.read_bytes()
    if b"\0" in raw:
        return []
    text = raw.decode("utf-8", errors="replace")
    name = str(path.relative_to(ROOT))
    found = []
    if _needs_header(path) and raw:
        head = "\n".join(text.splitlines()[:_HEADER_LINES])
        if _LICENCE not in head or _COPYRIGHT not in head:
            found.append(f"{name}:1: no copyright and license header in the first {_HEADER_LINES} lines")
    for meaning, pattern in _PATTERNS.items():
        for number, line in enumerate(text.splitlines(), start=1):
            match = pattern.search(line)
            if match:
                found.append(f"{name}:{number}: names {meaning}: {match.group()}")
    return found


def check() -> None:
    files = tracked_files()
    found = [problem for path in files for problem in problems(path)]
    for rule in (*house_rules.CHECKS, message_rules.check_messages):
        found += rule(ROOT)
    if not architecture.page_is_current():
        found.append(
            f"{architecture.PAGE.relative_to(ROOT)}:1: the drawing is old: python -m tools.architecture --write"
        )
    if not privileges.page_is_current():
        found.append(f"{privileges.PAGE.relative_to(ROOT)}:1: the table is old: python -m tools.privileges --write")
    for problem in found:
        say(problem)
    if found:
        raise ToolError(f"{len(found)} breaches of the repository's own rules")
    say(f"{len(files)} files follow the repository's own rules")
