# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test that all examples are valid: in the pages and READMEs, in the plugins' EXAMPLES, in the playbooks."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from devkit.console import ROOT
from tests.support.docs import examples
from tools import page_blocks as blocks

PAGES = (*sorted((ROOT / "docs" / "docsite" / "rst").glob("*.rst")), *sorted(ROOT.glob("roles/*/README.md")))
PAGES = (ROOT / "README.md", *PAGES, *sorted(ROOT.glob("docs/examples/*/README.md")))
# Whole examples, each a folder of its own.
EXAMPLES = sorted(path.parent for path in ROOT.glob("docs/examples/*/README.md"))
PLAYBOOKS = sorted((ROOT / "playbooks").glob("*.yml"))
PLUGINS = sorted(
    path.relative_to(ROOT)
    for kind in ("modules", "inventory", "connection", "lookup")
    for path in (ROOT / "plugins" / kind).glob("*.py")
)
# Variables of a playbook begin with its name.
PLAYBOOK_VARIABLES = frozenset(
    word
    for playbook in PLAYBOOKS
    for path in (ROOT / "playbooks").rglob("*.yml")
    for word in re.findall(r"\w+", path.read_text())
    if word.startswith(f"{playbook.stem}_")
)
NAME = re.compile(r"\bgantry\.vsphere\.(\w+)")


TEMPLATE = re.compile(r"\{\{.*?\}\}", re.DOTALL)


def problems(text: str, variables: frozenset[str] = frozenset()) -> list[str]:
    documents = yaml.safe_load_all(text)
    return [problem for document in documents for problem in examples.problems(document, variables=variables)]


def problems_of(texts: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the problems of texts that belong together: variables may be of any template in them."""
    used = frozenset(re.findall(r"\w+", " ".join(word for text in texts.values() for word in TEMPLATE.findall(text))))
    found = {name: problems(text, used | PLAYBOOK_VARIABLES) for name, text in texts.items()}
    return {name: wrong for name, wrong in found.items() if wrong}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_yaml_of_a_page_is_valid(page: Path) -> None:
    listed = {str(block): block.text for block in blocks.blocks_of(page, blocks.YAML)}
    assert problems_of(listed) == {}


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda folder: folder.name)
def test_the_files_of_an_example_are_valid(folder: Path) -> None:
    listed = {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*.yml"))}
    assert listed
    assert problems_of(listed) == {}


@pytest.mark.parametrize("path", PLUGINS, ids=str)
def test_the_examples_of_a_plugin_are_valid(path: Path) -> None:
    module = importlib.import_module("ansible_collections.gantry.vsphere." + ".".join(path.with_suffix("").parts))
    assert problems(module.EXAMPLES) == []
    assert path.stem in module.EXAMPLES


@pytest.mark.parametrize("path", PLAYBOOKS, ids=lambda path: path.name)
def test_the_tasks_of_a_playbook_are_valid(path: Path) -> None:
    assert problems(path.read_text()) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_commands_of_a_page_name_what_exists(page: Path) -> None:
    known = {
        path.stem
        for folder in ("playbooks", "plugins/modules", "plugins/inventory")
        for path in (ROOT / folder).glob("*.*")
    }
    known |= {path.name for path in (ROOT / "roles").glob("*")}
    text = "".join(block.text for block in blocks.blocks_of(page, blocks.SHELL))
    assert set(NAME.findall(text)) <= known


def test_every_block_of_code_is_in_a_language_that_is_checked_or_is_output() -> None:
    languages = {block.language: str(block) for page in PAGES for block in blocks.blocks_of(page)}
    assert languages.keys() <= {*blocks.YAML, *blocks.SHELL, "text", "ini", "json", "mermaid", "dot"}, languages
    for page in PAGES:
        # None is written in another way, which would not be found.
        written = re.findall(r"^ *\.\. code(?:-block)?::|^(?! *\.\. ).*::$", page.read_text(), re.MULTILINE)
        if page.suffix == ".rst":
            assert len(written) == len(blocks.blocks_of(page)), page
