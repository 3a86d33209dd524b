# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test that the page of error messages has the messages that the collection and the guest really report."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from devkit.console import ROOT
from tests.support.docs import messages
from tools.page_blocks import blocks_of

PAGE = ROOT / "docs" / "docsite" / "rst" / "troubleshooting.rst"
MESSAGES = [block.text for block in blocks_of(PAGE, {"text"})]
FAILURES = ROOT / "guest" / "internal" / "failure" / "failure.go"


@pytest.fixture(scope="module")
def sources() -> frozenset[str]:
    return messages.texts(ROOT / "plugins") | messages.role_texts(ROOT / "roles")


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_of_the_page_exists(message: str, sources: frozenset[str]) -> None:
    assert messages.is_specific(message)
    assert messages.known(message, sources), "The message was changed or removed: correct the page."


def test_no_message_is_on_the_page_twice() -> None:
    assert len(set(MESSAGES)) == len(MESSAGES) > 40


def test_every_error_code_of_the_guest_is_explained() -> None:
    codes = re.findall(r'^\s*\w+\s+Code = "(\w+)"', FAILURES.read_text(), re.MULTILINE)
    rows = re.findall(r"^   \* - (``.*)$", PAGE.read_text(), re.MULTILINE)
    assert sorted(re.findall(r"``(\w+)``", " ".join(rows))) == sorted(codes)


def test_each_message_has_a_cause_and_a_remedy() -> None:
    sections = re.split(r"^.+\n~+\n", PAGE.read_text(), flags=re.MULTILINE)[1:]
    missing = [part[:80] for part in sections if "Cause" not in part or not re.search("[Rr]emedy", part)]
    assert missing == []


@pytest.mark.parametrize(
    "changed",
    [
        "The folder <folder> is not deleted because it is not empty: <contents>. vCenter would remove that with it.",
        "The folder is not removed because it is not empty: <contents>. vCenter would remove that with it.",
    ],
)
def test_a_message_that_does_not_exist_is_noticed(changed: str, sources: frozenset[str]) -> None:
    assert not messages.known(changed, sources)


def test_texts_are_found_whole(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(
        'def f(a, b):\n    raise Error(f"one {a}{b} two " + b + f" three {a!r}."\n      " four")\nT = "five {a} six"\n'
    )
    found = messages.texts(tmp_path)
    assert messages.known("one <a> two <b> three <c>. four", found)
    assert messages.known("five <a> six", found)
    assert not messages.known("one <a> three", found)


def test_texts_of_roles_are_found_whole(tmp_path: Path) -> None:
    (tmp_path / "main.yml").write_text(
        "- assert:\n    fail_msg: one {{ a }} two\n  vars:\n    problems: >-\n      {{ ['three ' ~ b ~ ' four. '\n"
        "          'five'] if c else ['six'] }}\n"
    )
    (tmp_path / "all.j2").write_text("{# It's a comment. #}{% set x = ['seven ' ~ b | join(', ') ~ '.'] %}\n")
    found = messages.role_texts(tmp_path)
    assert {"one \0 two", "three \0 four. five", "six", "seven \0."} <= found
