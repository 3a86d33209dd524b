# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test that each promise of the specification has a number of its own, and names tests that exist."""

from __future__ import annotations

import ast
import re

import pytest

from devkit.console import ROOT

PAGE = (ROOT / "docs" / "docsite" / "rst" / "specification.rst").read_text()
PROMISE = re.compile(r"^([A-Z]\d+)\n((?:   .*\n|\n)+)", re.MULTILINE)
PROMISES = dict(PROMISE.findall(PAGE))
TEST = re.compile(r"``(tests/[\w/]+\.py)::(\w+)``")


def test_each_promise_has_the_next_number_of_its_section() -> None:
    numbers = [number for number, _body in PROMISE.findall(PAGE)]
    expected: list[str] = []
    for number in numbers:
        letter = number[0]
        expected.append(f"{letter}{1 + sum(one[0] == letter for one in expected)}")
    assert numbers == expected
    assert len(numbers) > 50


@pytest.mark.parametrize("number", PROMISES)
def test_the_tests_of_a_promise_exist(number: str) -> None:
    named = TEST.findall(PROMISES[number])
    assert named, "A promise without a test is none."
    assert PROMISES[number].count("``tests/") == len(named)
    for path, name in named:
        tree = ast.parse((ROOT / path).read_text())
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, path
