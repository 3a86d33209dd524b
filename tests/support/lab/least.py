# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users with the documented privileges of one module each, as whom the integration tests run the modules.

``drive`` replaces the lab's administrator by the user of the module, so that each test of a module also tests that its
documented privileges are enough. Playbooks run as an operator, who has the preset of that name and manages access, and
the inventory plugin as a reader. Tests prepare and observe as the administrator, and users that a test names stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._access.model import holder
from ansible_collections.gantry.vsphere.plugins.module_utils._access.presets import OPERATOR, preset_privileges
from ansible_collections.gantry.vsphere.plugins.module_utils._access.privileges import (
    CLUSTER,
    DATACENTER,
    DATASTORE,
    FOLDER,
    HOST,
    IMAGES,
    NETWORK,
    POOL,
    PORT_GROUP,
    REQUIREMENTS,
    ROOT,
    SWITCH,
    TEMPLATE,
    VM,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import vim
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import session_with
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.settings import ConnectionSettings
from tests.support.lab.control import Control
from tests.support.lab.privileges import PASSWORD, READ_ONLY

# Whoever manages access requires all privileges that a test gives; test_privileges has a user of its own for it.
MODULES = sorted(REQUIREMENTS.keys() - {"access", "container_vms"})
OPERATOR_USER = "least-operator@vsphere.local"
READER_USER = "least-reader@vsphere.local"
# On which types of objects the privileges of a place are given. A VM inherits those of its folder. The folder of all
# VMs, distributed switches and new port groups have those of the datacenter; the root resource pool has those of the
# cluster.
HOLDERS: Mapping[str, frozenset[str]] = {
    "Datacenter": frozenset({DATACENTER, FOLDER, IMAGES, PORT_GROUP, SWITCH, TEMPLATE, VM}),
    "ClusterComputeResource": frozenset({CLUSTER, POOL}),
    "HostSystem": frozenset({HOST}),
    "Datastore": frozenset({DATASTORE}),
    "Network": frozenset({NETWORK}),
    "DistributedVirtualPortgroup": frozenset({NETWORK}),
    "OpaqueNetwork": frozenset({NETWORK}),
}
# The id of the role No access, with which an object is hidden.
_NO_ACCESS = -5
# By the vCenter's host name and port: the administrator's name.
_administrators: dict[tuple[str, int], str] = {}


@contextmanager
def least_privileged_users(lab: Mapping[str, Any]) -> Iterator[None]:
    """Run modules as limited users in this lab's vCenters, as long as the context lasts."""
    with ExitStack() as stack:
        for site in (lab, lab.get("second")):
            if site:
                stack.enter_context(_users(site["vcenter"], Control(site["control"])))
        yield


def as_least_privileged(module: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters with the user of the module instead of the administrator."""
    administrator = _administrators.get((str(parameters.get("hostname")), int(parameters.get("port") or 443)))
    if administrator is None or parameters["username"] != administrator or module not in MODULES:
        return dict(parameters)
    return {**parameters, "username": _user(module), "password": PASSWORD}


def least_privileged_environment(module: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of the connection with the user of the module instead of the administrator."""
    names = {"hostname": "VMWARE_HOST", "port": "VMWARE_PORT", "username": "VMWARE_USER", "password": "VMWARE_PASSWORD"}
    limited = as_least_privileged(module, {option: environment[name] for option, name in names.items()})
    return {**environment, **{name: limited[option] for option, name in names.items()}}


def required_on(module: str, type_name: str) -> list[str]:
    """Return the privileges of a module on objects of a type."""
    places = HOLDERS[type_name] if type_name != "Folder" else frozenset({ROOT})
    return sorted({name for one in REQUIREMENTS[module] if one.place in places for name in one.privileges})


@contextmanager
def assign(manager: Any, module: str, objects: Sequence[Any], privileges: Sequence[str]) -> Iterator[None]:
    """Give the user of a module just these privileges on objects, instead of those that it has there."""
    before = [_permissions_of(module, manager.RetrieveEntityPermissions(entity, False)) for entity in objects]
    role = manager.AddAuthorizationRole(name=f"least {module}", privIds=list(privileges))
    try:
        for entity in objects:
            manager.SetEntityPermissions(entity, [_permission(module, role)])
        yield
    finally:
        for entity, permissions in zip(objects, before, strict=True):
            manager.SetEntityPermissions(entity, permissions)
        manager.RemoveAuthorizationRole(roleId=role, failIfUsed=True)


@contextmanager
def no_access(manager: Any, module: str, entity: Any) -> Iterator[None]:
    """Let the user of a module not see an object."""
    manager.SetEntityPermissions(entity, [_permission(module, _NO_ACCESS)])
    try:
        yield
    finally:
        manager.RemoveEntityPermission(entity, _user(module), False)


def _permissions_of(module: str, permissions: Sequence[Any]) -> list[Any]:
    user = holder(_user(module), False)
    return [one for one in permissions if holder(one.principal, one.group) == user]


def _permission(module: str, role: int) -> Any:
    return vim.AuthorizationManager.Permission(principal=_user(module), group=False, roleId=role, propagate=True)


def _user(module: str) -> str:
    return f"least-{module.replace('_', '-')}@vsphere.local"


@contextmanager
def _users(vcenter: Mapping[str, Any], control: Control) -> Iterator[None]:
    with session_with(ConnectionSettings(**vcenter)) as session:
        for module in MODULES:
            control.add_user(_user(module), PASSWORD)
        content = session.content
        roles = _add_roles(content.authorizationManager)
        _give(content.authorizationManager, [content.rootFolder], "Folder", roles)
        inventory = session.inventory()
        for type_name in HOLDERS:
            objects = [entry.ref for entry in inventory.all(type_name)]
            _give(content.authorizationManager, objects, type_name, roles)
        _add_operator(content, control)
        _add_reader(content, control)
    key = (str(vcenter["hostname"]), int(vcenter["port"]))
    _administrators[key] = vcenter["username"]
    try:
        yield
    finally:
        del _administrators[key]


def _add_operator(content: Any, control: Control) -> None:
    """Create the user who runs playbooks, with one role on the root folder, as the security guide describes."""
    privileges = preset_privileges(OPERATOR).union(*(one.privileges for one in REQUIREMENTS["access"]))
    role = content.authorizationManager.AddAuthorizationRole(name="least operator", privIds=sorted(privileges))
    _add_user_of_all(content, control, OPERATOR_USER, role)


def _add_reader(content: Any, control: Control) -> None:
    """Create the user of the inventory plugin, with the role that its documentation names."""
    _add_user_of_all(content, control, READER_USER, READ_ONLY)


def _add_user_of_all(content: Any, control: Control, name: str, role: int) -> None:
    """Create a user with one role on the root folder."""
    control.add_user(name, PASSWORD)
    permission = vim.AuthorizationManager.Permission(principal=name, group=False, roleId=role, propagate=True)
    content.authorizationManager.SetEntityPermissions(entity=content.rootFolder, permission=[permission])


_Roles = Mapping[tuple[str, ...], int]


def _add_roles(manager: Any) -> _Roles:
    """Create a role for each set of privileges that a module requires on a type of objects."""
    roles: dict[tuple[str, ...], int] = {(): READ_ONLY}
    for type_name in ("Folder", *HOLDERS):
        for module in MODULES:
            privileges = tuple(required_on(module, type_name))
            if privileges not in roles:
                name = f"least {len(roles)}"
                roles[privileges] = manager.AddAuthorizationRole(name=name, privIds=list(privileges))
    return roles


def _give(manager: Any, objects: Sequence[Any], type_name: str, roles: _Roles) -> None:
    """Give each user its role, also where it can only read: nearer permissions replace those from above."""
    permissions = [_permission(module, roles[tuple(required_on(module, type_name))]) for module in MODULES]
    for one in objects:
        manager.SetEntityPermissions(entity=one, permission=permissions)
