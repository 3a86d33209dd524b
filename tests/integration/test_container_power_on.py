# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Containers are started also where vCenter does not say which task powers their VM on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._container import apply_power
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import vim
from tests.support.lab.containers import IMAGE, PREFIX, VmBuilder
from tests.support.lab.control import Control
from tests.support.lab.drive import drive
from tests.support.lab.placement import NETWORK, Site

NAME = f"{PREFIX}started"


@pytest.fixture(params=["no_task", "unlisted"])
def site(request: pytest.FixtureRequest, lab: dict[str, Any], builder: VmBuilder) -> Iterator[Site]:
    one = Site(lab, builder, Control(lab["control"]))
    one.calls.reset()
    one.calls.behave(power_on_answer=request.param)
    yield one
    one.calls.reset()
    one.clear()


def start(site: Site, **options: Any) -> dict[str, Any]:
    return site.run("container_vm", name=NAME, image=IMAGE, networks=[{"name": NETWORK}], **options)


def lose_disks(site: Site) -> None:
    """Delete the files of the container's disks, which vCenter notices at power on only."""
    builder = site.builder
    files = builder.session.content.fileManager
    datacenter = builder.session.inventory().datacenter(site.lab["datacenter"]).ref
    for disk in builder.vm(NAME).of_kind(vim.vm.device.VirtualDisk):
        name = disk.backing.fileName
        builder.task("delete", lambda name=name: files.DeleteDatastoreFile_Task(name=name, datacenter=datacenter))


@pytest.mark.parametrize("wait", [True, False])
def test_a_vm_that_takes_its_time_is_waited_for(site: Site, wait: bool) -> None:
    site.calls.fault("PowerOnVM_Task", delay_seconds=1, in_task=True)
    started = start(site, wait=wait)
    assert not started.get("failed"), started
    assert site.builder.vm(NAME).power == "poweredOn"


def test_a_failure_to_power_on_is_reported_with_its_reason(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apply_power, "_POWER_ON_SECONDS", 1.0)
    start(site, state="present")
    lose_disks(site)
    failed = start(site, wait=False)
    assert failed["failed"]
    assert failed["fault"]["type"] == "FileNotFound"
    assert f"Cannot power on {NAME}" in failed["msg"]


def test_a_vm_that_stays_off_is_reported(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apply_power, "_POWER_ON_SECONDS", 1.0)
    site.calls.fault("PowerOnVM_Task", delay_seconds=3600, in_task=True)
    failed = start(site, wait=False)
    assert failed["failed"]
    assert f"{NAME} is still powered off 1 s after vCenter accepted to power it on" in failed["msg"]
    site.calls.reset()
    assert not start(site).get("failed")


@pytest.mark.parametrize("site", ["task"], indirect=True)
@pytest.mark.parametrize(("late", "in_task"), [("PowerOnVM_Task", True), ("PowerOnMultiVM_Task", False)])
def test_a_vm_that_is_being_powered_on_already_is_waited_for(site: Site, late: str, in_task: bool) -> None:
    """An earlier run was killed after vCenter had accepted to power the VM on, or another client does the same."""
    start(site, state="present")
    vm = site.builder.session.ref("VirtualMachine", site.builder.vm(NAME).moid)
    # The VM is off when the task looks at it, and on when vCenter does what the task asks for.
    site.calls.fault("PowerOnVM_Task", delay_seconds=1, in_task=True)
    site.calls.fault(late, delay_seconds=2, in_task=in_task)
    vm.PowerOnVM_Task()
    started = start(site)
    assert not started.get("failed"), started
    assert (started["container"]["status"], site.builder.vm(NAME).power) == ("running", "poweredOn")


@pytest.mark.parametrize("site", ["task"], indirect=True)
def test_a_task_that_prepares_a_start_too_late_does_not_overwrite_what_the_guest_has_reported(site: Site) -> None:
    """Another controller has prepared the start, too, and has started the VM meanwhile."""
    start(site)
    start(site, state="stopped")
    site.calls.forget()
    site.calls.fault("ReconfigVM_Task", delay_seconds=60, name=NAME)
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(start, site, wait_timeout=15)
        deadline = time.monotonic() + 10
        while "ReconfigVM_Task" not in site.calls.methods() and time.monotonic() < deadline:
            time.sleep(0.02)
        first = drive(
            "container_vm",
            {**site.lab["vcenter"], "name": NAME, "image": IMAGE, "networks": [{"name": NETWORK}], "wait_timeout": 15},
        )
        site.calls.release()
        results = [first, late.result()]
    assert [one.get("msg") for one in results] == [None, None]
    assert [one["container"]["status"] for one in results] == ["running", "running"]
    assert not start(site)["changed"]
