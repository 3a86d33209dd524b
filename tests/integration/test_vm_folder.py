# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vm_folder against the lab's vCenter."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from pyVim.task import WaitForTask
from pyVmomi import vim

from tests.support.lab.control import Control
from tests.support.lab.converging import ConvergingModule
from tests.support.lab.drive import drive
from tests.support.lab.drs import ClusterObserver

ROOT = "/DC0/vm"


class Folders(ConvergingModule):
    """Runs vm_folder, and looks at the folders with pyVmomi alone."""

    module = "vm_folder"
    of_the_run = ("actions", "created")

    def __init__(self, lab: dict[str, Any], calls: Control, observer: ClusterObserver) -> None:
        super().__init__(lab["vcenter"], calls)
        self.observer = observer
        self.root = observer.content.rootFolder.childEntity[0].vmFolder

    def names(self, folder: Any = None) -> set[str]:
        return {one.name for one in (folder or self.root).childEntity if isinstance(one, vim.Folder)}

    def folder(self, *names: str) -> Any:
        found = self.root
        for name in names:
            (found,) = [one for one in found.childEntity if one.name == name]
        return found


@pytest.fixture
def folders(lab: dict[str, Any], calls: Control) -> Iterator[Folders]:
    """Yield what makes folders, and remove them afterwards."""
    observer = ClusterObserver(lab, lab["cluster"])
    one = Folders(lab, calls, observer)
    before = set(one.root.childEntity)
    yield one
    calls.reset()
    for made in set(one.root.childEntity) - before:
        WaitForTask(made.Destroy_Task())
    observer.close()


def test_folders_are_created_with_their_parents_and_then_left_alone(folders: Folders) -> None:
    done = folders.converge(path="prod/web")
    assert done["created"] == [f"{ROOT}/prod", f"{ROOT}/prod/web"]
    assert done["actions"] == [f"create {ROOT}/prod", f"create {ROOT}/prod/web"]
    assert done["diff"]["before"] == {}
    assert done["diff"]["after"]["folders"].keys() == {f"{ROOT}/prod", f"{ROOT}/prod/web"}
    assert done["folder"] == {"path": f"{ROOT}/prod/web", "moid": folders.folder("prod", "web")._moId}
    # Only what is missing is created, and a whole path means the same.
    assert folders.converge(path=f"{ROOT}/prod/db/")["created"] == [f"{ROOT}/prod/db"]
    assert folders.converge(path=f"{ROOT}/prod/web", datacenter="DC0")["created"] == []
    assert folders.names(folders.folder("prod")) == {"web", "db"}


def test_check_mode_creates_nothing(folders: Folders) -> None:
    predicted = folders.run(path="prod/web", check=True)
    assert predicted["folder"] == {"path": f"{ROOT}/prod/web", "moid": None}
    assert "prod" not in folders.names()


def test_names_have_the_characters_that_paths_escape(folders: Folders) -> None:
    done = folders.converge(path="a%2fb/50%25")
    assert done["folder"]["path"] == f"{ROOT}/a%2fb/50%25"
    assert "a%2fb" in folders.names()
    assert folders.names(folders.folder("a%2fb")) == {"50%25"}
    assert folders.converge(path="a%2Fb/50%")["created"] == []


def test_an_empty_folder_is_removed_but_not_its_parent(folders: Folders) -> None:
    folders.converge(path="prod/web")
    done = folders.converge(path="prod/web", state="absent")
    assert (done["actions"], done["folder"]) == ([f"remove {ROOT}/prod/web"], None)
    assert done["diff"] == {"before": {"folders": {f"{ROOT}/prod/web": {"state": "present"}}}, "after": {}}
    assert folders.names(folders.folder("prod")) == set()
    assert not folders.converge(path="nowhere/at/all", state="absent")["changed"]


def test_a_folder_that_is_not_empty_is_refused(folders: Folders, lab: dict[str, Any]) -> None:
    folders.converge(path="prod/web")
    result = folders.refused(path="prod", state="absent")
    assert result["msg"].startswith(f"The folder {ROOT}/prod is not removed because it is not empty: web.")
    assert result["contents"] == ["web"]
    with_vms(folders, lab, folders.folder("prod", "web"), "folder-vm-")
    result = folders.refused(path="prod/web", state="absent")
    assert result["contents"] == ["folder-vm-0", "folder-vm-1"]


def test_what_comes_into_the_folder_while_it_is_removed_keeps_it(folders: Folders, lab: dict[str, Any]) -> None:
    """It is empty when the plan is made. Its contents are read again before it is removed."""
    folders.converge(path="prod")
    folder = folders.folder("prod")
    # The second read of the folder's contents is late, so that there is time for a VM to come.
    folders.calls.fault("RetrievePropertiesEx", delay_seconds=2, skip=2)
    results: list[dict[str, Any]] = []
    connection = lab["vcenter"]
    task = threading.Thread(
        target=lambda: results.append(drive("vm_folder", {**connection, "path": "prod", "state": "absent"}))
    )
    task.start()
    with_vms(folders, lab, folder, "late-vm-")
    task.join()
    (result,) = results
    assert result["failed"], result
    assert set(result["contents"]) & {"late-vm-0", "late-vm-1"}
    assert not result["changed"]


def test_a_folder_that_another_task_creates_meanwhile_is_used(folders: Folders, lab: dict[str, Any]) -> None:
    folders.calls.fault("CreateFolder", delay_seconds=2)
    results: list[dict[str, Any]] = []
    connection = lab["vcenter"]
    task = threading.Thread(target=lambda: results.append(drive("vm_folder", {**connection, "path": "prod/web"})))
    task.start()
    while "CreateFolder" not in folders.calls.methods():
        assert task.is_alive()
    folders.root.CreateFolder("prod")
    task.join()
    (result,) = results
    assert "failed" not in result, result
    assert result["created"] == [f"{ROOT}/prod/web"]
    assert result["folder"]["moid"] == folders.folder("prod", "web")._moId


def test_a_name_that_a_vm_has_is_refused(folders: Folders, lab: dict[str, Any]) -> None:
    with_vms(folders, lab, folders.root, "taken-")
    assert f"because VirtualMachine {ROOT}/taken-0 has the name" in folders.refused(path="taken-0/web")["msg"]


def test_paths_that_lead_elsewhere_are_refused(folders: Folders) -> None:
    assert "not below /DC0/vm" in folders.refused(path="/DC0/host/prod")["msg"]
    assert "not below /DC0/vm" in folders.refused(path="/prod")["msg"]
    assert "names nothing" in folders.refused(path="/")["msg"]
    assert "a name is empty" in folders.refused(path="prod//web")["msg"]
    assert "longer than vCenter's 80 characters" in folders.refused(path="x" * 81)["msg"]
    assert "datacenter 'DC9'" in folders.refused(path="prod", datacenter="DC9")["msg"]


def test_the_fault_is_kept(folders: Folders) -> None:
    folders.calls.fault("CreateFolder", "NoPermission")
    result = folders.run(path="prod")
    assert result["failed"]
    assert result["fault"]["type"] == "NoPermission"
    assert f"create {ROOT}/prod" in result["msg"]


def with_vms(folders: Folders, lab: dict[str, Any], folder: Any, prefix: str) -> None:
    """Put two VMs into a folder."""
    Control(lab["control"]).add_vms(2, prefix)
    vms = [folders.observer.vm(f"{prefix}{number}") for number in range(2)]
    if folder != folders.root:
        WaitForTask(folder.MoveIntoFolder_Task(vms))


def test_several_folders_are_one_task(folders: Folders, lab: dict[str, Any]) -> None:
    paths = ["prod/web", "prod/db", "prod"]

    def run(**options: Any) -> dict[str, Any]:
        return folders.run(paths=paths, **options)

    predicted, done, again = run(check=True), run(), run()
    assert done["created"] == [f"{ROOT}/prod", f"{ROOT}/prod/db", f"{ROOT}/prod/web"]
    assert (predicted["actions"], predicted["diff"]) == (done["actions"], done["diff"])
    assert (again["changed"], again["folders"]) == (False, done["folders"])
    with_vms(folders, lab, folders.folder("prod", "web"), "folder-vm-")
    refused = run(state="absent")
    assert refused["contents"] == ["folder-vm-0", "folder-vm-1"]
    assert folders.calls.mutating() == []
    kept = run(state="absent", when_not_empty="keep", check=True)
    assert kept["actions"] == [f"remove {ROOT}/prod/db"]
    # In check mode what an earlier task removes is still there.
    gone = {"state": "absent", "assume_removed": ["folder-vm-0", "folder-vm-1"]}
    assert run(check=True, **gone)["actions"] == [f"remove {ROOT}/{path}" for path in ("prod/web", "prod/db", "prod")]
    assert run(**gone)["contents"] == ["folder-vm-0", "folder-vm-1"], "a folder that is not empty is never removed"
