# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test that what init keeps on the scratch disk replaces what vSphere drops of guestinfo: the document and the end.

The files and secrets of the container are there, too: whoever starts the VM again has none of them.
"""

from __future__ import annotations

import json
import time
from typing import Any

from pyVim.task import WaitForTask
from pyVmomi import vim

from tests.support.guests.containers import PATIENCE, READY, READY_FILE, Containers
from tests.support.guests.counting import options
from tests.support.guests.vcenter import find, session

DOCUMENT = "guestinfo.gantry.spec"


SHOW_FILES = (
    "for f in /etc/app.conf /run/secrets/db; do "
    "stat -c '%n %a %u:%g' $f; cat $f; grep \" $f \" /proc/mounts | cut -d, -f1-3; touch $f 2>/dev/null && echo wrong; "
    "done; "
)
FILES = {
    "guest_operations": True,
    "guest_key": "end-to-end-key-1",
    "files": [{"target": "/etc/app.conf", "content": "a = 1\n", "owner": "nobody", "group": "5", "mode": "0640"}],
    # Several parts, which end in a line that is shown.
    "secrets": [{"name": "db", "content": "password\n"}, {"name": "large", "content": "x" * 100_000}],
}
SHOWN = [
    "/etc/app.conf 640 65534:5",
    "a = 1",
    "tmpfs /etc/app.conf tmpfs ro,nosuid,nodev",
    "/run/secrets/db 444 0:0",
    "password",
    "tmpfs /run/secrets/db tmpfs ro,nosuid,nodev",
    "100000",
]


def test_a_container_survives_the_loss_of_guestinfo(containers: Containers, name: str) -> None:
    script = (
        f"{SHOW_FILES} wc -c </run/secrets/large; trap 'echo asked; exit 9' TERM; touch {READY_FILE}; "
        "while :; do sleep 1 & wait; done"
    )
    options_of_it = {"image": "tiny", "entrypoint": ["/bin/sh", "-c"], "command": [script], **FILES, **READY}
    before = containers.run(name, **options_of_it)["container"]
    assert before["document_source"] == "guestinfo"
    with session(containers.lab) as content:
        vm = find(content, vim.VirtualMachine, name)
        # Another client edits the running VM, and its host fails: HA starts it without what was set while it was on.
        same = [vim.option.OptionValue(key=DOCUMENT, value=options(vm)[DOCUMENT])]
        WaitForTask(vm.ReconfigVM_Task(vim.vm.ConfigSpec(extraConfig=same)))
        WaitForTask(vm.PowerOffVM_Task())
        assert DOCUMENT not in options(vm)
        WaitForTask(vm.PowerOnVM_Task())
        again = _wait_status(vm, "running", "healthy")
        assert (again["id"], again["document"]) == (before["id"], "scratch_disk")
        found = containers.look(name)
        assert (found["status"], found["document_source"]) == ("running", "scratch_disk")

        # Another client stops it, and no task sees its end.
        vm.ShutdownGuest()
        ended = _wait_status(vm, "exited")
        _wait_off(vm)
        assert "exited" not in options(vm).get("guestinfo.gantry.status", "")
    task = {"gantry.vsphere.container_vm_info": {"name": [name], "logs": True, "exit_from_disk": True}}
    (read,) = containers.direct(task).ok().last["containers"]
    assert (read["exit_from_disk"], read["exit_code"], read["finished_at"]) == ("read", 9, ended["finished_at"])
    # The log of the first run is not complete, since its VM was powered off.
    assert read["log"].splitlines()[-len(SHOWN) - 1 :] == [*SHOWN, "asked"]

    # The next task restores the document.
    assert containers.run(name)["container"]["document_source"] == "guestinfo"


def _wait_status(vm: Any, state: str, health: str = "") -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE
    while True:
        status: dict[str, Any] = json.loads(options(vm).get("guestinfo.gantry.status", "{}"))
        if status.get("state") == state and health in ("", status.get("health")):
            return status
        assert time.monotonic() < deadline, status
        time.sleep(0.2)


def _wait_off(vm: Any) -> None:
    deadline = time.monotonic() + PATIENCE
    while vm.runtime.powerState != "poweredOff":
        assert time.monotonic() < deadline
        time.sleep(0.2)
