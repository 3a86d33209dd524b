# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write what is expected of the modules of other collections into docs/developers/clients.md.

python -m tools.client_table            prints the tables (Markdown)
python -m tools.client_table --write    writes them into the page

The expectations are those of tests/clients/expected.toml, which tools/client_modules.py checks.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from collections.abc import Iterable, Mapping

from devkit.console import ROOT, ToolError, main_guard, say
from tools.client_modules import FAILING, WORKING, Expectation, read_expected

PAGE = ROOT / "docs" / "developers" / "clients.md"
_BEGIN = "<!-- The tables are written by python -m tools.client_table --write -->"
_END = "<!-- End of the tables -->"
_NOT_TRIED = "not tried"
_MEANING = {
    "works": "returns its information",
    "unchanged": "works; the second run reports no change",
    "changed": "works; the second run reports a change again",
    "fails": "fails",
    "fails again": "works, and fails in the second run",
}


def tables(expected: Mapping[str, Mapping[str, Expectation]]) -> str:
    """Return the table of counts, and that of the tasks with a reason or with another result than before."""
    tasks = [one for group in expected.values() for one in group.items()]
    return f"{_counts([one for _name, one in tasks])}\n\n{_differences(tasks)}"


def _counts(all_of_them: Iterable[Expectation]) -> str:
    everything = list(all_of_them)
    before = Counter(one.before for one in everything if one.before)
    now_of_those = Counter(one.now for one in everything if one.before)
    now = Counter(one.now for one in everything)
    lines = ["| result | first version | now, of the same tasks | now, of all tasks |", "| --- | --- | --- | --- |"]
    lines += [f"| {_MEANING[one]} | {before[one]} | {now_of_those[one]} | {now[one]} |" for one in (*WORKING, *FAILING)]
    lines.append(f"| all | {before.total()} | {now_of_those.total()} | {now.total()} |")
    return "\n".join(lines)


def _differences(tasks: Iterable[tuple[str, Expectation]]) -> str:
    lines = ["| task | first version | now | reason |", "| --- | --- | --- | --- |"]
    for name, one in tasks:
        if one.reason or one.before not in (one.now, ""):
            lines.append(f"| {name} | {one.before or _NOT_TRIED} | {one.now} | {one.reason} |")
    return "\n".join(lines)


def _block() -> str:
    return f"{_BEGIN}\n\n{tables(read_expected())}\n\n{_END}"


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
    parser = argparse.ArgumentParser(
        description="Write what is expected of the modules of other collections into a page."
    )
    parser.add_argument("--write", action="store_true", help=f"write the tables into {PAGE.relative_to(ROOT)}")
    arguments = parser.parse_args()
    if not arguments.write:
        say(tables(read_expected()))
        return
    before, _shown, after = _split(PAGE.read_text())
    PAGE.write_text(before + _block() + after)


if __name__ == "__main__":
    main_guard(main)
