# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A lab with several clusters and datastores and a second vCenter, and helpers for the placement tests."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_of, vim
from tests.support.lab.containers import PREFIX, VmBuilder, _add
from tests.support.lab.control import Control
from tests.support.lab.drive import drive
from tests.support.lab.labs import open_lab

OVERRIDES = {
    "images": [],
    "inventory": {
        "clusters": {"C1": 2},
        "local_datastores": True,
        "shared_datastores": ["shared1"],
        "datastore_cluster": "pod",
        "partial_networks": {"Backend": 2},
        "distributed_switches": {"DSwitch0": ["Front"], "DSwitch1": []},
        "segments": ["Tenant"],
        "opaque_networks": ["Overlay"],
    },
    "second": {"enabled": True},
}
NETWORK = "VM Network"


@contextmanager
def open_wide_lab(folder: Path) -> Iterator[dict[str, Any]]:
    """Start a lab with C0 (esx1 to esx3) and C1 (esx4, esx5), or use a running one while developing a test."""
    with open_lab(folder, OVERRIDES, running="GANTRY_TEST_WIDE_LAB") as info:
        yield info


@dataclass(frozen=True)
class Site:
    """One of the lab's vCenters: tasks on it, and its actual state."""

    lab: Mapping[str, Any]
    builder: VmBuilder
    calls: Control

    # -- tasks

    def run(self, module: str, *, check: bool = False, **options: Any) -> dict[str, Any]:
        """Run a task, after forgetting the calls recorded before."""
        self.calls.forget()
        return drive(module, {**self.lab["vcenter"], **options}, check=check)

    def ok(self, module: str, **options: Any) -> dict[str, Any]:
        result = self.run(module, **options)
        assert not result.get("failed"), result
        return result

    def refused(self, module: str, **options: Any) -> dict[str, Any]:
        """Return the result of a task that must fail without having changed anything."""
        result = self.run(module, **options)
        assert result.get("failed"), result
        assert "defect" not in result["msg"], result
        assert self.calls.mutating() == []
        assert not result["changed"]
        return result

    # -- changing

    def make(self, *names: str, host: str, on: bool = True, devices: Sequence[Any] = ()) -> None:
        """Create VMs with two disks and a network adapter."""
        inventory = self.builder.session.inventory(refresh=True)
        pool = inventory.resource_pool(None, cluster=self._cluster_of(host))
        folder = inventory.folder(None, datacenter=inventory.datacenter(self.lab["datacenter"]))
        where, network = inventory.host(host), inventory.network(NETWORK)
        for name in names:
            spec = vim.vm.ConfigSpec(
                name=name,
                guestId="other5xLinux64Guest",
                memoryMB=64,
                numCPUs=1,
                files=vim.vm.FileInfo(vmPathName=f"[{self.lab['datastore']}]"),
                deviceChange=[*_hardware(network), *devices],
            )
            start = lambda spec=spec: folder.ref.CreateVM_Task(config=spec, pool=pool.ref, host=where.ref)  # noqa: E731
            vm = self.builder.task("create", start)
            if on:
                self.builder.task("start", lambda vm=vm: vm.PowerOnVM_Task(host=where.ref))

    def vm(self, name: str) -> Any:
        return self.builder.session.ref("VirtualMachine", self.builder.vm(name).moid)

    def host(self, name: str) -> Any:
        return self.builder.session.inventory().host(name).ref

    def configure(self, cluster: str, **spec: Any) -> None:
        """Reconfigure a cluster."""
        ref = self.builder.session.inventory().cluster(cluster).ref
        change = vim.cluster.ConfigSpecEx(**spec)
        self.builder.task("reconfigure", lambda: ref.ReconfigureComputeResource_Task(change, modify=True))

    def _cluster_of(self, host: str) -> Any:
        inventory = self.builder.session.inventory()
        return inventory.entry(inventory.host(host).parent or "")

    def clear(self) -> None:
        self.calls.reset()
        self.builder.clear()

    # -- reading

    def hosts(self, prefix: str = PREFIX) -> dict[str, str]:
        """Return the host of each VM whose name has the prefix, without the collection's selectors."""
        inventory = self.builder.session.inventory()
        rows = self.builder.session.read_all("VirtualMachine", ["name", "runtime.host"])
        return {
            row["name"]: inventory.entry(moid_of(row["runtime.host"])).name  # type: ignore[union-attr]
            for row in rows
            if row["name"].startswith(prefix)
        }

    def disks(self, name: str) -> list[str]:
        """Return the datastore of each disk."""
        return [
            device.backing.fileName.split("]")[0].lstrip("[")
            for device in self.builder.vm(name).of_kind(vim.vm.device.VirtualDisk)
        ]

    def network(self, name: str) -> str:
        (card,) = self.builder.vm(name).of_kind(vim.vm.device.VirtualEthernetCard)
        return str(card.backing.deviceName)

    def used_memory(self) -> int:
        """Return the memory in use on all hosts in MB, which vCenter updates in intervals."""
        rows = self.builder.session.read_all("HostSystem", ["summary.quickStats.overallMemoryUsage"])
        return sum(row["summary.quickStats.overallMemoryUsage"] for row in rows)

    def in_maintenance(self, host: str) -> bool:
        (row,) = self.builder.session.read([self.host(host)], ["runtime.inMaintenanceMode"])
        return bool(row["runtime.inMaintenanceMode"])


def destination(other: Site, **options: Any) -> dict[str, Any]:
    """Return the option destination_vcenter of vm_vmotion for another vCenter."""
    vcenter = {key: value for key, value in other.lab["vcenter"].items() if key != "ca_path"}
    place = {"cluster": other.lab["cluster"], "datastore": other.lab["datastore"]}
    return {**vcenter, "thumbprint": other.lab["thumbprint"], **place, **options}


def _hardware(network: Any) -> list[Any]:
    devices = vim.vm.device
    controller = devices.ParaVirtualSCSIController(key=-1, busNumber=0, sharedBus="noSharing")
    card = devices.VirtualVmxnet3(
        key=-20,
        addressType="generated",
        backing=devices.VirtualEthernetCard.NetworkBackingInfo(deviceName=network.name, network=network.ref),
    )
    return [_add(controller), *(_add(_disk(unit), create=True) for unit in range(2)), _add(card)]


def _disk(unit: int) -> Any:
    return vim.vm.device.VirtualDisk(
        key=-2 - unit,
        controllerKey=-1,
        unitNumber=unit,
        capacityInKB=1024,
        backing=vim.vm.device.VirtualDisk.FlatVer2BackingInfo(fileName="", diskMode="persistent", thinProvisioned=True),
    )


def wait_for(condition: Callable[[], bool]) -> None:
    """Poll until the condition is true, because no event reports it."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def serial_port() -> Any:
    """Return a serial port that is connected to the network."""
    backing = vim.vm.device.VirtualSerialPort.URIBackingInfo(serviceURI="telnet://:7000", direction="server")
    port = vim.vm.device.VirtualSerialPort(key=-30, backing=backing, yieldOnPoll=True)
    port.connectable = vim.vm.device.VirtualDevice.ConnectInfo(
        connected=True, startConnected=True, allowGuestControl=False
    )
    return _add(port)


def cd_drive(path: str) -> list[Any]:
    """Return the devices of a CD-ROM drive with an ISO in it."""
    devices = vim.vm.device
    drive = devices.VirtualCdrom(
        key=-41,
        controllerKey=-40,
        unitNumber=0,
        backing=devices.VirtualCdrom.IsoBackingInfo(fileName=path),
        connectable=devices.VirtualDevice.ConnectInfo(connected=True, startConnected=True, allowGuestControl=True),
    )
    return [_add(devices.VirtualIDEController(key=-40, busNumber=1)), _add(drive)]
