# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test that a crash or a lab-down of a lab with VMs leaves no process and no namespace.

The VM only starts its firmware, so nothing boots.
"""

from __future__ import annotations

import json
import os
import signal
import ssl
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyVim.connect import Disconnect, SmartConnect
from pyVim.task import WaitForTask
from pyVmomi import vim

from lab.controller import Lab
from lab.namespace import namespace_exists
from lab.processes import ProcessRecord

# They end processes of the lab, which run as root.
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="kills processes of root")


@pytest.fixture
def own_lab(tmp_path: Path) -> Iterator[Lab]:
    """Yield a lab that only this test uses."""
    overrides = {"accelerator": "tcg", "ports": "free", "images": [], "publish": {}}
    one = Lab(tmp_path / "state", overrides, bound=True)
    yield one
    one.down()


def _power_on_a_machine(info: dict[str, Any], name: str) -> None:
    vcenter = info["vcenter"]
    context = ssl.create_default_context(cafile=vcenter["ca_path"])
    instance = SmartConnect(
        host=vcenter["hostname"],
        port=vcenter["port"],
        user=vcenter["username"],
        pwd=vcenter["password"],
        sslContext=context,
    )
    try:
        (datacenter,) = instance.content.rootFolder.childEntity
        (cluster,) = datacenter.hostFolder.childEntity
        files = vim.vm.FileInfo(vmPathName=f"[{info['datastore']}]")
        spec = vim.vm.ConfigSpec(name=name, memoryMB=64, numCPUs=1, files=files, guestId="otherGuest64")
        created = datacenter.vmFolder.CreateVM_Task(spec, pool=cluster.resourcePool)
        WaitForTask(created)
        WaitForTask(created.info.result.PowerOnVM_Task())
    finally:
        Disconnect(instance)


def _process_of(info: dict[str, Any], name: str) -> ProcessRecord:
    with urllib.request.urlopen(f"{info['control']}/v1/vms/{name}", timeout=30) as answer:
        return ProcessRecord.of(json.load(answer)["pid"])


def _wait_for_end(records: list[ProcessRecord]) -> None:
    deadline = time.monotonic() + 30
    while any(record.alive() for record in records):
        assert time.monotonic() < deadline, records
        time.sleep(0.02)


def test_no_machine_outlives_a_vcenter_that_was_killed_and_the_next_up_is_clean(own_lab: Lab) -> None:
    info = own_lab.up()
    _power_on_a_machine(info, "idle")
    machine = _process_of(info, "idle")
    before = own_lab.state.records()
    assert machine in before.values()
    assert machine.alive()
    os.kill(info["pid"], signal.SIGKILL)
    _wait_for_end([machine, before["dhcp-br0"], before["vcenter"]])
    assert own_lab.status().state == "broken"
    assert namespace_exists(own_lab.state.namespace)
    again = own_lab.up()
    assert not any(record.alive() for record in before.values())
    _power_on_a_machine(again, "idle")
    assert _process_of(again, "idle").alive()


def test_down_with_a_running_machine_leaves_nothing(own_lab: Lab) -> None:
    info = own_lab.up()
    _power_on_a_machine(info, "idle")
    records = [*own_lab.state.records().values(), _process_of(info, "idle")]
    assert all(record.alive() for record in records)
    assert own_lab.down() is True
    assert not any(record.alive() for record in records)
    assert not namespace_exists(own_lab.state.namespace)
    assert not (own_lab.state.directory / "machines").exists()
    assert not list(own_lab.state.directory.glob("*.leases"))
