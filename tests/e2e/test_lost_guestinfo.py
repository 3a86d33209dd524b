# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test that what init keeps on the scratch disk replaces what vSphere drops of guestinfo: the document and the end."""

from __future__ import annotations

import json
import time
from typing import Any

from pyVim.task import WaitForTask
from pyVmomi import vim

from tests.support.guests.containers import PATIENCE, Containers
from tests.support.guests.counting import options
from tests.support.guests.vcenter import find, session

DOCUMENT = "guestinfo.gantry.spec"


def test_a_container_survives_the_loss_of_guestinfo(containers: Containers, name: str) -> None:
    script = "trap 'echo asked; exit 9' TERM; while :; do sleep 1 & wait; done"
    before = containers.run(name, image="tiny", entrypoint=["/bin/sh", "-c"], command=[script])["container"]
    assert before["document_source"] == "guestinfo"
    with session(containers.lab) as content:
        vm = find(content, vim.VirtualMachine, name)
        # Another client edits the running VM, and its host fails: HA starts it without what was set while it was on.
        same = [vim.option.OptionValue(key=DOCUMENT, value=options(vm)[DOCUMENT])]
        WaitForTask(vm.ReconfigVM_Task(vim.vm.ConfigSpec(extraConfig=same)))
        WaitForTask(vm.PowerOffVM_Task())
        assert DOCUMENT not in options(vm)
        WaitForTask(vm.PowerOnVM_Task())
        again = _wait_status(vm, "running")
        assert (again["id"], again["document"]) == (before["id"], "scratch_disk")
        found = containers.look(name)
        assert (found["status"], found["document_source"]) == ("running", "scratch_disk")

        # Another client stops it, and no task sees its end.
        vm.ShutdownGuest()
        ended = _wait_status(vm, "exited")
        _wait_off(vm)
        assert "exited" not in options(vm).get("guestinfo.gantry.status", "")
    play = {"gantry.vsphere.container_vm_info": {"name": [name], "logs": True, "exit_from_disk": True}}
    (read,) = containers.play(play).ok().last["containers"]
    assert (read["exit_from_disk"], read["exit_code"], read["finished_at"]) == ("read", 9, ended["finished_at"])
    assert read["log"].endswith("asked\n")

    # The next task restores the document.
    assert containers.run(name)["container"]["document_source"] == "guestinfo"


def _wait_status(vm: Any, state: str) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE
    while True:
        status: dict[str, Any] = json.loads(options(vm).get("guestinfo.gantry.status", "{}"))
        if status.get("state") == state:
            return status
        assert time.monotonic() < deadline, status
        time.sleep(0.2)


def _wait_off(vm: Any) -> None:
    deadline = time.monotonic() + PATIENCE
    while vm.runtime.powerState != "poweredOff":
        assert time.monotonic() < deadline
        time.sleep(0.2)
