# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test that a running container continues in another vCenter with its process, memory, files and addresses."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from pyVim.task import WaitForTask
from pyVmomi import vim

from tests.support.guests.containers import PATIENCE, Containers
from tests.support.guests.counting import options, reported_address, run_counter, status, stop_counter
from tests.support.guests.vcenter import find, session


def _eject(vm: Any) -> None:
    """Disconnect the CD-ROM drive: the other vCenter does not have the ISO in it."""
    (drive,) = [device for device in vm.config.hardware.device if isinstance(device, vim.vm.device.VirtualCdrom)]
    drive.connectable.connected = False
    change = vim.vm.device.VirtualDeviceSpec(operation="edit", device=drive)
    WaitForTask(vm.ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=[change])))


def _to(second: Mapping[str, Any], content: Any, vm: Any) -> Any:
    (card,) = [device for device in vm.config.hardware.device if isinstance(device, vim.vm.device.VirtualEthernetCard)]
    card.backing = vim.vm.device.VirtualEthernetCard.NetworkBackingInfo(
        deviceName="VM Network", network=find(content, vim.Network, "VM Network")
    )
    vcenter = second["vcenter"]
    return vim.vm.RelocateSpec(
        service=vim.ServiceLocator(
            url=f"https://{vcenter['hostname']}:{vcenter['port']}",
            instanceUuid=content.about.instanceUuid,
            sslThumbprint=second["thumbprint_sha1"],
            credential=vim.ServiceLocatorNamePassword(username=vcenter["username"], password=vcenter["password"]),
        ),
        pool=find(content, vim.ClusterComputeResource, second["cluster"]).resourcePool,
        datastore=find(content, vim.Datastore, second["datastore"]),
        deviceChange=[vim.vm.device.VirtualDeviceSpec(operation="edit", device=card)],
    )


def test_counter_continues_in_another_vcenter(containers: Containers, name: str) -> None:
    second = containers.lab["second"]
    run_counter(containers, name)
    with ExitStack() as sessions:
        here, there = (sessions.enter_context(session(info)) for info in (containers.lab, second))
        vm = find(here, vim.VirtualMachine, name)
        before, was = options(vm), status(vm)
        address, uuid = vm.guest.ipAddress, vm.config.instanceUuid
        _eject(vm)
        WaitForTask(vm.RelocateVM_Task(_to(second, there, vm)), maxWaitTime=PATIENCE)
        assert find(here, vim.VirtualMachine, name) is None

        moved = find(there, vim.VirtualMachine, name)
        found = moved.config.instanceUuid, moved.runtime.powerState, reported_address(moved)
        assert found == (uuid, "poweredOn", address)
        assert options(moved) == before
        assert {store.name for store in moved.datastore} == {second["datastore"]}

        assert status(moved)["started_at"] == was["started_at"]
        assert stop_counter(there, moved) > 0
        WaitForTask(moved.Destroy_Task())
