# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the table of privileges of each module into the security guide.

python -m tools.privileges            prints the table (reStructuredText)
python -m tools.privileges --write    writes it into docs/docsite/rst/guide_security.rst

The table itself is plugins/module_utils/_access/privileges.py.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import sys
from types import ModuleType
from typing import Any

from devkit.console import ROOT, ToolError, main_guard, say

TABLE = ROOT / "plugins" / "module_utils" / "_access" / "privileges.py"
PAGE = ROOT / "docs" / "docsite" / "rst" / "guide_security.rst"
_BEGIN = ".. The table is written by python -m tools.privileges --write"
_END = ".. End of the table"
_HEAD = """.. list-table::
   :header-rows: 1
   :widths: 20 35 45

   * - Module
     - Privileges
     - Required on, and what for"""


def load() -> ModuleType:
    """Import the table by its path: it is pure data, and works without the collection being installed."""
    spec = importlib.util.spec_from_file_location("gantry_privileges", TABLE)
    if spec is None or spec.loader is None:
        raise ToolError(f"{TABLE.relative_to(ROOT)} cannot be imported.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look up their module there
    spec.loader.exec_module(module)
    return module


def table() -> str:
    """Return the table; modules with the same requirements share their rows."""
    requirements = load().REQUIREMENTS
    lines = [_HEAD]
    for needed in dict.fromkeys(requirements.values()):
        names = [name for name, own in requirements.items() if own == needed]
        lines += _rows(", ".join(_link(name) for name in sorted(names)), needed)
    return "\n".join(lines)


def _rows(first: str, needed: Any) -> list[str]:
    if not needed:
        return [f"   * - {first}", "     - None besides reading.", "     -"]
    rows = []
    for number, one in enumerate(needed):
        rows.append(f"   * - {first if number == 0 else ''}".rstrip())
        privileges = [f"| ``{name}``" for name in one.privileges]
        rows += [f"     - {privileges[0]}", *(f"       {name}" for name in privileges[1:])]
        rows.append(f"     - On {one.where}, {one.purpose}.")
    return rows


def _link(name: str) -> str:
    kind = "module" if (ROOT / "plugins" / "modules" / f"{name}.py").exists() else "inventory"
    return f":ansplugin:`gantry.vsphere.{name}#{kind}`"


def _block() -> str:
    return f"{_BEGIN}\n\n{table()}\n\n{_END}"


def _split(page: str) -> tuple[str, str, str]:
    match = re.search(rf"{re.escape(_BEGIN)}.*?{re.escape(_END)}", page, re.DOTALL)
    if match is None:
        raise ToolError(f"{PAGE.relative_to(ROOT)} has no place for the table: {_BEGIN}")
    return page[: match.start()], match.group(), page[match.end() :]


def page_is_current() -> bool:
    """Return whether the page shows the table as it is."""
    _before, shown, _after = _split(PAGE.read_text())
    return shown == _block()


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the privileges of each module into the security guide.")
    parser.add_argument("--write", action="store_true", help=f"write the table into {PAGE.relative_to(ROOT)}")
    arguments = parser.parse_args()
    if not arguments.write:
        say(table())
        return
    before, _shown, after = _split(PAGE.read_text())
    PAGE.write_text(before + _block() + after)


if __name__ == "__main__":
    main_guard(main)
