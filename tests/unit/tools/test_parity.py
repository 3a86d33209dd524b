# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test that the page of parity has a true answer for every option of community.docker."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._container.options import container_argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._container_copy.options import copy_argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.options import exec_argument_spec
from devkit.console import ToolError
from tools import parity
from tools.parity import Row, Section

SECTIONS = {section.name: section for section in parity.sections()}
NAMES: dict[str, list[str]] = parity.recorded()["options"]
OWN = {
    parity.CONTAINER: container_argument_spec(),
    "docker_container_exec": exec_argument_spec(),
    "docker_container_copy_into": copy_argument_spec(),
}


@pytest.mark.parametrize("name", NAMES)
def test_every_option_has_exactly_one_answer(name: str) -> None:
    assert sorted(row.name for row in SECTIONS[name].rows) == sorted(NAMES[name])


def test_the_commands_of_vic_have_one_answer_each() -> None:
    commands = [row.name for row in SECTIONS["vic"].rows]
    assert len(set(commands)) == len(commands) > 25


def test_what_exists_is_shown_by_a_test_that_exists() -> None:
    assert parity.tests_that_do_not_exist(SECTIONS.values()) == []


@pytest.mark.parametrize(
    "test", ["", "unit/tools/test_parity.py", "unit/tools/test_parity.py::test_no", "no.py::test_a"]
)
def test_a_test_that_does_not_exist_is_noticed(test: str) -> None:
    section = Section("vic", "VIC", "", (Row("run", "different", "It runs.", test),))
    assert parity.tests_that_do_not_exist([section]) == [f"vic run: {test}"]


@pytest.mark.parametrize("name", OWN)
def test_an_answer_agrees_with_the_options_of_the_module(name: str) -> None:
    own = {alias for option, spec in OWN[name].items() for alias in (option, *spec.get("aliases", ()))}
    for row in SECTIONS[name].rows:
        # hostname is the vCenter, and the one of the container has another name.
        if row.name != "hostname":
            assert (row.name in own) == (row.kind in parity.TESTED), row


def test_every_row_but_the_same_ones_says_what_to_use() -> None:
    rows = [row for section in SECTIONS.values() for row in section.rows if row.kind != "same"]
    assert [row for row in rows if not row.text.endswith(".")] == []


def test_the_page_is_written() -> None:
    assert parity.page_is_current(), "Run python -m tools.parity --write."


def test_the_record_is_of_the_pinned_package() -> None:
    assert parity.recorded()["ansible"] == parity.pinned(), "Run python -m tools.parity --record."


def collection_in(venv: Path, options: dict[str, list[str]]) -> Path:
    """Write a community.docker with these options into an environment."""
    folder = venv / "lib" / "python3.12" / "site-packages" / "ansible_collections" / "community" / "docker"
    for name, names in options.items():
        fragment = name == "connection"
        path = folder / "plugins" / ("doc_fragments/_docker.py" if fragment else f"modules/{name}.py")
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"options": {option: {} for option in names}})
        path.write_text(
            f'class Fragment:\n    DOCUMENTATION = r"""{text}"""\n' if fragment else f'DOCUMENTATION = r"""{text}"""\n'
        )
    return venv


def test_a_record_of_another_collection_is_refused(tmp_path: Path) -> None:
    parity.check_record(collection_in(tmp_path / "same", NAMES))
    with pytest.raises(ToolError, match=r"parity_options\.toml is not of the pinned community\.docker"):
        parity.check_record(collection_in(tmp_path / "newer", {**NAMES, "docker_volume": ["name", "new"]}))
