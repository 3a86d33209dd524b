# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users with limited privileges: what they can do, what they are told, and that the documented privileges suffice."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from ansible_collections.gantry.vsphere.plugins.modules import container_vm
from tests.support.lab.containers import PREFIX, VmBuilder
from tests.support.lab.playbook import PlaybookRunner
from tests.support.lab.privileges import READ_ONLY, LimitedUser, limited_user

INFO = "gantry.vsphere.container_vm_info"
VM = "gantry.vsphere.container_vm"
IMAGE = "registry.example.com/app:1"
WEB = f"{PREFIX}web"


@pytest.fixture(scope="module")
def builder(lab: dict[str, Any]) -> Iterator[VmBuilder]:
    """Open a session of the administrator, and create an image."""
    one = VmBuilder(lab)
    one.clear(images=True)
    one.upload_bootstrap()
    one.make_image(IMAGE, 1, {"Cmd": ["serve"]})
    yield one
    one.clear(images=True)
    one.session.close()


@pytest.fixture
def ann(builder: VmBuilder, lab: dict[str, Any]) -> Iterator[LimitedUser]:
    with limited_user(lab, builder.session.content, "ann@vsphere.local") as user:
        yield user


@pytest.fixture
def web(lab: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a container to create."""
    return {"name": WEB, "image": IMAGE, "datacenter": lab["datacenter"], "cluster": lab["cluster"], "state": "present"}


@pytest.mark.smoke
def test_read_only_user_reads_containers_and_creates_none(
    ann: LimitedUser,
    builder: VmBuilder,
    web: dict[str, Any],
    both_ways: Callable[..., dict[str, Any]],
    play: PlaybookRunner,
) -> None:
    root = builder.session.content.rootFolder
    play({VM: web}).ok()
    ann.give(READ_ONLY, root)
    (container,) = both_ways({INFO: {"name": [WEB]}}, environment=ann.environment)["containers"]
    assert container["name"] == WEB

    other = {**web, "name": f"{PREFIX}other"}
    refused = both_ways({VM: other}, environment=ann.environment)
    assert refused["fault"]["type"] == "NoPermission"
    assert "lacks these privileges: Datastore.Browse on Datastore datastore-" in refused["msg"]

    ann.give(ann.add_role("files", ["Datastore.Browse", "Datastore.FileManagement"]), root)
    refused = both_ways({VM: other}, environment=ann.environment)
    assert f"could not create {PREFIX}other from {IMAGE}" in refused["msg"]
    for privilege in (
        "VirtualMachine.Provisioning.DeployTemplate on VirtualMachine vm-",
        "VirtualMachine.Inventory.CreateFromExisting",
        "Resource.AssignVMToPool on ResourcePool resgroup-",
        "Datastore.AllocateSpace on Datastore datastore-",
        "Assign the user a role",
    ):
        assert privilege in refused["msg"]
    assert builder.vms(other["name"]) == []


def documented_privileges() -> dict[str, list[str]]:
    """Return what the documentation of container_vm lists by object, such as "the datastore", "the networks"."""
    (note,) = [
        text for text in yaml.safe_load(container_vm.DOCUMENTATION)["notes"] if "privileges that are needed" in text
    ]
    found = {}
    for sentence in note.split(". "):
        privileges = re.findall(r"C\(([A-Za-z.]+)\)", sentence)
        place = re.search(r"[Oo]n (the [a-z' ]+?)(?: and the VMs in it)? C\(", sentence)
        if place is not None:
            found[place[1]] = privileges
    return found


def test_documented_privileges_are_enough_for_the_life_of_a_container(
    ann: LimitedUser, builder: VmBuilder, web: dict[str, Any], lab: dict[str, Any], play: PlaybookRunner
) -> None:
    builder.clear()
    builder.create_folder("ct-tenant")
    builder.create_pool("ct-pool")
    inventory = builder.session.inventory(refresh=True, vms=True)
    datacenter = inventory.datacenter(lab["datacenter"])
    (image,) = [entry for entry in inventory.vms() if entry.name.startswith("gantry-image-")]
    documented = documented_privileges()
    places = {
        "the folder": inventory.folder("ct-tenant", datacenter=datacenter).ref,
        "the image's template": image.ref,
        "the datacenter": datacenter.ref,
        "the datastore": inventory.datastore(lab["datastore"]).ref,
        "the networks": inventory.network("VM Network", datacenter=datacenter).ref,
        "the resource pool": inventory.resource_pool("ct-pool", cluster=inventory.cluster(lab["cluster"])).ref,
    }
    assert set(documented) == set(places)
    ann.give(READ_ONLY, builder.session.content.rootFolder)
    for place, privileges in documented.items():
        role = ann.add_role(f"container_vm on {place}", privileges)
        ann.give(role, places[place], propagate=place == "the folder")

    mine = {**web, "folder": "ct-tenant", "resource_pool": "ct-pool", "networks": [{"name": "VM Network"}]}
    tasks = [
        {"name": "create", VM: {**mine, "state": "started"}},
        {"name": "live change", VM: {**mine, "state": "started", "labels": {"tier": "front"}}},
        {"name": "restart", VM: {**mine, "state": "started", "memory": "256M", "env": {"A": "b"}}},
        {"name": "replace", VM: {**mine, "state": "started", "recreate": True}},
        {"name": "stop", VM: {**mine, "state": "stopped"}},
        {"name": "remove", VM: {"name": WEB, "folder": "ct-tenant", "state": "absent"}},
    ]
    run = play(tasks, environment=ann.environment).ok()
    assert [outcome.name for outcome in run.outcomes if not outcome.changed] == []
    assert builder.vms(WEB) == []
