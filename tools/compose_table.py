# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write what becomes of each attribute of the Compose specification into the guide about Compose files.

python -m tools.compose_table            prints the tables (reStructuredText)
python -m tools.compose_table --write    writes them into docs/docsite/rst/guide_compose.rst

The table itself is plugins/module_utils/_compose/attributes.py.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import sys
from types import ModuleType

from devkit.console import ROOT, ToolError, main_guard, say

TABLE = ROOT / "plugins" / "module_utils" / "_compose" / "attributes.py"
PAGE = ROOT / "docs" / "docsite" / "rst" / "guide_compose.rst"
_BEGIN = ".. The tables are written by python -m tools.compose_table --write"
_END = ".. End of the tables"
_HEAD = """.. list-table::
   :header-rows: 1
   :widths: 35 15 50

   * - Attribute
     - Use
     - How, or why not"""
# The parts of a project, as the specification orders them, with the titles of their tables.
_PARTS = {
    "": "The project",
    "services": "Services",
    "networks": "Networks",
    "volumes": "Volumes",
    "secrets": "Secrets",
    "configs": "Configs",
}


def load() -> ModuleType:
    """Import the table by its path: it is pure data, and works without the collection being installed."""
    spec = importlib.util.spec_from_file_location("gantry_compose_attributes", TABLE)
    if spec is None or spec.loader is None:
        raise ToolError(f"{TABLE.relative_to(ROOT)} cannot be imported.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look up their module there
    spec.loader.exec_module(module)
    return module


def tables() -> str:
    """Return a table for each part of a project, with its attributes in the order of their names."""
    verdicts = load().VERDICTS
    lines = []
    for part, title in _PARTS.items():
        lines += [title, "^" * len(title), "", _HEAD]
        for pattern in sorted(verdicts):
            if _part(pattern) == part:
                found = verdicts[pattern]
                lines += [f"   * - ``{pattern}``", f"     - {found.use.value}", f"     - {found.text}"]
        lines.append("")
    return "\n".join(lines).rstrip()


def _part(pattern: str) -> str:
    first, dot, _rest = pattern.partition(".")
    return first if dot else ""


def _block() -> str:
    return f"{_BEGIN}\n\n{tables()}\n\n{_END}"


def _split(page: str) -> tuple[str, str, str]:
    match = re.search(rf"{re.escape(_BEGIN)}.*?{re.escape(_END)}", page, re.DOTALL)
    if match is None:
        raise ToolError(f"{PAGE.relative_to(ROOT)} has no place for the tables: {_BEGIN}")
    return page[: match.start()], match.group(), page[match.end() :]


def page_is_current() -> bool:
    """Return whether the page shows the tables as they are."""
    _before, shown, _after = _split(PAGE.read_text())
    return shown == _block()


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the attributes of Compose files into the guide about them.")
    parser.add_argument("--write", action="store_true", help=f"write the tables into {PAGE.relative_to(ROOT)}")
    arguments = parser.parse_args()
    if not arguments.write:
        say(tables())
        return
    before, _shown, after = _split(PAGE.read_text())
    PAGE.write_text(before + _block() + after)


if __name__ == "__main__":
    main_guard(main)
