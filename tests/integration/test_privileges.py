# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users with limited privileges: what they can do, what they are told, and that the roles of the guide are enough."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from devkit.console import ROOT
from tests.support.lab.containers import PREFIX, VmBuilder, building
from tests.support.lab.iso import make_iso
from tests.support.lab.playbook import PlaybookRunner
from tests.support.lab.privileges import READ_ONLY, LimitedUser, limited_user

INFO = "gantry.vsphere.container_vm_info"
VM = "gantry.vsphere.container_vm"
ACCESS = "gantry.vsphere.access"
FOLDER, POOL = "gantry.vsphere.vm_folder", "gantry.vsphere.resource_pool"
TEAM = r"VSPHERE.LOCAL\blue"
IMAGE = "registry.example.com/app:1"
WEB = f"{PREFIX}web"


@pytest.fixture(scope="module")
def builder(lab: dict[str, Any]) -> Iterator[VmBuilder]:
    """Open a session of the administrator, and create an image."""
    with building(lab) as one:
        one.make_image(IMAGE, 1, {"Cmd": ["serve"]})
        yield one


@pytest.fixture
def ann(builder: VmBuilder, lab: dict[str, Any]) -> Iterator[LimitedUser]:
    with limited_user(lab, builder.session.content, "ann@vsphere.local", groups=["blue@vsphere.local"]) as user:
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


def example_of_the_guide() -> dict[str, Any]:
    """Return the task of the security guide that lets a team deploy containers."""
    page = (ROOT / "docs" / "docsite" / "rst" / "guide_security.rst").read_text()
    (block,) = re.findall(r"code-block:: yaml\+jinja\n\n((?:    .*\n|\n)+)", page)
    (task,) = yaml.safe_load(textwrap.dedent(block))
    assert isinstance(task, dict)
    return task


def test_the_roles_of_the_guide_are_enough_for_a_team_and_only_in_its_places(
    ann: LimitedUser, builder: VmBuilder, web: dict[str, Any], play: PlaybookRunner, lab: dict[str, Any]
) -> None:
    builder.clear()
    place = {"path": "tenants/blue"}
    parents = {"name": "parent", POOL: {"path": "tenants"}}
    play([{FOLDER: place}, parents, {POOL: place}, {FOLDER: {"path": "gantry-images"}}]).ok()
    builder.move_images("gantry-images")
    task = example_of_the_guide()
    given = play([task, {**task, "name": "again"}]).ok()
    assert [outcome.changed for outcome in given.outcomes] == [True, False]

    mine = {**web, "folder": "tenants/blue", "resource_pool": "tenants/blue", "networks": [{"name": "VM Network"}]}
    tasks = [
        {"name": "create", VM: {**mine, "state": "started"}},
        {"name": "live change", VM: {**mine, "state": "started", "labels": {"tier": "front"}}},
        {"name": "restart", VM: {**mine, "state": "started", "memory": "256M", "env": {"A": "b"}}},
        {"name": "replace", VM: {**mine, "state": "started", "recreate": True}},
        {"name": "stop", VM: {**mine, "state": "stopped"}},
        {"name": "remove", VM: {"name": WEB, "folder": "tenants/blue", "state": "absent"}},
    ]
    run = play(tasks, environment=ann.environment).ok()
    assert [outcome.name for outcome in run.outcomes if not outcome.changed] == []
    assert builder.vms(WEB) == []

    for elsewhere in ({"folder": None}, {"resource_pool": None}):
        refused = play({VM: {**mine, **elsewhere}}, environment=ann.environment).last
        assert refused["fault"]["type"] == "NoPermission", elsewhere
    iso = {"src": str(make_iso(play.home, "9.9.1")), "datastore": lab["datastore"]}
    refused = play({"gantry.vsphere.bootstrap_image": iso}, environment=ann.environment).last
    assert "Datastore.FileManagement on Datastore" in refused.msg
    undo = {"roles": [{"name": role["name"], "state": "absent"} for role in task[ACCESS]["roles"]]}
    undo["permissions"] = [
        {**{k: v for k, v in place.items() if k != "role"}, "principal": TEAM, "group": True, "state": "absent"}
        for place in task["vars"]["places"]
    ]
    removed = [{"path": name, "state": "absent"} for name in ("tenants/blue", "tenants")]
    play([{ACCESS: undo}, *({kind: one} for kind in (FOLDER, POOL) for one in removed)]).ok()
