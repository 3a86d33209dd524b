# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""access against the lab's vCenter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pyVim.task import WaitForTask

from ansible_collections.gantry.vsphere.plugins.module_utils._access.presets import PRESET_MODULES, preset_privileges
from ansible_collections.gantry.vsphere.plugins.module_utils._access.privileges import REQUIREMENTS
from tests.support.lab.control import Control
from tests.support.lab.converging import ConvergingModule
from tests.support.lab.drive import drive
from tests.support.lab.drs import ClusterObserver
from tests.support.lab.privileges import PASSWORD

ANN, DEV = r"VSPHERE.LOCAL\ann", r"VSPHERE.LOCAL\dev"
BOB = r"VSPHERE.LOCAL\bob"
ROLES = ("t-one", "t-two")
ON, OFF = "VirtualMachine.Interact.PowerOn", "VirtualMachine.Interact.PowerOff"
SYSTEM = {"System.Anonymous", "System.Read", "System.View"}
FOLDER = {"object_type": "folder", "object": "t-blue"}


class Access(ConvergingModule):
    """Runs access, and looks at roles and permissions with pyVmomi alone."""

    module = "access"

    def __init__(self, lab: dict[str, Any], calls: Control, observer: ClusterObserver) -> None:
        super().__init__(lab["vcenter"], calls)
        self.manager = observer.content.authorizationManager
        self.folder = observer.content.rootFolder.childEntity[0].vmFolder.CreateFolder("t-blue")
        self.pool = observer.cluster.resourcePool

    def roles(self) -> dict[str, set[str]]:
        return {role.name: set(role.privilege) for role in self.manager.roleList}

    def permissions(self, entity: Any) -> dict[str, tuple[bool, str, bool]]:
        names = {role.roleId: role.name for role in self.manager.roleList}
        return {
            one.principal: (one.group, names[one.roleId], one.propagate)
            for one in self.manager.RetrieveEntityPermissions(entity, False)
        }

    def clear(self) -> None:
        WaitForTask(self.folder.Destroy_Task())
        for role in self.manager.roleList:
            if role.name.startswith("t-"):
                self.manager.RemoveAuthorizationRole(role.roleId, False)


@pytest.fixture
def access(lab: dict[str, Any], calls: Control) -> Iterator[Access]:
    """Yield what manages access, a folder, and the users ann, of the group dev, and bob; remove them afterwards."""
    observer = ClusterObserver(lab, lab["cluster"])
    one = Access(lab, calls, observer)
    calls.add_user("ann@vsphere.local", PASSWORD, ["dev@vsphere.local"])
    calls.add_user("bob@vsphere.local", PASSWORD)
    yield one
    calls.reset()
    for name in ("ann@vsphere.local", "bob@vsphere.local"):
        calls.remove_user(name)
    one.clear()
    observer.close()


def test_roles_and_permissions_are_made_changed_and_removed(access: Access) -> None:
    ann, dev = {"principal": ANN, **FOLDER}, {"principal": "DEV@vsphere.local", "group": True, **FOLDER}
    made = access.converge(
        roles=[{"name": "t-one", "privileges": [ON, OFF, "System.View"]}, {"name": "t-two", "privileges": []}],
        permissions=[{**ann, "role": "t-one"}, {**dev, "role": "t-two", "propagate": False}],
    )
    assert made["actions"] == [
        "create role t-one",
        "create role t-two",
        rf"give {ANN} role t-one on /DC0/vm/t-blue and below",
        rf"give {DEV} role t-two on /DC0/vm/t-blue only",
    ]
    assert made["roles"] == [{"name": "t-one", "privileges": [OFF, ON]}, {"name": "t-two", "privileges": []}]
    assert access.roles()["t-one"] == {ON, OFF, *SYSTEM}
    assert access.permissions(access.folder) == {ANN: (False, "t-one", True), DEV: (True, "t-two", False)}

    changed = access.converge(
        roles=[{"name": "t-two", "privileges": [OFF]}, {"name": "t-one", "privileges": [ON]}],
        permissions=[{**ann, "role": "t-two", "propagate": False}, {**dev, "state": "absent"}],
    )
    assert changed["permissions"] == [
        {"object": "/DC0/vm/t-blue", "principal": ANN, "group": False, "role": "t-two", "propagate": False}
    ]
    assert access.roles()["t-one"] == {ON, *SYSTEM}
    assert access.permissions(access.folder) == {ANN: (False, "t-two", False)}

    gone = access.converge(
        roles=[{"name": name, "state": "absent"} for name in ROLES], permissions=[{**ann, "state": "absent"}]
    )
    assert (gone["roles"], gone["permissions"], gone["diff"]["after"]) == ([], [], {})
    assert not access.roles().keys() & set(ROLES)
    assert access.permissions(access.folder) == {}


@pytest.mark.parametrize("preset", PRESET_MODULES)
def test_a_preset_is_a_role_with_its_privileges(preset: str, access: Access) -> None:
    access.converge(roles=[{"name": "t-one", "preset": preset, "privileges": ["Global.CancelTask"]}])
    assert access.roles()["t-one"] == {*preset_privileges(preset), "Global.CancelTask", *SYSTEM}


def test_all_types_of_objects_have_permissions(access: Access, lab: dict[str, Any]) -> None:
    names = {
        "root": None,
        "datacenter": lab["datacenter"],
        "folder": "t-blue",
        "cluster": lab["cluster"],
        "host": lab["hosts"][0],
        "datastore": lab["datastore"],
        "network": "VM Network",
    }
    entries = [
        {"principal": ANN, "role": "Read-only", "object_type": kind, **({"object": name} if name else {})}
        for kind, name in names.items()
    ]
    where = {"cluster": lab["cluster"]}
    pool = {**lab["vcenter"], **where, "path": "t-pool"}
    assert drive("resource_pool", pool)["changed"]
    try:
        entries.append({**entries[0], **where, "object_type": "resource_pool", "object": "t-pool"})
        done = access.converge(permissions=entries)
        assert len(done["actions"]) == len(entries)
        assert [one["object"] for one in done["permissions"]][:3] == ["the root folder", "/DC0", "/DC0/vm/t-blue"]
        access.converge(permissions=[{**entry, "state": "absent"} for entry in entries])
    finally:
        drive("resource_pool", {**pool, "state": "absent"})


def test_one_object_is_one_request(access: Access) -> None:
    entries = [{"principal": ANN, **FOLDER}, {"principal": DEV, "group": True, **FOLDER}]
    access.run(permissions=[{**entry, "role": "Read-only"} for entry in entries])
    assert access.calls.mutating() == ["SetEntityPermissions"]
    assert len(access.permissions(access.folder)) == 2


def test_what_vcenter_would_refuse_is_refused_before(access: Access) -> None:
    ann = {"principal": ANN, "role": "t-one", **FOLDER}
    role = {"name": "t-one", "privileges": [ON]}
    wrong = {"name": "t-one", "privileges": ["VirtualMachine.Interact.PowerUp"]}
    assert "is not a privilege of this vCenter. Did you mean" in access.refused(roles=[wrong])["msg"]
    assert "There is no role 't-one'" in access.refused(permissions=[ann])["msg"]
    nobody = {**ann, "principal": r"VSPHERE.LOCAL\nobody"}
    message = access.refused(roles=[role], permissions=[nobody])["msg"]
    assert r"user directory has no user 'VSPHERE.LOCAL\\nobody'" in message
    group = {**ann, "group": True}
    assert "set group: false if it is not a group" in access.refused(roles=[role], permissions=[group])["msg"]
    assert "is a system role" in access.refused(roles=[{**role, "name": "Admin"}])["msg"]
    top = {**ann, "object": "/"}
    assert "Use object_type datacenter and object /DC0." in access.refused(roles=[role], permissions=[top])["msg"]
    assert "is listed twice for /DC0/vm/t-blue" in access.refused(roles=[role], permissions=[ann, ann])["msg"]


def test_a_role_in_use_is_not_removed_and_the_error_says_where(access: Access) -> None:
    access.converge(
        roles=[{"name": "t-one", "privileges": [ON]}], permissions=[{"principal": ANN, "role": "t-one", **FOLDER}]
    )
    refused = access.refused(roles=[{"name": "t-one", "state": "absent"}])
    assert refused["uses"] == [rf"{ANN} on /DC0/vm/t-blue"]
    assert "t-one" in access.roles()


def test_a_user_does_not_lose_its_own_access(access: Access, lab: dict[str, Any]) -> None:
    me = {"principal": lab["vcenter"]["username"], **FOLDER}
    message = access.refused(permissions=[{**me, "role": "Read-only"}])["msg"]
    assert "would lose the privilege Authorization.ModifyPermissions on /DC0/vm/t-blue" in message
    access.converge(permissions=[{**me, "role": "Administrator"}])
    access.converge(permissions=[{**me, "state": "absent"}])
    administrators = {"principal": "Administrators@vsphere.local", "group": True, **FOLDER, "role": "Read-only"}
    assert "would lose" in access.refused(permissions=[administrators])["msg"]


def test_the_lab_refuses_what_the_module_refuses(access: Access) -> None:
    """As a check of the checks: without them vCenter's own faults would come."""
    access.calls.fault("SetEntityPermissions", "UserNotFound")
    result = access.run(permissions=[{"principal": ANN, "role": "Read-only", **FOLDER}])
    assert (result["failed"], result["fault"]["type"]) == (True, "UserNotFound")
    access.converge(roles=[{"name": "t-one", "privileges": [ON]}])
    access.calls.fault("RemoveAuthorizationRole", "RemoveFailed")
    result = access.run(roles=[{"name": "t-one", "state": "absent"}])
    assert (result["failed"], result["fault"]["type"]) == (True, "RemoveFailed")


def test_a_delegate_gives_only_what_it_has(access: Access, lab: dict[str, Any]) -> None:
    """Nobody can give privileges away without having them."""
    access.converge(
        roles=[{"name": "t-one", "privileges": ["Authorization.ModifyPermissions", ON]}],
        permissions=[{"principal": ANN, "role": "t-one", **FOLDER}],
    )
    access.converge(roles=[{"name": "t-two", "privileges": [OFF]}])
    ann = {**lab["vcenter"], "username": "ann@vsphere.local", "password": PASSWORD}
    give = {"principal": DEV, "group": True, "role": "t-two", **FOLDER}
    refused = drive("access", {**ann, "permissions": [give]})
    assert refused["fault"]["type"] == "NoPermission"
    assert f"lacks these privileges: {OFF} on Folder" in refused["msg"]
    assert drive("access", {**ann, "permissions": [{**give, "role": "t-one"}]})["changed"]


def test_permissions_on_what_a_task_before_creates_are_predicted_but_not_set(access: Access) -> None:
    new = {"object_type": "folder", "object": "t-blue/new", "principal": ANN, "role": "Read-only"}
    pool = {"object_type": "resource_pool", "object": "t-pool", "cluster": "C0", "principal": ANN, "role": "Read-only"}
    assert "no folder 't-blue/new'" in access.refused(permissions=[new])["msg"].replace("object", "folder")
    assume = {"assume_created": ["t-blue/new", "/DC0/host/C0/Resources/t-pool"]}
    predicted = access.run(check=True, permissions=[new, pool], **assume)
    assert predicted["actions"] == [
        f"give {ANN} role ReadOnly on /DC0/vm/t-blue/new and below",
        f"give {ANN} role ReadOnly on /DC0/host/C0/Resources/t-pool and below",
    ]
    done = access.run(permissions=[new, pool], **assume)
    assert "/DC0/vm/t-blue/new does not exist. assume_created says" in done["msg"]
    assert access.calls.mutating() == []
    access.folder.CreateFolder("new")
    assert access.run(permissions=[new], **assume)["actions"] == predicted["actions"][:1]


def test_there_is_no_permission_on_what_does_not_exist(access: Access) -> None:
    gone = {"object_type": "folder", "object": "t-blue/gone", "principal": ANN, "state": "absent"}
    assert not access.converge(permissions=[gone])["changed"]
    assert "C7" in access.refused(permissions=[{**gone, "object_type": "cluster", "object": "C7"}])["msg"]


@pytest.mark.parametrize("privilege", [name for one in REQUIREMENTS["access"] for name in one.privileges])
def test_each_documented_privilege_is_necessary(privilege: str, access: Access, lab: dict[str, Any]) -> None:
    role = {"name": "t-two", "privileges": [ON]}
    task = {"roles": [role], "permissions": [{"principal": BOB, "role": "t-two", **FOLDER}]}
    documented = {name for one in REQUIREMENTS["access"] for name in one.privileges}
    delegate = {"name": "t-one", "privileges": sorted({ON, *documented} - {privilege})}
    access.converge(roles=[delegate], permissions=[{"principal": ANN, "role": "t-one", "object_type": "root"}])
    ann = {**lab["vcenter"], "username": "ann@vsphere.local", "password": PASSWORD}
    refused = drive("access", {**ann, **task})
    assert f"lacks these privileges: {privilege} on " in refused["msg"]
    access.converge(roles=[{**delegate, "privileges": [ON, *documented]}])
    done = drive("access", {**ann, **task})
    assert "failed" not in done, done
    access.converge(permissions=[{"principal": ANN, "object_type": "root", "state": "absent"}])
