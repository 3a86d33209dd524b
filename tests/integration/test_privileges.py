# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users who lack privileges: what they can still do, and what they are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.lab.containers import PREFIX, VmBuilder
from tests.support.lab.playbook import PlaybookRunner
from tests.support.lab.privileges import READ_ONLY, LimitedUser, limited_user

INFO = "gantry.vsphere.container_vm_info"
VM = "gantry.vsphere.container_vm"
IMAGE = "registry.example.com/app:1"
WEB = f"{PREFIX}web"


@pytest.fixture(scope="module")
def builder(lab: dict[str, Any]) -> Iterator[VmBuilder]:
    """A session of the administrator, and an image."""
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
    """The options of a container that is to be."""
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
