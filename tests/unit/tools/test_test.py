# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the run of the parts of make test."""

from __future__ import annotations

import threading
from collections.abc import Sequence

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


def test_parts_that_leave_cpus_idle_run_at_the_same_time(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    meeting = threading.Barrier(2, timeout=20)

    def meet(_arguments: Sequence[str]) -> Counts:
        meeting.wait()
        return Counts(passed=1)

    for name in ("govc", "clients"):
        monkeypatch.setitem(PARTS, name, meet)
    assert run_parts(("govc", "clients"), [])
    summary = capsys.readouterr().out.split("==== summary")[1]
    assert summary.index("govc") < summary.index("clients")
