# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test recorded processes: they are found again, distinguished from others with the same pid, and ended."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.processes import ProcessRecord, spawn

SLEEP = [sys.executable, "-c", "import time; print('ready', flush=True); time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(600)",
]


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[bytes]]]:
    processes: list[subprocess.Popen[bytes]] = []
    yield processes
    for process in processes:
        process.kill()
        process.wait()


def _start(started: list[subprocess.Popen[bytes]], command: list[str]) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    started.append(process)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def test_a_record_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    record = ProcessRecord.of(os.getpid())
    record.write(tmp_path / "processes" / "me.json")
    assert ProcessRecord.read(tmp_path / "processes" / "me.json") == record
    assert record.alive()


@pytest.mark.parametrize("content", ["", "{", "{}", "[]", '{"pid": "x", "start_ticks": 1, "boot_id": "b"}'])
def test_a_partly_written_record_is_ignored(content: str, tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text(content)
    assert ProcessRecord.read(tmp_path / "p.json") is None


def test_no_file_is_no_record(tmp_path: Path) -> None:
    assert ProcessRecord.read(tmp_path / "p.json") is None


@pytest.mark.parametrize("change", [{"start_ticks": 1}, {"boot_id": "another"}])
def test_another_process_with_the_same_pid_is_not_ended(
    change: dict[str, object], started: list[subprocess.Popen[bytes]]
) -> None:
    process = _start(started, SLEEP)
    stale = dataclasses.replace(ProcessRecord.of(process.pid), **change)  # type: ignore[arg-type]
    assert not stale.alive()
    assert stale.end() is False
    assert process.poll() is None


def test_a_process_is_first_asked_to_terminate(started: list[subprocess.Popen[bytes]]) -> None:
    process = _start(started, SLEEP)
    assert ProcessRecord.of(process.pid).end() is True
    assert process.wait(5) == -15


def test_a_process_that_ignores_the_request_is_killed(started: list[subprocess.Popen[bytes]]) -> None:
    process = _start(started, STUBBORN)
    assert ProcessRecord.of(process.pid).end(term_seconds=0.2) is True
    assert process.wait(5) == -9


def test_a_zombie_is_not_alive_and_is_not_ended(started: list[subprocess.Popen[bytes]]) -> None:
    process = _start(started, SLEEP)
    record = ProcessRecord.of(process.pid)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert not record.alive()
    assert record.end() is False


def test_a_spawned_process_is_recorded_and_its_output_kept(tmp_path: Path) -> None:
    process = spawn(["echo", "hello"], tmp_path / "logs" / "p.log", tmp_path / "p.json")
    assert process.wait(10) == 0
    assert (tmp_path / "logs" / "p.log").read_text() == "hello\n"
    record = ProcessRecord.read(tmp_path / "p.json")
    assert record is not None
    assert record.pid == process.pid


def test_a_bound_process_ends_with_the_one_that_started_it(tmp_path: Path) -> None:
    # The starter ends as soon as the wrapper that binds the process has executed it.
    script = (
        "import sys, pathlib; from lab.processes import spawn; folder = pathlib.Path(sys.argv[1]);"
        "process = spawn(['sleep', '600'], folder / 'p.log', folder / 'p.json', bound=True);"
        "comm = pathlib.Path(f'/proc/{process.pid}/comm')\n"
        "while comm.read_text() != 'sleep\\n': pass"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True)
    record = ProcessRecord.read(tmp_path / "p.json")
    assert record is not None
    deadline = time.monotonic() + 10
    while record.alive():
        assert time.monotonic() < deadline, "the process still runs"
        time.sleep(0.01)
