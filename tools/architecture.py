# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read which package of plugins/module_utils imports which, and draw it.

python -m tools.architecture            prints the drawing (Mermaid)
python -m tools.architecture --write    writes it into docs/developers/architecture.md

An arrow must lead to a lower floor, so that there is no circle and every package can be read with only those below it.
"""

from __future__ import annotations

import argparse
import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from devkit.console import ROOT, ToolError, main_guard, say

MODULE_UTILS = Path("plugins", "module_utils")
PREFIX = "ansible_collections.gantry.vsphere.plugins.module_utils."
PAGE = ROOT / "docs" / "developers" / "architecture.md"
_BEGIN = "<!-- drawing: written by python -m tools.architecture --write -->"
_END = "<!-- end of drawing -->"

# From the ground up. A package imports only from floors below its own.
FLOORS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("ground", ("_base",)),
    ("outside world", ("_vcenter", "_oci", "_compose")),
    ("engine and guest contract", ("_engine", "_guest")),
    ("placement", ("_placement",)),
    ("templates and addresses", ("_templates", "_address_pool")),
    (
        "domains",
        (
            "_bootstrap",
            "_image",
            "_vmotion",
            "_drs_rules",
            "_vm_folder",
            "_resource_pool",
            "_access",
            "_port_group",
            "_volume",
        ),
    ),
    (
        "domains that build on others",
        (
            "_image_prune",
            "_container",
            "_maintenance",
            "_drs_cluster",
            "_drs_recommendation",
            "_container_network",
        ),
    ),
    (
        "sets, overviews and programs",
        ("_container_inventory", "_container_set", "_container_exec", "_container_logs", "_cluster_info"),
    ),
    ("copies of files, and stacks", ("_container_copy", "_container_stack")),
)
DOMAINS = frozenset(package for _title, packages in FLOORS[4:] for package in packages)
FLOOR_OF = {package: number for number, (_title, packages) in enumerate(FLOORS) for package in packages}


@dataclass(frozen=True)
class Import:
    """One import of a module of plugins/module_utils by another: the files without their suffix."""

    package: str
    file: str
    line: int
    target_package: str
    target_file: str


def imports(root: Path = ROOT) -> list[Import]:
    """Return the imports between the files of plugins/module_utils, those inside a package among them."""
    found: list[Import] = []
    for path in sorted((root / MODULE_UTILS).rglob("*.py")):
        for line, module, names in imported_modules(ast.parse(path.read_text())):
            package, _dot, file = module.partition(".")
            targets = [file] if file else names
            found += [Import(path.parent.name, path.stem, line, package, target) for target in targets]
    return found


def imported_modules(tree: ast.Module) -> Iterator[tuple[int, str, list[str]]]:
    """Yield line, module below plugins.module_utils, and names of each such import, wherever it stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith(PREFIX):
            yield node.lineno, (node.module or "").removeprefix(PREFIX), [alias.name for alias in node.names]


def upward(all_imports: list[Import]) -> list[Import]:
    """Return the imports that do not lead to a lower floor."""
    return [
        one
        for one in all_imports
        if one.package != one.target_package
        and FLOOR_OF.get(one.package, -1) <= FLOOR_OF.get(one.target_package, len(FLOORS))
    ]


def drawing(all_imports: list[Import]) -> str:
    """Draw the floors and the arrows between the packages as a Mermaid flow chart."""
    arrows = {(one.package, one.target_package) for one in all_imports if one.package != one.target_package}
    lines = ["flowchart TB"]
    for number in reversed(range(len(FLOORS))):
        title, packages = FLOORS[number]
        lines.append(f'    subgraph floor{number}["{title}"]')
        lines += [f"        {package}" for package in packages]
        lines.append("    end")
    lines += [f"    {source} --> {target}" for source, target in sorted(arrows)]
    return "\n".join(lines)


def _block(all_imports: list[Import]) -> str:
    return f"{_BEGIN}\n```mermaid\n{drawing(all_imports)}\n```\n{_END}"


def _split(page: str) -> tuple[str, str, str]:
    match = re.search(rf"{re.escape(_BEGIN)}.*?{re.escape(_END)}", page, re.DOTALL)
    if match is None:
        raise ToolError(f"{PAGE.relative_to(ROOT)} has no place for the drawing: {_BEGIN}")
    return page[: match.start()], match.group(), page[match.end() :]


def page_is_current() -> bool:
    """Return whether the page shows the imports as they are."""
    _before, shown, _after = _split(PAGE.read_text())
    return shown == _block(imports())


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw the imports between the packages of plugins/module_utils.")
    parser.add_argument("--write", action="store_true", help="write the drawing into docs/developers/architecture.md")
    arguments = parser.parse_args()
    found = imports()
    if arguments.write:
        before, _shown, after = _split(PAGE.read_text())
        PAGE.write_text(before + _block(found) + after)
    else:
        say(drawing(found))
    wrong = upward(found)
    for one in wrong:
        say(f"{one.package}/{one.file}.py:{one.line} imports {one.target_package}, which is not on a lower floor")
    if wrong:
        raise ToolError(f"{len(wrong)} imports do not lead to a lower floor")


if __name__ == "__main__":
    main_guard(main)
