# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of images see of vCenter and do to it, beside the modules under test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import vim
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.settings import ConnectionSettings
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import Job

BOOTSTRAP_FOLDER = "gantry/bootstrap"


@dataclass(frozen=True)
class Template:
    name: str
    moid: str
    is_template: bool
    snapshots: tuple[str, ...]
    config: dict[str, str]
    folder: str
    devices: tuple[Any, ...]
    guest_id: str
    version: str


class Store:
    """A session of the tests' own: looks, clones, and clears away."""

    def __init__(self, vcenter: dict[str, Any]) -> None:
        self.session = Session(
            ConnectionSettings(
                hostname=vcenter["hostname"],
                username=vcenter["username"],
                password=vcenter["password"],
                port=vcenter["port"],
                ca_path=vcenter["ca_path"],
            )
        )

    def templates(self) -> list[Template]:
        """All VMs that are named like images, in the order of their names."""
        properties = [
            "name",
            "parent",
            "config.template",
            "config.extraConfig",
            "config.hardware.device",
            "config.guestId",
            "config.version",
            "snapshot",
        ]
        rows = self.session.read_all("VirtualMachine", properties)
        return sorted(
            (_template(row) for row in rows if row["name"].startswith("gantry-image-")), key=lambda one: one.name
        )

    def vms(self) -> set[str]:
        return {row["name"] for row in self.session.read_all("VirtualMachine", ["name"])}

    def files(self, datastore: str, folder: str, pattern: str = "*") -> dict[str, int]:
        """Sizes by name; empty where there is no such folder."""
        entry = self.session.inventory(refresh=True).datastore(datastore)
        (row,) = self.session.read([entry.ref], ["browser"])
        spec = vim.host.DatastoreBrowser.SearchSpec(
            matchPattern=[pattern], details=vim.host.DatastoreBrowser.FileInfo.Details(fileSize=True)
        )
        job = Job("x", "search", lambda: row["browser"].SearchDatastore_Task(f"[{datastore}] {folder}", spec))
        (outcome,) = self.session.run([job], _silent)
        if outcome.error is not None:
            assert (outcome.error.fault or {}).get("type") == "FileNotFound", outcome.error
            return {}
        return {file.path: file.fileSize for file in outcome.result.file or ()}

    def folders(self, datastore: str) -> set[str]:
        return set(self.files(datastore, ""))

    def linked_clone(self, template: Template, name: str) -> str:
        """Create a linked clone of the template and return its MoID."""
        inventory = self.session.inventory(refresh=True)
        pool = inventory.resource_pool(None, cluster=inventory.cluster(None))
        folder = inventory.folder(None, datacenter=inventory.datacenter(None))
        vm = self.session.ref("VirtualMachine", template.moid)
        (row,) = self.session.read([vm], ["snapshot"])
        spec = vim.vm.CloneSpec(
            location=vim.vm.RelocateSpec(pool=pool.ref, diskMoveType="createNewChildDiskBacking"),
            snapshot=row["snapshot"].rootSnapshotList[0].snapshot,
            config=vim.vm.ConfigSpec(extraConfig=[vim.option.OptionValue(key="gantry.kind", value="")]),
        )
        job = Job(name, "clone", lambda: vm.CloneVM_Task(folder=folder.ref, name=name, spec=spec))
        return str(self.session.run_one(job, _silent)._moId)

    def vm_with_cd(self, name: str, iso: str) -> str:
        """Create a VM that has this ISO in its CD-ROM drive and return its MoID."""
        inventory = self.session.inventory(refresh=True)
        pool = inventory.resource_pool(None, cluster=inventory.cluster(None))
        folder = inventory.folder(None, datacenter=inventory.datacenter(None))
        ide = vim.vm.device.VirtualIDEController(key=-1, busNumber=0)
        drive = vim.vm.device.VirtualCdrom(
            key=-2,
            controllerKey=-1,
            unitNumber=0,
            backing=vim.vm.device.VirtualCdrom.IsoBackingInfo(fileName=iso),
            connectable=vim.vm.device.VirtualDevice.ConnectInfo(
                startConnected=True, connected=True, allowGuestControl=False
            ),
        )
        add = vim.vm.device.VirtualDeviceSpec.Operation.add
        spec = vim.vm.ConfigSpec(
            name=name,
            guestId="otherGuest64",
            memoryMB=64,
            numCPUs=1,
            files=vim.vm.FileInfo(vmPathName=iso.partition("]")[0] + "]"),
            deviceChange=[vim.vm.device.VirtualDeviceSpec(operation=add, device=device) for device in (ide, drive)],
        )
        job = Job(name, "create", lambda: folder.ref.CreateVM_Task(config=spec, pool=pool.ref))
        return str(self.session.run_one(job, _silent)._moId)

    def plain_vm(self, name: str, folder: str) -> str:
        """Create a VM that the collection does not manage and return its MoID."""
        inventory = self.session.inventory(refresh=True)
        pool = inventory.resource_pool(None, cluster=inventory.cluster(None))
        where = inventory.folder(folder, datacenter=inventory.datacenter(None))
        datastore = inventory.all("Datastore")[0].name
        spec = vim.vm.ConfigSpec(
            name=name,
            guestId="otherGuest64",
            memoryMB=64,
            numCPUs=1,
            files=vim.vm.FileInfo(vmPathName=f"[{datastore}]"),
        )
        job = Job(name, "create", lambda: where.ref.CreateVM_Task(config=spec, pool=pool.ref))
        return str(self.session.run_one(job, _silent)._moId)

    def create_folder(self, name: str) -> None:
        inventory = self.session.inventory(refresh=True)
        inventory.folder(None, datacenter=inventory.datacenter(None)).ref.CreateFolder(name)

    def destroy(self, moid: str) -> None:
        self.session.run_one(Job(moid, "destroy", self.session.ref("VirtualMachine", moid).Destroy_Task), _silent)

    def remove_snapshots(self, template: Template) -> None:
        vm = self.session.ref("VirtualMachine", template.moid)
        self.session.run_one(Job(template.name, "remove snapshots", vm.RemoveAllSnapshots_Task), _silent)

    def set_template(self, template: Template, wanted: bool) -> None:
        vm = self.session.ref("VirtualMachine", template.moid)
        if wanted:
            vm.MarkAsTemplate()
            return
        inventory = self.session.inventory(refresh=True)
        vm.MarkAsVirtualMachine(inventory.resource_pool(None, cluster=inventory.cluster(None)).ref, None)

    def set_config(self, moid: str, values: dict[str, str]) -> None:
        options = [vim.option.OptionValue(key=key, value=value) for key, value in values.items()]
        vm = self.session.ref("VirtualMachine", moid)
        spec = vim.vm.ConfigSpec(extraConfig=options)
        self.session.run_one(Job(moid, "set", lambda: vm.ReconfigVM_Task(spec)), _silent)

    def clear(self, datastore: str) -> None:
        """Remove what the tests of images make: clones first, then images, folders and ISOs."""
        rows = self.session.read_all("VirtualMachine", ["name"])
        ours = [row for row in rows if row["name"].startswith(("gantry-image-", "image-test-"))]
        for row in sorted(ours, key=lambda row: row["name"].startswith("gantry-image-")):
            self.destroy(row.moid)
        inventory = self.session.inventory(refresh=True)
        for entry in inventory.all("Folder"):
            if entry.name in ("gantry-images", "image-test"):
                self.session.run_one(Job(entry.name, "destroy", entry.ref.Destroy_Task), _silent)
        files = self.session.content.fileManager
        datacenter = inventory.datacenter(None).ref
        for name in self.files(datastore, BOOTSTRAP_FOLDER):
            path = f"[{datastore}] {BOOTSTRAP_FOLDER}/{name}"
            self.session.run_one(
                Job(name, "delete", lambda path=path: files.DeleteDatastoreFile_Task(path, datacenter)), _silent
            )


def _template(row: Any) -> Template:
    snapshots = getattr(row.get("snapshot"), "rootSnapshotList", None) or ()
    return Template(
        name=row["name"],
        moid=row.moid,
        is_template=row["config.template"],
        snapshots=tuple(tree.name for tree in snapshots),
        config={option.key: str(option.value) for option in row["config.extraConfig"]},
        folder=row["parent"]._moId,
        devices=tuple(row["config.hardware.device"]),
        guest_id=row["config.guestId"],
        version=row["config.version"],
    )


def _silent(_text: str) -> None:
    pass
