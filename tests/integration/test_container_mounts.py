# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes of containers: attached before the start, kept when the VM is replaced or removed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from pyVmomi import vim

from tests.support.lab.containers import PREFIX, VmBuilder, building
from tests.support.lab.control import Control
from tests.support.lab.converging import ConvergingModule
from tests.support.lab.drive import drive

NAME, OTHER = f"{PREFIX}web", f"{PREFIX}other"
DATA, LOGS = f"{PREFIX}data", f"{PREFIX}logs"
# Requests of a task with nothing to do, with login and logout.
BUDGET = 10
FIRST, SECOND = "registry.example.com/app:1", "registry.example.com/app:2"


@pytest.fixture(scope="module")
def builder(lab: dict[str, Any]) -> Iterator[VmBuilder]:
    with building(lab) as one:
        one.make_image(FIRST, 1, {"Cmd": ["serve"]})
        one.make_image(SECOND, 3, {"Cmd": ["serve", "more"]})
        yield one


class Mounting(ConvergingModule):
    """Runs container_vm, and looks at the disks of the VM."""

    module = "container_vm"

    def __init__(self, lab: dict[str, Any], calls: Control, builder: VmBuilder) -> None:
        place = {"datacenter": lab["datacenter"], "cluster": lab["cluster"], "wait": False}
        super().__init__({**lab["vcenter"], **place, "name": NAME}, calls)
        self.lab, self.builder = lab, builder
        self.ids: dict[str, str] = {}

    def converge(self, **options: Any) -> dict[str, Any]:
        """Return the result of the real run, whose changes check mode must predict and after which nothing is to do."""
        predicted, done = self.run(check=True, **options), self.run(**options)
        assert "failed" not in done, done
        assert [predicted[key] for key in ("actions", "diff")] == [done[key] for key in ("actions", "diff")]
        again = self.run(**options)
        assert (again["changed"], self.calls.mutating()) == (False, []), again
        assert len(self.calls.methods()) <= BUDGET, self.calls.methods()
        return done

    def volume(self, name: str, **options: Any) -> dict[str, Any]:
        made = drive("container_volume", {**self.lab["vcenter"], "name": name, **options})
        assert "failed" not in made, made
        return made

    def info(self) -> dict[str, dict[str, Any]]:
        result = drive("container_volume_info", {**self.lab["vcenter"], "name": [*self.ids]})
        assert "failed" not in result, result
        return {one["name"]: one for one in result["volumes"]}

    def create_volumes(self, *names: str) -> None:
        for name in names:
            self.ids[name] = self.volume(name, size="64M", datastore=self.lab["datastore"])["volume"]["id"]

    def volumes(self, name: str = NAME) -> dict[str, int]:
        """Return the units of the attached volumes by their names."""
        names = {disk: volume for volume, disk in self.ids.items()}
        disks = self.builder.vm(name).of_kind(vim.vm.device.VirtualDisk)
        return {names[disk.vDiskId.id]: disk.unitNumber for disk in disks if disk.vDiskId is not None}

    def document(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.builder.vm(NAME).spec["volumes"]
        return found

    def detach(self, name: str) -> None:
        """Power off and detach a volume as a user of the vSphere Client does."""
        self.builder.power_off(self.builder.vm(NAME).moid)
        vm = self.builder.session.ref("VirtualMachine", self.builder.vm(NAME).moid)
        self.builder.task("detach", lambda: vm.DetachDisk_Task(vim.vslm.ID(id=self.ids[name])))

    def unprotect(self, name: str) -> None:
        """Let a volume be deleted with its VM, as another client can."""
        manager, store = self._disks()
        manager.ClearVStorageObjectControlFlags(vim.vslm.ID(id=self.ids[name]), store, ["keepAfterDeleteVm"])

    def outlives_vms(self, name: str) -> bool:
        manager, store = self._disks()
        return bool(manager.RetrieveVStorageObject(vim.vslm.ID(id=self.ids[name]), store).config.keepAfterDeleteVm)

    def _disks(self) -> tuple[Any, Any]:
        session = self.builder.session
        return session.content.vStorageObjectManager, session.inventory().datastore(self.lab["datastore"]).ref

    def snapshot(self) -> Any:
        vm = self.builder.session.ref("VirtualMachine", self.builder.vm(NAME).moid)
        return self.builder.task("snapshot", lambda: vm.CreateSnapshot_Task("nightly", "", False, False))


@pytest.fixture
def mounting(lab: dict[str, Any], calls: Control, builder: VmBuilder) -> Iterator[Mounting]:
    one = Mounting(lab, calls, builder)
    one.create_volumes(DATA, LOGS)
    yield one
    calls.reset()
    builder.clear()
    for name in one.ids:
        one.volume(name, state="absent", confirm_data_loss=True)


def test_directories_of_nfs_servers_are_mounted_beside_volumes(mounting: Mounting) -> None:
    nfs = {"type": "nfs", "device": ":/export", "o": "addr=files.example.com,soft,nolock"}
    mounts = [{"source": DATA, "target": "/data"}, {"target": "/shared", "volume_options": nfs}]
    mounting.converge(image=FIRST, mounts=mounts)
    assert mounting.volumes() == {DATA: 2}
    shared = {"server": "files.example.com", "path": "/export", "target": "/shared", "read_only": False}
    assert mounting.builder.vm(NAME).spec["nfs"] == [{**shared, "port": 0, "version": "", "options": ["soft"]}]
    nfs = {**nfs, "o": "addr=files.example.com,ro,vers=4.1,port=20490"}
    mounts[1] = {"target": "/shared", "volume_options": nfs}
    mounting.converge(image=FIRST, mounts=mounts)
    changed = {**shared, "read_only": True, "port": 20490, "version": "4.1", "options": []}
    assert mounting.builder.vm(NAME).spec["nfs"] == [changed]
    mounting.converge(image=FIRST, mounts=mounts[:1])
    assert "nfs" not in mounting.builder.vm(NAME).spec
    refused = mounting.refused(image=FIRST, mounts=[{"target": "/shared", "volume_options": {**nfs, "type": "cifs"}}])
    assert "has the type 'cifs'. The only one is nfs" in refused["msg"]


def test_a_volume_goes_from_vm_to_vm_and_outlives_the_container(mounting: Mounting) -> None:
    mounts = [{"source": LOGS, "target": "/log", "read_only": True}, {"type": "tmpfs", "target": "/cache"}]
    options = {"image": FIRST, "volumes": [f"{DATA}:/data"], "mounts": mounts}
    mounting.unprotect(DATA)
    made = mounting.converge(**options)
    assert made["actions"][1:3] == [f"attach the volume {DATA} to {NAME}", f"attach the volume {LOGS} to {NAME}"]
    assert mounting.volumes() == {DATA: 2, LOGS: 3}
    assert mounting.outlives_vms(DATA)
    assert mounting.document() == [
        {"name": DATA, "id": mounting.ids[DATA], "unit": 2, "target": "/data", "read_only": False, "copy": True},
        {"name": LOGS, "id": mounting.ids[LOGS], "unit": 3, "target": "/log", "read_only": True, "copy": True},
    ]
    assert mounting.builder.vm(NAME).spec["tmpfs"] == [{"target": "/cache", "size": None, "mode": "1777"}]
    refused = mounting.refused(**{**options, "name": OTHER})
    assert f"The volume {DATA} is attached to the VM" in refused["msg"]
    assert refused["users"] == [mounting.builder.vm(NAME).path]
    replaced = mounting.converge(**{**options, "image": SECOND})
    assert f"detach {DATA}, {LOGS} from {NAME}" in replaced["actions"]
    assert mounting.volumes() == {DATA: 2, LOGS: 3}
    # One that is no longer given is detached, the other one stays at its unit.
    mounting.converge(image=SECOND, mounts=mounts)
    assert mounting.volumes() == {LOGS: 3}
    mounting.converge(state="absent")
    used = mounting.info()
    assert [one["attached_to"] for one in used.values()] == [[], []]
    assert used[DATA]["detached"] < used[LOGS]["detached"]


def test_a_volume_shows_when_a_task_has_detached_it(mounting: Mounting) -> None:
    mounting.converge(image=FIRST, volumes=[f"{DATA}:/data"])
    assert mounting.info()[DATA]["detached"] is None
    before = mounting.builder.session.ref("ServiceInstance", "ServiceInstance").CurrentTime()
    mounting.converge(image=FIRST)
    detached = datetime.fromisoformat(mounting.info()[DATA]["detached"])
    assert before <= detached <= mounting.builder.session.ref("ServiceInstance", "ServiceInstance").CurrentTime()
    # It is unknown when another client has detached it since.
    mounting.converge(image=FIRST, volumes=[f"{DATA}:/data"])
    mounting.detach(DATA)
    assert (mounting.info()[DATA]["attached_to"], mounting.info()[DATA]["detached"]) == ([], None)
    # The time is for a report only, which a container does not fail for.
    mounting.converge(state="started")
    mounting.calls.fault("VCenterUpdateVStorageObjectMetadataEx_Task", "NoPermission")
    removed = mounting.converge(state="absent")
    assert any(f"not recorded that the volume {DATA}" in one for one in removed["warnings"])
    assert mounting.info()[DATA]["detached"] is None


def test_a_volume_that_was_detached_by_hand_is_attached_again(mounting: Mounting) -> None:
    options = {"image": FIRST, "volumes": [f"{DATA}:/data"]}
    mounting.converge(**options)
    mounting.detach(DATA)
    repaired = mounting.converge(**options)
    assert repaired["actions"] == [f"attach the volume {DATA} to {NAME}", f"start {NAME}"]
    mounting.detach(DATA)
    mounting.calls.fault("SetVStorageObjectControlFlags", "NoPermission")
    started = mounting.converge(state="started")
    assert started["actions"] == repaired["actions"]
    assert any(f"may not check that the volume {DATA} is kept" in one for one in started["warnings"])
    mounting.detach(DATA)
    mounting.volume(DATA, state="absent", confirm_data_loss=True)
    assert f"mounts the volume {DATA}, whose disk {mounting.ids[DATA]}" in mounting.refused(state="started")["msg"]


def test_a_snapshot_that_holds_a_volume_is_named(mounting: Mounting) -> None:
    options = {"image": FIRST, "volumes": [f"{DATA}:/data"]}
    mounting.converge(**options, state="stopped")
    mounting.snapshot()
    for others in ({**options, "image": SECOND}, {"image": FIRST}, {"state": "absent"}):
        assert "has the snapshot nightly of 20" in mounting.refused(**others)["msg"]
    mounting.converge(**options, memory="512M")


def test_what_cannot_be_mounted_is_refused_by_name(mounting: Mounting) -> None:
    missing = mounting.refused(image=FIRST, volumes=["none:/data"])
    assert "there is no volume of this name in datacenter" in missing["msg"]
    both = {"defaults": {"image": FIRST, "volumes": [f"{DATA}:/data"]}, "containers": [{"name": NAME}, {"name": OTHER}]}
    result = drive("container_set", {**mounting.lab["vcenter"], "project": "mounts", **both})
    assert f"The volume {DATA} is given for the containers {OTHER}, {NAME}" in result["msg"]
