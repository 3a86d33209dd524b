# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test which ends of containers are read from disks, and which records on them are believed."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._container.decode import decode_exit
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import OFF, ON, SUSPENDED, Machine
from ansible_collections.gantry.vsphere.plugins.module_utils._container.observe_exit import observe_exits
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.scratch_record import digest
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.faults import FaultError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import vim
from tests.support.builders.scratch_disks import DOCUMENT, ID, OTHER, described, disk, packed

LOST = Machine(
    moid="vm-1",
    name="job",
    path="/DC0/vm/job",
    kind="container",
    power=OFF,
    container_id=ID,
    status={"state": "started"},
    document_digest=digest("{}"),
    scratch_bytes=1 << 30,
)


class Disks:
    """A session that has the beginning of each VM's scratch disk."""

    def __init__(self, beginnings: dict[str, Any]) -> None:
        self.beginnings = beginnings
        self.read: list[str] = []

    def ref(self, _type_name: str, moid: str) -> str:
        return moid

    def find_disk_beginning(self, vm: str, *, unit: int, size: int, accept: Any) -> bytes | None:
        self.read.append(vm)
        found = self.beginnings[vm]
        if isinstance(found, Exception):
            raise found
        assert (unit, size) == (1, len(found))
        return found if accept(found) else None


def observe(machine: Machine, beginning: Any = None) -> tuple[Machine, bool]:
    session: Any = Disks({machine.moid: beginning})
    (found,) = observe_exits(session, [machine])
    return found, bool(session.read)


@pytest.mark.parametrize(
    "known",
    [
        pytest.param(replace(LOST, power=ON), id="on"),
        pytest.param(replace(LOST, power=SUSPENDED), id="suspended"),
        pytest.param(replace(LOST, status=None), id="never started"),
        pytest.param(replace(LOST, status={"state": "exited", "exit_code": 0}), id="recorded"),
        pytest.param(replace(LOST, status={"state": "error"}), id="failed"),
    ],
)
def test_a_container_whose_end_is_known_is_not_read(known: Machine) -> None:
    assert observe(known) == (replace(known, exit_from_disk="not_needed"), False)


def test_a_container_without_a_disk_is_not_read() -> None:
    in_memory = replace(LOST, scratch_bytes=None)
    assert observe(in_memory) == (replace(in_memory, exit_from_disk="no_disk"), False)


def test_the_end_on_the_disk() -> None:
    log = packed(b"done\n")
    found, was_read = observe(LOST, disk(described(log), log=log))
    assert was_read
    assert found.status is not None
    assert (found.exit_from_disk, found.status["exit_code"], found.log) == ("read", 3, "done\n")


@pytest.mark.parametrize(
    ("beginning", "answer"),
    [
        (disk(volume=OTHER), "other_disk"),
        (bytes(4096), "other_disk"),
        (bytes(1024) + disk()[1024:], "no_record"),
        (disk({**DOCUMENT, "state": "running"}), "no_record"),
        (disk({**DOCUMENT, "state": "started"}), "not_ended"),
        (disk({**DOCUMENT, "spec": digest("another")}), "other_document"),
        (disk({**DOCUMENT, "spec": None}), "other_document"),
        (FaultError("ExportVm on vm-1", vim.fault.InvalidPowerState(msg="on")), "busy"),
        (FaultError("ExportVm on vm-1", vim.fault.TaskInProgress(msg="busy")), "busy"),
    ],
)
def test_an_end_that_is_not_there_is_an_answer(beginning: Any, answer: str) -> None:
    assert observe(LOST, beginning) == (replace(LOST, exit_from_disk=answer), True)


def test_a_container_whose_document_is_not_known() -> None:
    assert decode_exit(replace(LOST, document_digest=None), disk()).exit_from_disk == "read"


def test_disks_are_read_in_parallel_within_a_limit() -> None:
    class Counting(Disks):
        """A session whose disks take a moment to read."""

        lock = threading.Lock()
        running = most = 0

        def find_disk_beginning(self, vm: str, *, unit: int, size: int, accept: Any) -> bytes | None:
            with self.lock:
                self.running += 1
                self.most = max(self.most, self.running)
            time.sleep(0.02)
            with self.lock:
                self.running -= 1
            return super().find_disk_beginning(vm, unit=unit, size=size, accept=accept)

    machines = [replace(LOST, moid=f"vm-{number}") for number in range(40)]
    session: Any = Counting({machine.moid: disk() for machine in machines})
    found = observe_exits(session, machines)
    assert [(one.moid, one.exit_from_disk) for one in found] == [(machine.moid, "read") for machine in machines]
    assert 2 <= session.most <= 8


def test_another_fault_is_an_error() -> None:
    with pytest.raises(FaultError, match="NoPermission"):
        observe(LOST, FaultError("ExportVm on vm-1", vim.fault.NoPermission(msg="no")))
