# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A session that vCenter ends because it was idle, while a task of it still waits, is replaced."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from pyVmomi import vim

from tests.support.lab.containers import PREFIX, VmBuilder
from tests.support.lab.control import Control
from tests.support.lab.placement import Site

VMS = [f"{PREFIX}{number}" for number in range(2)]
SETTING = "config.vmacore.soap.sessionTimeout"


@pytest.fixture
def site(lab: dict[str, Any], builder: VmBuilder, calls: Control) -> Iterator[Site]:
    one = Site(lab, builder, calls)
    one.clear()
    yield one
    one.clear()


@pytest.fixture
def short_sessions(builder: VmBuilder) -> Iterator[None]:
    """Let vCenter end sessions that have been idle for half a second."""
    settings = builder.session.content.setting
    before = settings.QueryOptions(SETTING)
    settings.UpdateOptions([vim.option.OptionValue(key=SETTING, value="500ms")])
    yield
    settings.UpdateOptions(before)


@pytest.mark.usefixtures("short_sessions")
@pytest.mark.parametrize("vms", [VMS[:1], VMS], ids=["one", "many"])
def test_a_session_that_ends_while_tasks_are_waited_for_is_replaced(site: Site, vms: list[str]) -> None:
    site.make(*vms, host="esx1")
    site.calls.fault("RelocateVM_Task", delay_seconds=1.5, count=len(vms), in_task=True)
    moved = site.ok("vm_vmotion", vms=vms, host="esx2")
    assert moved["changed"]
    assert site.hosts() == dict.fromkeys(vms, "esx2")
    methods = site.calls.methods()
    assert methods.count("Login") >= 2
    assert methods.count("RelocateVM_Task") == len(vms)


@pytest.mark.parametrize("vms", [VMS[:1], VMS], ids=["one", "many"])
def test_tasks_that_vcenter_has_removed_meanwhile_are_found_in_the_history(site: Site, vms: list[str]) -> None:
    site.make(*vms, host="esx1")
    # The wait is held, as if the network were down, until the tasks have ended and been removed, and fails then. The
    # session must not end of itself before: the wait would be repeated, and the repetition would be held.
    site.calls.fault("WaitForUpdatesEx", "NotAuthenticated", delay_seconds=60)
    meanwhile = threading.Thread(target=lambda: forget_tasks(site, vms))
    meanwhile.start()
    try:
        moved = site.ok("vm_vmotion", vms=vms, host="esx2")
    finally:
        meanwhile.join()
    assert moved["changed"]
    assert site.hosts() == dict.fromkeys(vms, "esx2")
    methods = site.calls.methods()
    assert methods.count("ReadPreviousTasks") <= 1
    assert methods.count("CreateCollectorForTasks") == 1
    assert methods.count("RelocateVM_Task") == len(vms)


def forget_tasks(site: Site, vms: list[str]) -> None:
    """Wait until the VMs have been moved, let vCenter remove the tasks, and let the delayed request fail."""
    session = site.builder.session
    deadline = time.monotonic() + 50
    while not (has_moved(site, vms) and "WaitForUpdatesEx" in site.calls.methods()) and time.monotonic() < deadline:
        time.sleep(0.05)
    site.calls.advance(3600)
    while session.content.taskManager.recentTask and time.monotonic() < deadline:
        time.sleep(0.05)
    site.calls.release()


def has_moved(site: Site, vms: list[str]) -> bool:
    """Return whether all VMs are on the new host, and their tasks are over: a VM is there before its task ends."""
    if site.hosts() != dict.fromkeys(vms, "esx2"):
        return False
    rows = site.builder.session.read_all("VirtualMachine", ["name", "recentTask"])
    tasks = [task for row in rows if row["name"] in vms for task in row.get("recentTask", ())]
    return {task.info.state for task in tasks} == {"success"}
