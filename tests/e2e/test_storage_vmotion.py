# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test that a container keeps its data when its disks are moved to another datastore by any client."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pyVim.task import WaitForTask
from pyVmomi import vim

from tests.support.guests.containers import PATIENCE, Containers
from tests.support.guests.operations import GuestOperations, offer_operations
from tests.support.guests.vcenter import find, session
from tests.support.lab.drive import drive

WRITTEN = "bytes-of-the-container"
OTHER = "shared1"
KEY = "key-of-moved-storage"
SECRET = "Zm9yIHRoaXMgdGVzdCBvbmx5LCAzMiBieXRlcyBsb25n"
# It writes at its first start only, and then prints the content.
SCRIPT = f"[ -e /kept ] || echo {WRITTEN} > /kept; cat /kept; exec sleep 100000"


def _move(lab: Any, name: str, datastore: str, by: str) -> None:
    if by == "vm_vmotion":
        result = drive("vm_vmotion", {**lab["vcenter"], "vms": [name], "datastore": datastore, "timeout": PATIENCE})
        assert "failed" not in result, result
        return
    with session(lab) as content:
        vm = find(content, vim.VirtualMachine, name)
        spec = vim.vm.RelocateSpec(datastore=find(content, vim.Datastore, datastore))
        WaitForTask(vm.RelocateVM_Task(spec))


def _read_by_exec(lab: Any, name: str) -> None:
    def run(*argv: str, **options: Any) -> dict[str, Any]:
        given = {"name": name, "guest_key": KEY, "argv": list(argv), **options}
        return drive("container_vm_exec", {**lab["vcenter"], **given})

    kept = run("cat", "/kept")
    assert (kept.get("rc"), kept.get("stdout")) == (0, WRITTEN), kept
    asked = run(
        "sh", "-c", 'id -u; pwd; echo "$COLOR"; cat', user="nobody", chdir="/tmp", env={"COLOR": "red"}, stdin="in"
    )
    assert asked.get("stdout_lines") == ["65534", "/tmp", "red", "in"], asked
    killed = run("sleep", "1000", timeout=1)
    assert "did not end within 1 s (timeout) and was killed" in killed["msg"]
    assert run("no-such-program")["rc"] == 127


def _read_by_guest_operations(lab: Any, name: str) -> None:
    with session(lab) as content:
        guest = GuestOperations(content, find(content, vim.VirtualMachine, name), SECRET)
        guest.wait_ready()
        assert guest.run("true") == {
            "rc": 0, "signal": None, "timed_out": False, "stdout": b"", "stderr": b"", "stdout_truncated": False,
            "stderr_truncated": False, "error": None,
        }  # fmt: skip
        assert guest.run("cat", "/kept")["stdout"].decode() == f"{WRITTEN}\n"
        assert guest.run("head", "-c", "102400", "/dev/zero")["stdout"] == bytes(102_400)
        with pytest.raises(vim.fault.InvalidGuestLogin):
            replace(guest, secret="guessed").run("true")


@pytest.mark.parametrize("by", ["vm_vmotion", "another client"])
def test_moved_storage(containers: Containers, name: str, by: str) -> None:
    options = {"image": "tiny", "entrypoint": ["/bin/sh", "-c"], "command": [SCRIPT], "stop_timeout": 1}
    options |= {"guest_operations": True, "guest_key": KEY}
    home = containers.lab["datastore"]
    before = containers.run(name, datastore=home, **options)["container"]
    _move(containers.lab, name, OTHER, by)
    again = containers.run(name, datastore=home, **options)
    assert not again["changed"]
    assert again["container"]["datastore"] == OTHER
    without = containers.run(name, **options)
    assert not without["changed"]
    back = containers.run(name, datastore=home, placement_drift="relocate", **options)
    assert back["actions"] == [f"relocate {name} to datastore {home}, sharing the image's disk there"]
    for container in (again["container"], without["container"], back["container"]):
        assert (container["id"], container["moid"], container["status"]) == (before["id"], before["moid"], "running")
    assert back["container"]["datastore"] == home
    _read_by_exec(containers.lab, name)
    # After a restart it finds its data: the log has it twice.
    containers.run(name, state="stopped")
    with session(containers.lab) as content:
        offer_operations(find(content, vim.VirtualMachine, name), SECRET)
    containers.run(name, state="started")
    _read_by_guest_operations(containers.lab, name)
    containers.run(name, state="stopped")
    assert (containers.look(name, logs=True)["log"] or "").count(WRITTEN) == 2
