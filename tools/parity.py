# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the page that compares this collection with community.docker and with vSphere Integrated Containers.

python -m tools.parity            prints the page
python -m tools.parity --write    writes it into docs/docsite/rst/parity.rst
python -m tools.parity --record COLLECTION    records the names of the options from a folder of community.docker

The answers are in parity.toml, the names of the options in parity_options.toml. The reasons for refused options of
docker_container are those of the collection itself, _container/options_refused.py.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomllib
import yaml

from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_refused import REFUSED
from devkit.console import ROOT, ToolError, main_guard, say

PAGE = ROOT / "docs" / "docsite" / "rst" / "parity.rst"
ANSWERS = Path(__file__).with_name("parity.toml")
OPTIONS = Path(__file__).with_name("parity_options.toml")
LOCK = Path(__file__).parent / "requirements" / "peers.lock.txt"
# The section whose refusals are in the collection.
CONTAINER = "docker_container"
_FRAGMENT = "connection"
_MODULES = (CONTAINER, "docker_container_exec", "docker_container_copy_into", "docker_volume", "docker_network")
# The answers in the order of the page, with their names on it. The first two require a test.
TESTED = ("same", "different")
KINDS: Mapping[str, str] = {
    "same": "same",
    "different": "different",
    "refused": "refused",
    "planned": "planned",
    "missing": "not yet",
}
_LICENSE = """..
  Copyright: (c) 2026, gantry.vsphere contributors
  GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
  SPDX-License-Identifier: GPL-3.0-or-later
"""
_INTRODUCTION = """.. This page is written by python -m tools.parity --write

.. _ansible_collections.gantry.vsphere.docsite.parity:

Coming from Docker or vSphere Integrated Containers
===================================================

What becomes of the options of ``community.docker`` {version} and of the commands of vSphere Integrated Containers:

- **same**: the option has the same name and meaning here.
- **different**: there is an equivalent, with the difference that is described.
- **refused**: it has no meaning for containers that are VMs, or is not supported on purpose. A task of
  ``container_vm`` or ``container_set`` with such an option of ``docker_container`` fails with the reason, before it
  changes anything. Other modules report it as unsupported.
- **planned**: it is being built. What to use today is described.
- **not yet**: there is no equivalent, with what to use instead.
"""


@dataclass(frozen=True)
class Row:
    """The answer for one option or command. A test is a path in tests/ with the name of a function."""

    name: str
    kind: str
    text: str = ""
    test: str = ""


@dataclass(frozen=True)
class Section:
    """The rows of one module or product, in the order of the page."""

    name: str
    title: str
    intro: str
    rows: tuple[Row, ...]


def recorded() -> dict[str, Any]:
    """Return the recorded names of options by section, and the versions that they are of."""
    content: dict[str, Any] = tomllib.loads(OPTIONS.read_text())
    return content


def sections() -> list[Section]:
    """Return the sections of the page."""
    return [_section(name, table) for name, table in tomllib.loads(ANSWERS.read_text()).items()]


def _section(name: str, table: Mapping[str, Any]) -> Section:
    rows = [_row(option, kind, given) for kind in KINDS for option, given in table.get(kind, {}).items()]
    if name == CONTAINER:
        rows += [Row(option, "refused", text) for option, text in REFUSED.items()]
    return Section(name, table["title"], table["intro"], tuple(sorted(rows, key=lambda row: row.name)))


def _row(name: str, kind: str, given: Any) -> Row:
    """Return a row: ``same`` has a test, ``different`` a text and a test, and any other a text."""
    if kind == "same":
        return Row(name, kind, test=str(given))
    if kind == "different":
        text, test = given
        return Row(name, kind, text, test)
    return Row(name, kind, str(given))


def page() -> str:
    version = recorded()["community_docker"]
    return "\n".join([_LICENSE, _INTRODUCTION.format(version=version), *map(_rendered, sections())])


def _rendered(section: Section) -> str:
    lines = [section.title, "-" * len(section.title), "", section.intro, ""]
    lines += [".. list-table::", "   :header-rows: 1", "   :widths: 22 12 66", ""]
    for cells in [("Name", "Answer", "How, or what to use"), *map(_cells, section.rows)]:
        lines += [f"   {'* -' if index == 0 else '  -'} {cell}".rstrip() for index, cell in enumerate(cells)]
    return "\n".join(lines) + "\n"


def _cells(row: Row) -> tuple[str, str, str]:
    return f"``{row.name}``", KINDS[row.kind], row.text


def page_is_current() -> bool:
    """Return whether the page is as it would be written."""
    return PAGE.exists() and PAGE.read_text() == page()


def tests_that_do_not_exist(of: Iterable[Section]) -> list[str]:
    """Return the rows whose test is not a function of the file that it names."""
    missing = []
    for section in of:
        for row in section.rows:
            path, _colons, function = row.test.partition("::")
            file = ROOT / "tests" / path
            there = (
                bool(function) and file.is_file() and re.search(rf"^def {function}\(", file.read_text(), re.MULTILINE)
            )
            if row.kind in TESTED and not there:
                missing.append(f"{section.name} {row.name}: {row.test}")
    return missing


def read_collection(folder: Path) -> dict[str, list[str]]:
    """Return the names of the options from the documentation of community.docker, by section."""
    names = {
        module: list(_documented(folder / "plugins" / "modules" / f"{module}.py")["options"]) for module in _MODULES
    }
    fragment = _documented(folder / "plugins" / "doc_fragments" / "_docker.py")
    return {**names, _FRAGMENT: list(fragment["options"])}


def _documented(path: Path) -> dict[str, Any]:
    """Return the first documentation of a Python file: that of a module, or of a class of fragments."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "DOCUMENTATION":
            document: dict[str, Any] = yaml.safe_load(ast.literal_eval(node.value))
            return document
    raise ToolError(f"{path} has no DOCUMENTATION. Give the folder of the collection community.docker.")


def record(folder: Path) -> None:
    """Write the names of the options of a community.docker of the pinned package."""
    manifest = json.loads((folder / "MANIFEST.json").read_text())
    lines = [
        *_LICENSE.replace("..\n  ", "# ").replace("\n  ", "\n# ").splitlines(),
        "# The options of community.docker, written by python -m tools.parity --record.",
        f'community_docker = "{manifest["collection_info"]["version"]}"',
        f'ansible = "{pinned()}"',
        "",
        "[options]",
        *(f"{name} = {json.dumps(options)}" for name, options in read_collection(folder).items()),
    ]
    OPTIONS.write_text("\n".join(lines) + "\n")


def pinned() -> str:
    """Return the newest version of the package ansible, which has community.docker, in the lock of the peers."""
    versions = re.findall(r"^ansible==(\S+)", LOCK.read_text(), re.MULTILINE)
    return str(versions[-1])


def check_record(venv: Path) -> None:
    """Refuse a record that is not of the community.docker of an environment."""
    (folder,) = venv.glob("lib/python3.*/site-packages/ansible_collections/community/docker")
    if read_collection(folder) != recorded()["options"]:
        raise ToolError(
            f"{OPTIONS.name} is not of the pinned community.docker. Run python -m tools.parity --record {folder}, give "
            f"each new option an answer in {ANSWERS.name}, and run python -m tools.parity --write."
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the page that compares this collection with others.")
    parser.add_argument("--write", action="store_true", help=f"write the page into {PAGE.relative_to(ROOT)}")
    parser.add_argument("--record", type=Path, metavar="COLLECTION", help="record the options of community.docker")
    arguments = parser.parse_args()
    if arguments.record:
        record(arguments.record)
    elif arguments.write:
        PAGE.write_text(page())
    else:
        say(page())


if __name__ == "__main__":
    main_guard(main)
