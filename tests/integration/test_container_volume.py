# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""container_volume and container_volume_info against the lab's vCenter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pyVim.task import WaitForTask
from pyVmomi import vim

from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import session_with
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.settings import ConnectionSettings
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.volume_catalog import VolumeCatalog
from tests.support.lab.background import result_of, running
from tests.support.lab.containers import PREFIX, VmBuilder
from tests.support.lab.control import Control
from tests.support.lab.converging import ConvergingModule
from tests.support.lab.drive import drive
from tests.support.lab.drs import ClusterObserver
from tests.support.lab.placement import wait_for
from tests.support.lab.storage_policies import TagPolicies

# The requests of a task with nothing to do that gives a storage policy, login and logout among them.
POLICY_BUDGET = 13
DATA, OTHER = f"{PREFIX}volume/data", f"{PREFIX}volume/other"


class Volumes(ConvergingModule):
    """Runs container_volume, and looks at the disks with pyVmomi alone."""

    module = "container_volume"
    unpredictable = frozenset({"id", "file", "created", "used_mb"})

    def __init__(self, lab: dict[str, Any], calls: Control, observer: ClusterObserver) -> None:
        super().__init__(lab["vcenter"], calls)
        self.manager = observer.content.vStorageObjectManager
        (datacenter,) = observer.content.rootFolder.childEntity
        self.datastores = {one.name: one for one in datacenter.datastore}
        self.store = self.datastores[lab["datastore"]]
        self.lab = lab

    def refusal(self, **options: Any) -> str:
        """Return the message of the failure."""
        return str(self.refused(**options)["msg"])

    def create(self, name: str = DATA, **options: Any) -> dict[str, Any]:
        result = self.run(**{"name": name, "size": "64M", "datastore": self.store.name, **options})
        assert "failed" not in result, result
        return dict(result["volume"])

    def info(self, **options: Any) -> list[dict[str, Any]]:
        result = drive("container_volume_info", {**self.connection, **options})
        assert "failed" not in result, result
        return [one for one in result["volumes"] if one["name"].startswith(PREFIX)]

    def disk(self, volume: dict[str, Any]) -> Any:
        """Return the disk as vCenter has it."""
        return self.manager.RetrieveVStorageObject(vim.vslm.ID(id=volume["id"]), self.store).config

    def origins(self, volume: dict[str, Any]) -> str:
        """Return the ids of the volumes that a volume is a copy of, from its metadata."""
        return {pair.key: str(pair.value) for pair in self.disk(volume).metadata}["gantry.origins"]

    def create_elsewhere(self) -> str:
        """Create a disk of this name as another client does, and return its id."""
        metadata = [vim.KeyValue(key="gantry.volume", value=DATA)]
        backing = vim.vslm.CreateSpec.DiskFileBackingSpec(datastore=self.store)
        spec = vim.vslm.CreateSpec(name=DATA, capacityInMB=64, backingSpec=backing, metadata=metadata)
        task = self.manager.CreateDisk_Task(spec)
        WaitForTask(task)
        return str(task.info.result.config.id.id)

    def clear(self) -> None:
        for store in self.datastores.values():
            for one in self.manager.ListVStorageObject(store):
                for snapshot in self.manager.RetrieveSnapshotInfo(one, store).snapshots:
                    WaitForTask(self.manager.DeleteSnapshot_Task(one, store, snapshot.id))
                WaitForTask(self.manager.DeleteVStorageObject_Task(one, store))


@pytest.fixture(scope="module")
def observer(lab: dict[str, Any]) -> Iterator[ClusterObserver]:
    one = ClusterObserver(lab, lab["cluster"])
    yield one
    one.close()


@pytest.fixture
def volumes(lab: dict[str, Any], calls: Control, observer: ClusterObserver) -> Iterator[Volumes]:
    one = Volumes(lab, calls, observer)
    yield one
    calls.reset()
    one.clear()


@pytest.fixture
def policies(lab: dict[str, Any], volumes: Volumes) -> Iterator[TagPolicies]:
    one = TagPolicies(lab)
    for name in ("gold", "silver"):
        one.create(name)
    yield one
    volumes.clear()
    one.close()


def test_a_volume_is_created_grown_labeled_and_deleted(volumes: Volumes) -> None:
    options = {"name": DATA, "datastore": volumes.store.name}
    made = volumes.converge(**options, size="64M", labels={"a": "b", "empty": ""})
    disk = volumes.disk(made["volume"])
    assert (disk.name, disk.capacityInMB, disk.keepAfterDeleteVm) == (DATA, 64, True)
    assert disk.backing.provisioningType == "thin"
    grown = volumes.converge(**options, size="1G", labels={})
    assert grown["actions"] == [f"grow the volume {DATA} from 64 to 1024 MiB", f"set the labels of the volume {DATA}"]
    assert volumes.disk(made["volume"]).capacityInMB == 1024
    # What is not given stays.
    assert not volumes.run(**options)["changed"]
    assert "never shrunk" in volumes.refusal(**options, size="64M")
    assert "confirm_data_loss" in volumes.refusal(name=DATA, state="absent")
    gone = volumes.converge(name=DATA, state="absent", confirm_data_loss=True)
    assert gone["volume"] is None
    assert volumes.info() == []


def test_many_volumes_are_managed_at_once(volumes: Volumes) -> None:
    names = [f"{PREFIX}volume/{number}" for number in range(5)]
    listed = [{"name": name, "size": "64M", "datastore": volumes.store.name} for name in names]
    made = volumes.converge(volumes=listed)
    assert [one["name"] for one in made["volumes"]] == names
    calls = len(volumes.calls.methods())
    volumes.run(volumes=listed[:1])
    assert len(volumes.calls.methods()) == calls
    listed[3]["size"], listed[4]["size"] = "1M", "2M"
    refused = volumes.refused(volumes=listed)
    assert len(refused["problems"]) == 2
    volumes.converge(volumes=[{"name": name} for name in names], state="absent", confirm_data_loss=True)


def test_snapshots_restore_and_copies(volumes: Volumes) -> None:
    volumes.create()
    taken = volumes.converge(name=DATA, snapshots=[{"name": "one"}, {"name": "two"}, {"name": "three"}])
    assert [one["name"] for one in taken["volume"]["snapshots"]] == ["one", "two", "three"]
    assert "while it has snapshots (one, two, three)" in volumes.refusal(name=DATA, size="1G")
    assert "because it has snapshots" in volumes.refusal(name=DATA, state="absent", confirm_data_loss=True)
    assert "confirm_data_loss" in volumes.refusal(name=DATA, restore="one")
    assert "has no snapshot four" in volumes.refusal(name=DATA, restore="four", confirm_data_loss=True)
    restored = volumes.run(name=DATA, restore="one", confirm_data_loss=True)
    assert restored["actions"] == [
        f"restore the volume {DATA} from the snapshot one, and remove the later two, three",
    ]
    assert [one["name"] for one in restored["volume"]["snapshots"]] == ["one"]
    (found,) = volumes.info(name=[DATA], snapshot_ages=True)
    assert found["snapshots"][0]["created"] > found["created"]
    copied = volumes.converge(name=OTHER, source=DATA, size="128M", datastore=volumes.store.name)
    assert (copied["volume"]["size_mb"], copied["volume"]["snapshots"]) == (128, [])
    assert volumes.disk(copied["volume"]).keepAfterDeleteVm
    assert volumes.origins(copied["volume"]) == taken["volume"]["id"]
    gone = {"name": DATA, "snapshots": [{"name": "one", "state": "absent"}]}
    assert volumes.converge(**gone)["volume"]["snapshots"] == []
    volumes.converge(**gone, state="absent", confirm_data_loss=True)


def test_a_copy_of_a_snapshot_is_as_complete_as_any_volume(volumes: Volumes, calls: Control) -> None:
    source = volumes.create(snapshots=[{"name": "one"}])
    options = {"name": OTHER, "source": DATA, "source_snapshot": "one", "labels": {"of": "one"}}
    assert "has no snapshot two that" in volumes.refusal(**{**options, "source_snapshot": "two"})
    assert "source is not given" in volumes.refusal(name=OTHER, source_snapshot="one")
    assert "provisioning of the volume" in volumes.refusal(**options, provisioning="thin")
    # An interrupted run leaves a disk, which the next one finishes.
    calls.fault("VCenterUpdateVStorageObjectMetadataEx_Task", "SystemError")
    assert volumes.run(**options)["failed"]
    assert volumes.info(name=[OTHER]) == []
    calls.release()
    made = volumes.converge(**options)
    assert made["actions"] == [
        f"create the volume {OTHER}, as a copy of {DATA} in its snapshot one, on {volumes.store.name}"
    ]
    disk = volumes.disk(made["volume"])
    assert (disk.name, disk.keepAfterDeleteVm, made["volume"]["labels"]) == (OTHER, True, {"of": "one"})
    assert len(volumes.manager.ListVStorageObject(volumes.store)) == 2
    second = volumes.converge(name=f"{OTHER}/second", source=OTHER, datastore=volumes.store.name)
    assert volumes.origins(second["volume"]) == f"{disk.id.id} {source['id']}"


def test_a_volume_and_its_copies_keep_the_file_system(volumes: Volumes) -> None:
    options = {"name": DATA, "datastore": volumes.store.name, "filesystem": "xfs"}
    assert "needs 300 MiB at least" in volumes.refusal(**options, size="64M")
    made = volumes.converge(**options, size="300M", snapshots=[{"name": "one"}])
    assert made["volume"]["filesystem"] == "xfs"
    assert "a file system is never replaced" in volumes.refusal(name=DATA, filesystem="ext4")
    copied = volumes.converge(name=OTHER, source=DATA, datastore=volumes.store.name)
    taken = volumes.converge(name=f"{OTHER}/second", source=DATA, source_snapshot="one")
    assert [one["volume"]["filesystem"] for one in (copied, taken)] == ["xfs", "xfs"]
    assert [one["filesystem"] for one in volumes.info(name=[DATA, OTHER])] == ["xfs", "xfs"]
    assert volumes.create(name=f"{OTHER}/plain")["filesystem"] == "ext4"


def test_an_attached_volume_is_neither_deleted_nor_restored(volumes: Volumes, builder: VmBuilder) -> None:
    made = volumes.create(snapshots=[{"name": "one"}])
    volumes.create(OTHER)
    controller = vim.vm.device.ParaVirtualSCSIController(key=-1, busNumber=0, sharedBus="noSharing")
    added = vim.vm.device.VirtualDeviceSpec(operation="add", device=controller)
    moid = builder.create_vm(f"{PREFIX}user", {}, devices=[added])
    vm, disk = builder.session.ref("VirtualMachine", moid), vim.vslm.ID(id=made["id"])
    builder.task("attach", lambda: vm.AttachDisk_Task(disk, volumes.store))
    try:
        for options in ({"state": "absent"}, {"restore": "one"}):
            refused = volumes.refused(name=DATA, confirm_data_loss=True, **options)
            assert refused["users"] == [f"{PREFIX}user"]
        assert [one["name"] for one in volumes.info(unused=True)] == [OTHER]
        (used,) = volumes.info(unused=False)
        assert used["attached_to"] == [f"{PREFIX}user"]
    finally:
        builder.task("detach", lambda: vm.DetachDisk_Task(disk))
        builder.destroy(moid)


def test_a_volume_that_the_catalog_does_not_show_yet_is_not_created_again(volumes: Volumes) -> None:
    made = volumes.create()
    volumes.calls.behave(catalog_seconds=3600)
    again = volumes.run(name=DATA, size="64M", datastore=volumes.store.name)
    assert again["failed"]
    assert made["id"] in again["msg"]
    assert "Run again in a minute" in again["msg"]
    assert volumes.calls.mutating() == []
    # A new one is returned as vCenter has created it, although the catalog does not show it.
    late = volumes.create(OTHER, labels={"a": "b"})
    assert late["id"] is not None
    assert late["labels"] == {"a": "b"}


def test_the_later_of_two_volumes_created_at_the_same_time_gives_way(
    volumes: Volumes, connection: dict[str, str]
) -> None:
    volumes.calls.fault("CreateDisk_Task", delay_seconds=60, in_task=True)
    options = {"name": DATA, "size": "64M", "datastore": volumes.store.name}
    with running("container_volume", options, connection) as second:
        wait_for(lambda: "CreateDisk_Task" in volumes.calls.methods())
        first = volumes.create_elsewhere()
        volumes.calls.release()
        refused = result_of(second)
    assert "Another client created a volume" in refused["msg"]
    assert [one["id"] for one in volumes.info(name=[DATA])] == [first]
    assert not volumes.run(**options)["changed"]


def test_several_disks_of_one_name_are_an_error(volumes: Volumes) -> None:
    first = volumes.create()
    volumes.create_elsewhere()
    assert len(volumes.info(name=[DATA])) == 2
    message = volumes.refusal(name=DATA)
    assert first["id"] in message
    assert "2 First Class Disks in /DC0 are named" in message


def test_the_catalog_is_read_with_a_new_session_when_the_old_one_has_ended(
    volumes: Volumes, observer: ClusterObserver
) -> None:
    made = volumes.create()
    with session_with(ConnectionSettings(**volumes.connection)) as session, VolumeCatalog(session) as catalog:
        key = session.content.sessionManager.currentSession.key
        observer.content.sessionManager.TerminateSession([key])
        assert made["id"] in catalog.find(("name", "equals", DATA))


def test_a_volume_has_the_storage_policy_that_it_is_given(volumes: Volumes, policies: TagPolicies) -> None:
    new = {"name": DATA, "size": "64M", "storage_policy": "gold"}
    assert "no datastore that it may be on satisfies the storage policy gold" in volumes.refusal(**new)
    policies.tag(volumes.store, "gold")
    assert "There is no storage policy bronze. vCenter has" in volumes.refusal(**{**new, "storage_policy": "bronze"})
    made = volumes.converge(**new)["volume"]
    assert (made["storage_policy"], made["datastore"]) == ("gold", volumes.store.name)
    assert policies.of_disk(made["id"]) == ["gold"]
    volumes.run(**new)
    assert len(volumes.calls.methods()) <= POLICY_BUDGET, volumes.calls.methods()
    refused = volumes.refusal(name=DATA, storage_policy="silver")
    assert f"is on {volumes.store.name}, which does not satisfy the storage policy silver" in refused
    policies.tag(volumes.store, "silver")
    changed = volumes.converge(name=DATA, storage_policy="silver", snapshots=[{"name": "one"}])
    assert f"set the storage policy of the volume {DATA} to silver" in changed["actions"]
    assert policies.of_disk(made["id"]) == ["silver"]
    # Without the option, the policy stays, and is not read.
    assert volumes.run(name=DATA)["volume"]["storage_policy"] is None
    copied = volumes.converge(name=OTHER, source=DATA, source_snapshot="one", storage_policy="gold")["volume"]
    assert policies.of_disk(copied["id"]) == ["gold"]
    assert [one["storage_policy"] for one in volumes.info()] == [None, None]
    assert [one["storage_policy"] for one in volumes.info(storage_policies=True)] == ["silver", "gold"]
