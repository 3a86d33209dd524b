# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the run of the parts of make test."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import pytest

from devkit.console import ToolError
from tools.runners import Counts
from tools.test import PARTS
from tools.test import run as run_parts


def _lacks_a_program(arguments: Sequence[str]) -> Counts:
    raise ToolError("bats is not installed.\nRun `make setup`.")


def test_a_part_that_cannot_run_fails_and_the_next_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(PARTS, "molecule", _lacks_a_program)
    monkeypatch.setitem(PARTS, "clients", lambda arguments: Counts(passed=3))
    both = ("molecule", "clients")
    assert not run_parts(both, [])
    assert run_parts(both[1:], [])
    said = capsys.readouterr().out
    assert "bats is not installed." in said.split("==== summary")[1]
    assert "clients      3 passed, 0 failed, 0 skipped" in said


def test_parts_run_beside_lint_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    events: list[str] = []
    clients_began = threading.Event()

    def lint(_arguments: Sequence[str]) -> Counts:
        assert clients_began.wait(timeout=20)
        events.append("lint ends")
        return Counts(passed=1)

    def clients(_arguments: Sequence[str]) -> Counts:
        events.append("clients begin")
        clients_began.set()
        return Counts(passed=1)

    def other(name: str) -> Callable[[Sequence[str]], Counts]:
        def run(_arguments: Sequence[str]) -> Counts:
            events.append(name)
            return Counts(passed=1)

        return run

    for name, part in {"lint": lint, "clients": clients, "govc": other("govc"), "e2e": other("e2e")}.items():
        monkeypatch.setitem(PARTS, name, part)
    assert run_parts(("lint", "govc", "clients", "e2e"), [])
    assert events == ["govc", "clients begin", "lint ends", "e2e"]
    summary = capsys.readouterr().out.split("==== summary")[1]
    assert [line.split()[3] for line in summary.splitlines() if line.startswith("passed")] == [
        "lint",
        "govc",
        "clients",
        "e2e",
    ]
