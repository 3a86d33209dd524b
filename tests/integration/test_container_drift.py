# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test that container_vm never replaces a container because it was moved to another datastore or cluster."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import vim
from tests.support.lab.containers import PREFIX, Vm, VmBuilder
from tests.support.lab.control import Control
from tests.support.lab.drive import drive
from tests.support.lab.labs import open_lab
from tests.support.lab.placement import Site

NAME = f"{PREFIX}data"
IMAGE = "registry.example.com/app:1"
OVERRIDES = {
    "images": [],
    "inventory": {"clusters": {"C1": 1}, "shared_datastores": ["shared1"]},
}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Start a lab with two clusters and two shared datastores; the image and the bootstrap ISO are on the first."""
    with open_lab(tmp_path_factory.mktemp("lab"), OVERRIDES, running=None) as info:
        yield info


@pytest.fixture(scope="module")
def builder(lab: dict[str, Any]) -> Iterator[VmBuilder]:
    one = VmBuilder(lab)
    one.upload_bootstrap()
    one.make_image(IMAGE, 1, {"Cmd": ["serve"]})
    yield one
    one.session.close()


@pytest.fixture
def site(lab: dict[str, Any], builder: VmBuilder) -> Iterator[Site]:
    one = Site(lab, builder, Control(lab["control"]))
    one.calls.reset()
    yield one
    one.clear()


def run(site: Site, **options: Any) -> dict[str, Any]:
    return site.ok("container_vm", name=NAME, image=IMAGE, cluster="C0", networks=[], **options)


def move(site: Site, datastore: str) -> None:
    """Move the VM's storage as another client than the collection would."""
    inventory = site.builder.session.inventory(refresh=True)
    vm, spec = site.vm(NAME), vim.vm.RelocateSpec(datastore=inventory.datastore(datastore).ref)
    site.builder.task("relocate", lambda: vm.RelocateVM_Task(spec))


def datastores(vm: Vm) -> set[str]:
    return {disk.backing.fileName.split("]")[0].lstrip("[") for disk in vm.of_kind(vim.vm.device.VirtualDisk)}


@pytest.mark.parametrize("by", ["vm_vmotion", "another client"])
def test_a_moved_container_stays_with_a_warning(site: Site, by: str) -> None:
    before = run(site, datastore="shared0")["container"]
    if by == "vm_vmotion":
        site.ok("vm_vmotion", vms=[NAME], datastore="shared1")
    else:
        move(site, "shared1")
    for check in (True, False):
        site.calls.forget()
        again = drive(
            "container_vm",
            {
                **site.lab["vcenter"],
                "name": NAME,
                "image": IMAGE,
                "cluster": "C0",
                "networks": [],
                "datastore": "shared0",
            },
            check=check,
        )
        assert not again.get("failed"), again
        assert (again["changed"], again["actions"]) == (False, [])
        assert (again["container"]["moid"], again["container"]["id"]) == (before["moid"], before["id"])
        assert again["container"]["datastore"] == "shared1"
        (warning,) = again["warnings"]
        assert "shared0" in warning
        assert "shared1" in warning
        assert site.calls.mutating() == []
    for options in ({}, {"datastore": "shared1"}, {"datastore": "shared0", "placement_drift": "ignore"}):
        result = run(site, **options)
        assert not result["changed"], options
        assert "warnings" not in result, options


def test_a_moved_container_is_moved_back_while_it_runs_and_shares_its_image_again(site: Site) -> None:
    before = run(site, datastore="shared0")["container"]
    move(site, "shared1")
    assert datastores(site.builder.vm(NAME)) == {"shared1"}
    site.calls.forget()
    moved = run(site, datastore="shared0", placement_drift="relocate")
    assert moved["actions"] == [f"relocate {NAME} to datastore shared0, sharing the image's disk there"]
    assert moved["diff"] == {
        "before": {NAME: {"datastore": "shared1"}},
        "after": {NAME: {"datastore": "shared0"}},
        "after_header": f"{NAME} in place (datastore)",
    }
    assert site.calls.mutating() == ["RelocateVM_Task"]
    assert moved["container"] == {**before, "host": moved["container"]["host"]}
    assert datastores(site.builder.vm(NAME)) == {"shared0"}
    assert not run(site, datastore="shared0", placement_drift="relocate")["changed"]


def test_the_volumes_of_a_moved_container_follow_one_at_a_time(site: Site) -> None:
    names = [f"{PREFIX}{part}" for part in ("one", "two", "three")]
    listed = [{"name": name, "size": "64M", "datastore": "shared0"} for name in names]
    site.ok("container_volume", volumes=listed)
    volumes = {"volumes": [f"{name}:/{name}" for name in names]}
    run(site, datastore="shared0", **volumes)
    site.calls.forget()
    moved = site.ok("vm_vmotion", vms=[NAME], datastore="shared1")
    assert [vm["status"] for vm in moved["vms"]] == ["moved"]
    assert site.calls.mutating() == ["RelocateVM_Task"] * 3
    assert datastores(site.builder.vm(NAME)) == {"shared1"}
    assert not site.ok("vm_vmotion", vms=[NAME], datastore="shared1")["changed"]
    found = site.ok("container_volume_info", name=names)["volumes"]
    assert {(one["datastore"], *one["attached_to"]) for one in found} == {("shared1", NAME)}
    # An interrupted move is continued by the next run.
    site.calls.fault("RelocateVM_Task", "SystemError", skip=1, in_task=True)
    back = {"datastore": "shared0", "placement_drift": "relocate", **volumes}
    assert site.run("container_vm", name=NAME, image=IMAGE, cluster="C0", networks=[], **back)["failed"]
    site.calls.release()
    site.calls.forget()
    run(site, **back)
    assert site.calls.mutating() == ["RelocateVM_Task"] * 2
    assert datastores(site.builder.vm(NAME)) == {"shared0"}
    assert not run(site, **back)["changed"]
    site.ok("container_vm", name=NAME, state="absent")
    gone = [{"name": name} for name in names]
    site.ok("container_volume", volumes=gone, state="absent", confirm_data_loss=True)


def test_a_datastore_without_the_image_gets_a_copy_of_its_disk(site: Site) -> None:
    before = run(site)["container"]
    moved = run(site, datastore="shared1", placement_drift="relocate")
    assert moved["actions"] == [f"relocate {NAME} to datastore shared1, with a copy of the image's disk"]
    assert moved["container"]["id"] == before["id"]
    vm = site.builder.vm(NAME)
    assert datastores(vm) == {"shared1"}
    assert vm.power == "poweredOn"


def test_another_cluster_is_a_warning_and_an_error_only_for_a_relocation(site: Site) -> None:
    before = run(site)["container"]
    site.ok("vm_vmotion", vms=[NAME], cluster="C1")
    result = run(site)
    assert not result["changed"]
    assert (result["container"]["id"], result["container"]["cluster"]) == (before["id"], "C1")
    (warning,) = result["warnings"]
    assert "vm_vmotion" in warning
    options = {"name": NAME, "image": IMAGE, "cluster": "C0", "networks": []}
    message = site.refused("container_vm", **options, placement_drift="relocate")["msg"]
    assert "is in cluster C1, while cluster is C0" in message


def test_a_new_image_replaces_a_moved_container_at_the_place_of_the_task(site: Site) -> None:
    before = run(site, datastore="shared0")["container"]
    move(site, "shared1")
    replaced = run(site, datastore="shared0", recreate=True)
    assert replaced["actions"][0] == f"create the successor of {NAME} from {IMAGE} (recreate)"
    assert replaced["container"]["id"] != before["id"]
    assert replaced["container"]["datastore"] == "shared0"
