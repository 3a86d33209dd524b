# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check that the pattern's generated files are current, or write them: python -m tools.awx [--write]."""

from __future__ import annotations

import argparse

from devkit.console import ROOT, main_guard, say
from tools.awx.description import PATTERN, read_description, read_surveys
from tools.awx.generate import generated_files


def outdated() -> dict[str, str]:
    """Return the generated files that are missing or differ, with what they should contain."""
    wanted = generated_files(read_description(), read_surveys(), ROOT / "playbooks")
    return {name: text for name, text in wanted.items() if _read(name) != text}


def _read(name: str) -> str | None:
    path = PATTERN / name
    return path.read_text() if path.exists() else None


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.awx", description="the pattern for controllers")
    parser.add_argument("--write", action="store_true", help="write the files instead of checking them")
    write = parser.parse_args().write
    differing = outdated()
    for name, text in differing.items():
        path = PATTERN / name
        if write:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        say(f"{'wrote' if write else 'outdated'}: {path.relative_to(ROOT)}")
    if differing and not write:
        say("Run: python -m tools.awx --write")
    return 1 if differing and not write else 0


if __name__ == "__main__":
    main_guard(main)
