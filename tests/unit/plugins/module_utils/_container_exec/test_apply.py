# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test what is said of a program whose start, end or result fails, with managers that answer as vCenter does."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import ON, Machine
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec import guest as guest_module
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.apply import apply_exec
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.changes import RunProgram
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.model import DesiredExec, ObservedExec
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter import guest_operations
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.faults import FaultError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import vim
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

SECRET = "the secret"
WANTED = DesiredExec(
    name="web",
    program="ls",
    arguments='{"command":["ls"]}',
    timeout=60,
    detach=False,
    strip_empty_ends=True,
    guest_key=None,
    datacenter=None,
    folder=None,
)
MACHINE = Machine(moid="vm-7", name="web", path="/DC0/vm/web", kind="container", power=ON)
RESULT = {"rc": 3, "timed_out": False, "stdout": "", "stderr": ""}


@dataclass
class Guest:
    """Managers and session of a guest whose program ends after some looks at it."""

    looks: int = 1
    faults: dict[str, Any] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    known: bool = True

    def _call(self, name: str, vm: str, auth: Any) -> None:
        self.calls.append(name)
        assert (vm, auth.username, auth.password, auth.interactiveSession) == ("vm-7", "gantry", SECRET, False)
        if name in self.faults:
            raise FaultError(name, self.faults[name])

    def StartProgramInGuest(self, vm: str, auth: Any, spec: Any) -> int:  # noqa: N802 - the vSphere API's names
        self._call("start", vm, auth)
        assert (spec.programPath, spec.arguments) == ("/gantry/exec", WANTED.arguments)
        return 17

    def ListProcessesInGuest(self, vm: str, auth: Any, pids: Sequence[int]) -> list[Any]:  # noqa: N802
        self._call("list", vm, auth)
        self.looks -= 1
        ended = None if self.looks > 0 else "2026-03-01T12:00:00Z"
        return [SimpleNamespace(pid=pid, endTime=ended) for pid in pids if self.known]

    def TerminateProcessInGuest(self, vm: str, auth: Any, pid: int) -> None:  # noqa: N802
        self._call("terminate", vm, auth)
        assert pid == 17

    def InitiateFileTransferFromGuest(self, vm: str, auth: Any, guestFilePath: str) -> Any:  # noqa: N802, N803
        self._call("read", vm, auth)
        assert guestFilePath == "/gantry/exec/17"
        return SimpleNamespace(url="https://*/guestFile?id=1")

    # -- the parts of a session

    def ref(self, _kind: str, moid: str) -> str:
        return moid

    def download_guest_file(self, url: str, _host_config_of: Callable[[str], Any], max_bytes: int) -> bytes:
        assert url == "https://*/guestFile?id=1"
        return json.dumps(RESULT).encode()[:max_bytes]

    def run(self, desired: DesiredExec = WANTED) -> ObservedExec:
        observed = ObservedExec(machines=(MACHINE,), managers={"processManager": self, "fileManager": self})
        return apply_exec(cast(Session, self), desired, observed, RunProgram(MACHINE, "ls", SECRET))


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guest_operations, "_FIRST_PAUSE", 0.001)
    monkeypatch.setattr(guest_operations, "_LONGEST_PAUSE", 0.002)


def test_a_program_is_asked_for_until_it_has_ended() -> None:
    guest = Guest(looks=5)
    result = guest.run().result
    assert result is not None
    assert result.rc == 3
    assert guest.calls == ["start", *["list"] * 5, "read"]


def test_a_program_that_ends_at_once_costs_three_requests() -> None:
    guest = Guest()
    guest.run()
    assert guest.calls == ["start", "list", "read"]


def test_a_program_that_the_guest_does_not_kill_is_terminated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guest_module, "_GRACE_SECONDS", -0.99)
    guest = Guest(looks=1 << 30, faults={"terminate": vim.fault.GuestProcessNotFound(pid=17)})
    message = "^ls was started in container web, and its end was not observed: The guest did not kill it within"
    with pytest.raises(GantryError, match=message):
        guest.run(replace(WANTED, timeout=1))
    assert guest.calls[-1] == "terminate"


def test_a_program_without_a_timeout_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guest_module, "_GRACE_SECONDS", -1000)
    guest = Guest(looks=20)
    guest.run(replace(WANTED, timeout=0))
    assert guest.calls.count("list") == 20


@pytest.mark.parametrize(
    ("step", "fault", "words"),
    [
        ("start", vim.fault.InvalidGuestLogin(), "Could not start ls in container web: .*has another secret than"),
        (
            "start",
            vim.fault.GuestOperationsUnavailable(),
            "Could not start ls in container web: .*The guest tools do not answer",
        ),
        ("start", vim.fault.NoPermission(privilegeId="VirtualMachine.GuestOperations.Execute"), "lacks .*Execute"),
        (
            "list",
            vim.fault.InvalidPowerState(),
            "ls was started in .*, and its end was not observed: .*stopped",
        ),
        (
            "read",
            vim.fault.FileNotFound(),
            "ls has ended in .*, and its result could not be read: .*dropped",
        ),
    ],
)
def test_a_fault_says_how_far_the_program_came_and_what_to_do(step: str, fault: Any, words: str) -> None:
    guest = Guest(faults={step: fault})
    with pytest.raises(GantryError, match=words) as failed:
        guest.run()
    assert failed.value.fault is not None
    assert SECRET not in failed.value.message


def test_a_program_that_the_guest_no_longer_knows_may_have_been_lost_in_a_restart() -> None:
    with pytest.raises(GantryError, match=r"no longer knows the program .* process 17\. Its VM was probably restarted"):
        Guest(known=False).run()
