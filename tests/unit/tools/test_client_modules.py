# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test that results of modules of other collections are read, and held against what is expected in both directions."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools import client_table
from tools.client_modules import (
    FAILING,
    FOLDER,
    WORKING,
    Expectation,
    Found,
    Run,
    judge,
    read_expected,
    read_runs,
    read_tasks,
    repeated,
    results,
)


def test_each_task_is_run_twice_unless_it_only_reads() -> None:
    tasks = [
        {"name": "prepare VMs", "vmware.vmware.vm": {}},
        {"name": "folder", "vmware.vmware.folder": {}},
        {"name": "about", "community.vmware.vmware_about_info": {}},
    ]
    assert [(task["name"], task.get("ignore_errors", False)) for task in repeated(tasks)] == [
        ("prepare VMs", False),
        ("folder", True),
        ("folder", True),
        ("about", True),
    ]


def test_the_results_of_both_runs_are_one_result() -> None:
    outcomes = [
        Run("include_tasks"),
        Run("prepare VMs", changed=True),
        Run("idempotent", changed=True),
        Run("other", changed=True),
        Run("idempotent"),
        Run("other", changed=True),
        Run("refused", failed=True, message="no"),
        Run("refused", failed=True, message="still no"),
        Run("once", changed=True),
        Run("once", failed=True, message="gone"),
        Run("facts"),
    ]
    assert results(outcomes) == {
        "idempotent": Found("unchanged"),
        "other": Found("changed"),
        "refused": Found("fails", "no"),
        "once": Found("fails again", "gone"),
        "facts": Found("works"),
    }


def test_runs_are_read_without_the_items_of_loops(tmp_path: Path) -> None:
    written = tmp_path / "results.jsonl"
    events = [
        {"name": "a", "item": True, "status": "ok", "result": {"changed": True}},
        {"name": "a", "item": False, "status": "failed", "result": {"msg": "no", "changed": False}},
        {"name": "b", "item": False, "status": "ok", "result": {"changed": True}},
    ]
    written.write_text("".join(json.dumps(event) + "\n" for event in events))
    assert list(read_runs(written)) == [Run("a", failed=True, message="no"), Run("b", changed=True)]


def test_what_differs_from_the_expectation_fails_in_both_directions() -> None:
    found = {"good": Found("unchanged"), "refused": Found("fails", "The lab has no consoles.")}
    refusal = Expectation("fails", message="no consoles", reason="It has none.")
    assert judge("g", found, {"good": Expectation("unchanged"), "refused": refusal}).passed == 2
    begun = judge("g", {**found, "refused": Found("works")}, {"good": Expectation("unchanged"), "refused": refusal})
    assert (begun.passed, begun.failed) == (1, 1)
    assert "expected was: fails; the result was: works" in begun.failures[0]
    other = judge(
        "g",
        found,
        {"good": Expectation("changed"), "refused": Expectation("fails", message="no disks"), "gone": refusal},
    )
    assert (other.passed, other.failed) == (0, 3)
    assert "the message 'no disks'" in other.failures[1]
    assert "gone: it is in expected.toml, and was not run" in other.failures[2]
    unknown = judge("g", found, {"good": Expectation("unchanged")})
    assert "it is not in expected.toml" in unknown.failures[0]


def test_each_task_has_an_expectation_and_each_failure_a_reason() -> None:
    for group, expected in read_expected().items():
        names = [task["name"] for task in read_tasks(group) if not task["name"].startswith("prepare ")]
        assert len(set(names)) == len(names)
        assert set(names) == set(expected)
        for name, one in expected.items():
            assert one.now in WORKING + FAILING, name
            assert one.before in ("", *WORKING, *FAILING), name
            assert bool(one.message) == (one.now in FAILING), name
            assert one.now in ("works", "unchanged") or one.reason.endswith("."), name


def test_the_names_of_tasks_are_unique_in_all_groups() -> None:
    names = [name for expected in read_expected().values() for name in expected]
    assert len(set(names)) == len(names)


def test_the_page_shows_the_expectations() -> None:
    assert client_table.page_is_current()
    expected = {
        "g": {"a": Expectation("unchanged", before="fails"), "b": Expectation("fails", message="m", reason="None.")}
    }
    text = client_table.tables(expected)
    assert "| all | 1 | 1 | 2 |" in text
    assert "| a | fails | unchanged |  |" in text
    assert "| b | not tried | fails | None. |" in text


@pytest.fixture
def preloaded(tmp_path: Path) -> Iterator[list[str]]:
    """Yield the command of an interpreter that has imported nothing in particular."""
    program, socket = FOLDER / "preloaded.py", tmp_path / "socket"
    with subprocess.Popen([sys.executable, program, "serve", socket, "json"], stdin=subprocess.PIPE) as server:
        deadline = time.monotonic() + 30
        while not socket.exists():
            assert server.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield [sys.executable, "-S", "-E", str(program), "run", str(socket)]
    # It ends with its standard input, so that it outlives nobody.
    assert server.returncode == 0


def _run(command: list[str], program: str, folder: Path) -> tuple[int, str, str]:
    done = subprocess.run(
        command,
        cwd=folder,
        env={"WHAT": "told"},
        input=program,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    return done.returncode, done.stdout, done.stderr


def test_a_preloaded_interpreter_runs_programs_as_python_does(preloaded: list[str], tmp_path: Path) -> None:
    asked = "import os, sys; print(__name__, os.environ['WHAT'], os.getcwd(), 'json' in sys.modules); sys.exit(3)"
    assert _run(preloaded, asked, tmp_path) == (3, f"__main__ told {tmp_path} True\n", "")
    code, output, errors = _run(preloaded, "raise ValueError('wrong')", tmp_path)
    assert (code, output) == (1, "")
    assert "ValueError: wrong" in errors
    # What ends without a result is a failure, and one program does not affect the next one.
    assert _run(preloaded, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)", tmp_path)[0] == 1
    assert _run(preloaded, "import os; print(os.environ.pop('WHAT'))", tmp_path) == (0, "told\n", "")
