# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container that runs goes on in another vCenter: the process, its memory, its files and its place in the network."""

from __future__ import annotations

import base64
import json
import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from pyVim.connect import SmartConnect
from pyVim.task import WaitForTask
from pyVmomi import vim, vmodl

from tests.e2e.support.containers import PATIENCE, Containers

# It counts in memory and writes what it has counted on its disk; TERM makes it tell both.
_COUNTER = """
i=0
trap 'echo counted $i, wrote $(cat /counted); exit 7' TERM
while :; do i=$((i + 1)); echo $i > /counted; sleep 0.1; done
"""


@contextmanager
def _session(info: Mapping[str, Any]) -> Iterator[Any]:
    vcenter = info["vcenter"]
    access = {"host": vcenter["hostname"], "port": vcenter["port"], "user": vcenter["username"]}
    context = ssl.create_default_context(cafile=vcenter["ca_path"])
    instance = SmartConnect(**access, pwd=vcenter["password"], sslContext=context)
    try:
        yield instance.content
    finally:
        instance.content.sessionManager.Logout()


def _find(content: Any, kind: Any, name: str) -> Any:
    view = content.viewManager.CreateContainerView(content.rootFolder, [kind], True)
    return next((found for found in view.view if found.name == name), None)


def _eject(vm: Any) -> None:
    """What a connected drive holds is nothing that the other vCenter has."""
    (drive,) = [device for device in vm.config.hardware.device if isinstance(device, vim.vm.device.VirtualCdrom)]
    drive.connectable.connected = False
    change = vim.vm.device.VirtualDeviceSpec(operation="edit", device=drive)
    WaitForTask(vm.ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=[change])))


def _to(second: Mapping[str, Any], content: Any, vm: Any) -> Any:
    (card,) = [device for device in vm.config.hardware.device if isinstance(device, vim.vm.device.VirtualEthernetCard)]
    card.backing = vim.vm.device.VirtualEthernetCard.NetworkBackingInfo(
        deviceName="VM Network", network=_find(content, vim.Network, "VM Network")
    )
    vcenter = second["vcenter"]
    return vim.vm.RelocateSpec(
        service=vim.ServiceLocator(
            url=f"https://{vcenter['hostname']}:{vcenter['port']}",
            instanceUuid=content.about.instanceUuid,
            sslThumbprint=second["thumbprint_sha1"],
            credential=vim.ServiceLocatorNamePassword(username=vcenter["username"], password=vcenter["password"]),
        ),
        pool=_find(content, vim.ClusterComputeResource, second["cluster"]).resourcePool,
        datastore=_find(content, vim.Datastore, second["datastore"]),
        deviceChange=[vim.vm.device.VirtualDeviceSpec(operation="edit", device=card)],
    )


def _options(vm: Any) -> dict[str, str]:
    return {option.key: option.value for option in vm.config.extraConfig}


def test_counter_goes_on_in_another_vcenter(containers: Containers, name: str) -> None:
    second = containers.lab["second"]
    containers.run(name, image="tiny", entrypoint=["/bin/sh", "-c"], command=[_COUNTER], stop_timeout=30)
    with ExitStack() as sessions:
        here, there = (sessions.enter_context(_session(info)) for info in (containers.lab, second))
        vm = _find(here, vim.VirtualMachine, name)
        before, address, uuid = _options(vm), vm.guest.ipAddress, vm.config.instanceUuid
        _eject(vm)
        WaitForTask(vm.RelocateVM_Task(_to(second, there, vm)), maxWaitTime=PATIENCE)
        assert _find(here, vim.VirtualMachine, name) is None

        moved = _find(there, vim.VirtualMachine, name)
        assert (moved.config.instanceUuid, moved.runtime.powerState, moved.guest.ipAddress) == (
            uuid,
            "poweredOn",
            address,
        )
        assert _options(moved) == before
        assert {store.name for store in moved.datastore} == {second["datastore"]}

        moved.ShutdownGuest()
        collector = there.propertyCollector
        _wait_until_off(collector, moved)
        after = json.loads(_options(moved)["guestinfo.gantry.status"])
        was = json.loads(before["guestinfo.gantry.status"])
        assert (after["state"], after["exit_code"], after["restart_count"]) == ("exited", 7, 0)
        assert after["started_at"] == was["started_at"]
        log = base64.b64decode(_options(moved)["guestinfo.gantry.log"]).decode()
        counted, wrote = re.fullmatch(r"counted (\d+), wrote (\d+)\n", log).groups()  # type: ignore[union-attr]
        assert int(wrote) == int(counted) > 0
        WaitForTask(moved.Destroy_Task())


def _wait_until_off(collector: Any, vm: Any) -> None:
    properties = vmodl.query.PropertyCollector.PropertySpec(type=vim.VirtualMachine, pathSet=["runtime.powerState"])
    spec = vmodl.query.PropertyCollector.FilterSpec(
        objectSet=[vmodl.query.PropertyCollector.ObjectSpec(obj=vm)], propSet=[properties]
    )
    watched = collector.CreateFilter(spec, True)
    version = ""
    while vm.runtime.powerState != "poweredOff":
        update = collector.WaitForUpdatesEx(version, vmodl.query.PropertyCollector.WaitOptions(maxWaitSeconds=PATIENCE))
        assert update is not None, f"{vm.name} is still on after {PATIENCE} s"
        version = update.version
    watched.Destroy()
