# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test container_vm_logs with the lab's vCenter and guests that keep logs with the code of the bootstrap."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.lab.containers import IMAGE, PREFIX, VmBuilder
from tests.support.lab.control import Control
from tests.support.lab.direct import DirectRunner
from tests.support.lab.playbook import WAYS, TaskResult

LOGS = "gantry.vsphere.container_vm_logs"
INFO = "gantry.vsphere.container_vm_info"
EXEC = "gantry.vsphere.container_vm_exec"
SET = "gantry.vsphere.container_set"
VM = "gantry.vsphere.container_vm"
MOVE = "gantry.vsphere.vm_vmotion"
KEY = "integration-key-1"
ONE, TWO = f"{PREFIX}log-1", f"{PREFIX}log-2"
SMALL_LOG = "16K"
# Those of a task for one container, and of each further container.
BUDGET, MORE = 10, 2
Write = Callable[..., None]
Read = Callable[..., TaskResult]


@pytest.fixture
def containers(builder: VmBuilder, direct: DirectRunner, lab: dict[str, Any]) -> Iterator[None]:
    """Start two containers that permit guest operations."""
    place = {"datacenter": lab["datacenter"], "cluster": lab["cluster"]}
    entries = [{"name": ONE, "log_max_size": "512K"}, {"name": TWO, "log_max_size": SMALL_LOG}]
    options = {
        "project": "logs",
        "containers": [{"image": IMAGE, **entry} for entry in entries],
        "defaults": {"guest_operations": True},
        "guest_key": KEY,
    }
    direct({SET: {**options, **place}}).ok()
    yield
    builder.clear()


@pytest.fixture
def write(containers: None, direct: DirectRunner) -> Write:
    """Return a function that adds output to the log of a container, as if its process had written it."""

    def written(name: str = ONE, stdout: str = "", stderr: str = "") -> None:
        steps = json.dumps({"container_stdout": stdout, "container_stderr": stderr})
        direct({EXEC: {"name": name, "guest_key": KEY, "argv": ["lab-exec", steps]}}).ok()

    return written


@pytest.fixture
def read(containers: None, direct: DirectRunner, calls: Control) -> Read:
    """Return a function that reads logs and returns the task's result."""

    def task(name: str | list[str] = ONE, *, check: bool = False, **options: Any) -> TaskResult:
        calls.forget()
        return direct({LOGS: {"name": name, "guest_key": KEY, **options}, "ignore_errors": True}, check=check).last

    return task


def lines(result: TaskResult) -> list[str]:
    assert not result.failed, result.result
    assert not result.changed
    (log,) = result["logs"]
    return list(log["lines"])


def test_the_lines_of_running_containers_are_read_and_selected(write: Write, read: Read) -> None:
    write(stdout="one\ntwo\n", stderr="oh\n")
    write(TWO, stdout="other\n")
    both = read([TWO, ONE])
    assert [(log["name"], log["status"], log["source"], log["lines"]) for log in both["logs"]] == [
        (TWO, "running", "guest", ["other"]),
        (ONE, "running", "guest", ["one", "two", "oh"]),
    ]
    assert lines(read(check=True)) == ["one", "two", "oh"]
    assert lines(read(tail=2)) == ["two", "oh"]
    assert lines(read(streams=["stdout"], tail=1)) == ["two"]
    assert lines(read(since="1h")) == ["one", "two", "oh"]
    assert lines(read(until="1h")) == []
    stamped = lines(read(timestamps=True))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z one", stamped[0])
    third = stamped[2].split()[0]
    assert lines(read(since=third)) == ["oh"]
    assert lines(read(until=third)) == ["one", "two"]


def test_reading_goes_on_at_the_position_and_says_what_is_lost(write: Write, read: Read) -> None:
    write(TWO, stdout="one\n")
    first = read([ONE, TWO])
    write(TWO, stdout="two\n")
    second = read([ONE, TWO], positions=first["positions"])
    assert [log["lines"] for log in second["logs"]] == [[], ["two"]]
    assert not any(log["lost"] for log in second["logs"])
    # More than the log keeps.
    write(TWO, stdout="".join(f"{number} {'x' * 80}\n" for number in range(400)))
    (log,) = read(TWO, positions=second["positions"])["logs"]
    assert log["lines"][-1].startswith("399 ")
    assert (log["lost"], log["lost_lines"] + len(log["lines"])) == (True, 400)
    (log,) = read(TWO, positions={TWO: f"{'0' * 16}-1-1"})["logs"]
    assert (log["lost"], log["lost_lines"], log["lines"][-1][:4]) == (True, None, "399 ")


def test_a_large_log_is_read_in_parts(write: Write, read: Read) -> None:
    for part in range(5):
        write(stdout="".join(f"{part}-{number} {'x' * 80}\n" for number in range(400)))
    found: list[str] = []
    positions: dict[str, str] = {}
    for more in (True, False):
        result = read(max_size="16K", positions=positions)
        found += lines(result)
        positions = result["positions"]
        assert result["logs"][0]["more"] is more
    assert [line.split()[0] for line in found] == [f"{part}-{number}" for part in range(5) for number in range(400)]


def test_the_log_survives_a_restart_and_a_move_and_is_recorded_at_the_end(
    write: Write, read: Read, direct: DirectRunner, lab: dict[str, Any]
) -> None:
    write(stdout="one\n", stderr="oh\n")
    first = read(tail=0)
    assert lines(first) == []
    here = direct({INFO: {"name": [ONE]}}).ok().last["containers"][0]["host"]
    direct({MOVE: {"vms": [ONE], "host": next(host for host in lab["hosts"] if host != here)}}).ok()
    write(stdout="two\n")
    assert lines(read(positions=first["positions"])) == ["two"]

    direct({VM: {"name": ONE, "state": "stopped"}}).ok()
    ended = read(guest_key=None)
    assert lines(ended) == ["one", "oh", "two"]
    assert (ended["logs"][0]["source"], ended["logs"][0]["status"]) == ("record", "exited")
    assert lines(read(positions=first["positions"])) == ["two"]
    assert lines(read(streams=["stderr"], since="1h")) == ["oh"]
    assert lines(read(positions=ended["positions"])) == []

    direct({VM: {"name": ONE, "state": "started"}}).ok()
    write(stdout="three\n")
    assert lines(read()) == ["one", "oh", "two", "three"]
    assert lines(read(positions=ended["positions"])) == ["three"]


@pytest.mark.parametrize("behavior", [{"host_thumbprint": "sha256"}, {"upload_url": "vcenter"}], ids=str)
def test_the_log_is_read_from_the_host_or_from_vcenter(
    write: Write, read: Read, calls: Control, behavior: dict[str, Any]
) -> None:
    write(stdout="one\n")
    calls.behave(**behavior)
    assert lines(read()) == ["one"]


def test_a_page_is_read_again_when_the_guest_does_not_answer(write: Write, read: Read, calls: Control) -> None:
    write(stdout="one\n")
    calls.fault("InitiateFileTransferFromGuest", "GuestOperationsUnavailable")
    assert lines(read()) == ["one"]
    assert calls.methods().count("InitiateFileTransferFromGuest") == 2


def test_a_task_needs_few_requests(write: Write, direct: DirectRunner, calls: Control) -> None:
    write(stdout="one\n")
    for way in WAYS:
        for names in ([ONE], [ONE, TWO]):
            calls.forget()
            direct({LOGS: {"name": names, "guest_key": KEY}}, way=way).ok()
            assert len(calls.methods()) <= BUDGET + MORE * (len(names) - 1), calls.methods()
            assert calls.methods().count("StartProgramInGuest") == 0


def test_what_is_refused(read: Read, calls: Control) -> None:
    assert f"There is no container '{PREFIX}nothing'" in read([ONE, f"{PREFIX}nothing"]).msg
    assert "There is no guest_key" in read(guest_key=None).msg
    assert f"Container {ONE} has the secret of another guest_key" in read(guest_key="another-key-than-that").msg
    assert "since is 'yesterday'. It must be a time" in read(since="yesterday").msg
    assert "InitiateFileTransferFromGuest" not in calls.methods()
