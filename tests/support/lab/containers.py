# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The container tests' own access to vCenter, independent of the modules under test."""

from __future__ import annotations

import contextlib
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_of, vim
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.settings import ConnectionSettings
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import Job
from tests.support.lab.iso import make_iso

BOOTSTRAP = "gantry/bootstrap/gantry-bootstrap-0.0.1-0123456789ab.iso"
PREFIX = "ct-"
# The image of tests that need just one.
IMAGE = "registry.example.com/app:1"
SUCCESSOR = "-gantry-next"
_KINDS = ("container", "successor", "image")
_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Vm:
    """The actual state of a VM."""

    moid: str
    name: str
    path: str
    power: str
    config: Mapping[str, str]
    devices: Sequence[Any]
    memory_mb: int
    cpus: int
    notes: str

    @property
    def spec(self) -> dict[str, Any]:
        spec: dict[str, Any] = json.loads(self.config["guestinfo.gantry.spec"])
        return spec

    def of_kind(self, kind: Any) -> list[Any]:
        return [device for device in self.devices if isinstance(device, kind)]


class VmBuilder:
    """Prepares, reads, changes and removes VMs in the tests' own vCenter session."""

    def __init__(self, lab: Mapping[str, Any]) -> None:
        vcenter = lab["vcenter"]
        self.lab = lab
        self.session = Session(
            ConnectionSettings(
                hostname=vcenter["hostname"],
                username=vcenter["username"],
                password=vcenter["password"],
                port=vcenter["port"],
                ca_path=vcenter["ca_path"],
            )
        )

    # -- preparing

    def upload_bootstrap(self, path: str = BOOTSTRAP, *, datastore: str | None = None) -> str:
        """Upload an ISO with a name of a bootstrap ISO; without a hypervisor no VM boots from it."""
        inventory = self.session.inventory(refresh=True)
        store = inventory.datastore(datastore or self.lab["datastore"])
        with contextlib.suppress(GantryError):
            self.session.content.fileManager.MakeDirectory(
                name=f"[{store.name}] {Path(path).parent}",
                datacenter=inventory.datacenter(self.lab["datacenter"]).ref,
                createParentDirectories=True,
            )
        with tempfile.TemporaryDirectory() as folder:
            self.session.upload_file(make_iso(Path(folder), "0.0.1"), datastore=store, path=path)
        return f"[{store.name}] {path}"

    def remove_bootstrap(self, path: str = BOOTSTRAP) -> None:
        inventory = self.session.inventory(refresh=True)
        datacenter = inventory.datacenter(self.lab["datacenter"]).ref
        files, name = self.session.content.fileManager, f"[{self.lab['datastore']}] {path}"
        self.task("remove", lambda: files.DeleteDatastoreFile_Task(name=name, datacenter=datacenter))

    def make_image(self, reference: str, number: int, config: Mapping[str, Any], *, folder: str | None = None) -> str:
        """Create a template as container_image leaves it, with an empty disk; return its digest."""
        digest, disk = f"{number:x}" * 64, f"{number + 1:x}" * 64
        controller = vim.vm.device.ParaVirtualSCSIController(key=-1, busNumber=0, sharedBus="noSharing")
        image_disk = vim.vm.device.VirtualDisk(
            key=-2,
            controllerKey=-1,
            unitNumber=0,
            capacityInKB=1024,
            backing=vim.vm.device.VirtualDisk.FlatVer2BackingInfo(
                fileName="", diskMode="persistent", thinProvisioned=True
            ),
        )
        moid = self.create_vm(
            f"gantry-image-{digest[:12]}-{disk[:8]}",
            {
                "gantry.schema": "1",
                "gantry.kind": "image",
                "gantry.image": reference,
                "gantry.image.digest": f"sha256:{digest}",
                "gantry.image.disk": disk,
                "gantry.image.config": json.dumps(config),
                "gantry.image.references": json.dumps([reference]),
                "gantry.image.state": "ready",
                "disk.EnableUUID": "TRUE",
            },
            folder=folder,
            devices=[_add(controller), _add(image_disk, create=True)],
        )
        vm = self._vm(moid)
        self.task("snapshot", lambda: vm.CreateSnapshot_Task("gantry-base", "", False, False))
        vm.MarkAsTemplate()
        return f"sha256:{digest}"

    def create_vm(
        self, name: str, config: Mapping[str, str], *, folder: str | None = None, devices: Sequence[Any] = ()
    ) -> str:
        inventory = self.session.inventory(refresh=True)
        datacenter = inventory.datacenter(self.lab["datacenter"])
        where = inventory.folder(folder, datacenter=datacenter)
        pool = inventory.resource_pool(None, cluster=inventory.cluster(self.lab["cluster"]))
        spec = vim.vm.ConfigSpec(
            name=name,
            guestId="other5xLinux64Guest",
            memoryMB=64,
            numCPUs=1,
            files=vim.vm.FileInfo(vmPathName=f"[{self.lab['datastore']}]"),
            extraConfig=_options(config),
            deviceChange=list(devices),
        )
        return moid_of(self.task("create", lambda: where.ref.CreateVM_Task(config=spec, pool=pool.ref)))

    def create_folder(self, name: str) -> None:
        inventory = self.session.inventory(refresh=True)
        root = inventory.folder(None, datacenter=inventory.datacenter(self.lab["datacenter"]))
        with contextlib.suppress(GantryError):
            root.ref.CreateFolder(name)

    def create_pool(self, name: str) -> None:
        inventory = self.session.inventory(refresh=True)
        root = inventory.resource_pool(None, cluster=inventory.cluster(self.lab["cluster"]))
        free = vim.ResourceAllocationInfo(
            reservation=0, limit=-1, expandableReservation=True, shares=vim.SharesInfo(level="normal", shares=0)
        )
        with contextlib.suppress(GantryError):
            root.ref.CreateResourcePool(name, vim.ResourceConfigSpec(cpuAllocation=free, memoryAllocation=free))

    # -- reading

    def vms(self, name: str) -> list[Vm]:
        """Return all VMs with this name."""
        found = self.session.inventory(vms=True, refresh=True).vms(name)
        properties = [
            "config.annotation",
            "config.extraConfig",
            "config.hardware.device",
            "config.hardware.memoryMB",
            "config.hardware.numCPU",
            "runtime.powerState",
        ]
        paths = {entry.moid: entry.path for entry in found}
        return [
            Vm(
                moid=row.moid,
                name=name,
                path=paths[row.moid],
                power=row["runtime.powerState"],
                config={option.key: option.value for option in row["config.extraConfig"]},
                devices=row["config.hardware.device"],
                memory_mb=row["config.hardware.memoryMB"],
                cpus=row["config.hardware.numCPU"],
                notes=row.get("config.annotation") or "",
            )
            for row in self.session.read([entry.ref for entry in found], properties)
        ]

    def vm(self, name: str) -> Vm:
        (one,) = self.vms(name)
        return one

    # -- changing

    def move_images(self, folder: str) -> None:
        """Move the templates of the images into a folder."""
        inventory = self.session.inventory(vms=True, refresh=True)
        where = inventory.folder(folder, datacenter=inventory.datacenter(self.lab["datacenter"]))
        images = [entry.ref for entry in inventory.vms() if entry.name.startswith("gantry-image-")]
        self.task("move", lambda: where.ref.MoveIntoFolder_Task(images))

    def set_config(self, moid: str, values: Mapping[str, str]) -> None:
        self.reconfigure(moid, vim.vm.ConfigSpec(extraConfig=_options(values)))

    def reconfigure(self, moid: str, spec: Any) -> None:
        vm = self._vm(moid)
        self.task("reconfigure", lambda: vm.ReconfigVM_Task(spec))

    def rename(self, moid: str, name: str) -> None:
        self.reconfigure(moid, vim.vm.ConfigSpec(name=name))

    def power_off(self, moid: str) -> None:
        self.task("power off", self._vm(moid).PowerOffVM_Task)

    def destroy(self, moid: str) -> None:
        self.task("destroy", self._vm(moid).Destroy_Task)

    def clear(self, *, images: bool = False) -> None:
        """Remove all VMs and resource pools of the tests, and with ``images`` the templates too."""
        path = 'config.extraConfig["gantry.kind"]'
        rows = self.session.read_all("VirtualMachine", ["name", "runtime.powerState", path])
        kinds = {row.moid: getattr(row.get(path), "value", None) for row in rows}
        ours = [row for row in rows if kinds[row.moid] in _KINDS or row["name"].startswith(PREFIX)]
        self._run_all([row.ref.PowerOffVM_Task for row in ours if row["runtime.powerState"] != "poweredOff"])
        self._run_all([row.ref.Destroy_Task for row in ours if kinds[row.moid] != "image"])
        if images:
            self._run_all([row.ref.Destroy_Task for row in ours if kinds[row.moid] == "image"])
        for row in self.session.read_all("ResourcePool", ["name"]):
            if row["name"].startswith(PREFIX):
                self.task("destroy", row.ref.Destroy_Task)

    def _run_all(self, starts: Sequence[Callable[[], Any]]) -> None:
        """Run tasks and look at all of them from time to time: to watch hundreds takes the lab a minute."""
        running = [(start(), start) for start in starts]
        while running:
            infos = self.session.read([task for task, _start in running], ["info.state", "info.error"])
            ended = {row.moid: row.get("info.error") for row in infos if row["info.state"] in ("success", "error")}
            # What another task still works on is tried again.
            again = [start for task, start in running if isinstance(ended.get(moid_of(task)), vim.fault.TaskInProgress)]
            failures = [error for error in ended.values() if error and not isinstance(error, vim.fault.TaskInProgress)]
            assert not failures, failures
            running = [one for one in running if moid_of(one[0]) not in ended]
            if running or again:
                time.sleep(_POLL_SECONDS)
            running += [(start(), start) for start in again]

    def task(self, action: str, start: Any) -> Any:
        return self.session.run_one(Job("test", action, start), _silent)

    def _vm(self, moid: str) -> Any:
        return self.session.ref("VirtualMachine", moid)


def _options(values: Mapping[str, str]) -> list[Any]:
    return [vim.option.OptionValue(key=key, value=value) for key, value in values.items()]


def _add(device: Any, *, create: bool = False) -> Any:
    change = vim.vm.device.VirtualDeviceSpec(operation="add", device=device)
    if create:
        change.fileOperation = "create"
    return change


def _silent(_text: str) -> None:
    """Ignore the progress reports of the tests' own tasks."""


@contextlib.contextmanager
def building(lab: Mapping[str, Any]) -> Iterator[VmBuilder]:
    """Yield a builder in a lab with a bootstrap ISO and no containers or images, and remove them afterwards."""
    one = VmBuilder(lab)
    one.clear(images=True)
    one.upload_bootstrap()
    yield one
    one.clear(images=True)
    one.session.close()
