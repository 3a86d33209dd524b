# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write down everything that a vCenter has, object by object, so that a test can compare it before and after a run.

Read with pyVmomi alone, independently of the collection.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pyVim.task import WaitForTask
from pyVmomi import VmomiSupport, vim

from tests.support.lab.observer import all_objects, connected

# What is compared of each type of object, besides its name, its MoID, its place and its permissions.
_PROPERTIES: Mapping[type, tuple[str, ...]] = {
    vim.ComputeResource: ("configurationEx", "host", "network", "datastore"),
    vim.Datacenter: (),
    vim.Datastore: ("host",),
    vim.DistributedVirtualSwitch: ("config",),
    vim.Folder: ("childType",),
    vim.HostSystem: ("config.network", "runtime.inMaintenanceMode", "network"),
    vim.Network: (),
    vim.ResourcePool: ("config", "vm"),
    vim.VirtualMachine: ("config.hardware", "config.extraConfig", "runtime.powerState", "runtime.host"),
    vim.dvs.DistributedVirtualPortgroup: ("config",),
}
# What changes with every write, or with use.
_VOLATILE = frozenset({"changeVersion", "configVersion", "lastModified", "modified", "dynamicType", "dynamicProperty"})


def dump_vcenter(vcenter: Mapping[str, Any]) -> dict[str, Any]:
    """Return all objects, roles, custom fields and datastore files of a vCenter, by what identifies each."""
    with connected(vcenter) as content:
        authorization = content.authorizationManager
        paths: dict[str, str] = {}
        dump: dict[str, Any] = {_identity(one, paths): _object(one) for one in all_objects(content, vim.ManagedEntity)}
        dump |= {f"role {role.name}": _plain(role) for role in authorization.roleList}
        for one in authorization.RetrieveAllPermissions():
            dump[f"permission {one.principal} on {_identity(one.entity, paths)}"] = _plain(one)
        dump |= {f"custom field {one.name}": _plain(one) for one in content.customFieldsManager.field}
        for datastore in all_objects(content, vim.Datastore):
            dump |= dict(_files(datastore))
        return dump


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return what differs, by its identity: what it was, and what it is; None for what does not exist."""
    names = sorted({*before, *after})
    return {name: (before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)}


def _identity(entity: Any, paths: dict[str, str]) -> str:
    """Return the path and the type, as one name may be that of a folder and of a pool."""
    return f"{_path(entity, paths)} ({type(entity).__name__.rpartition('.')[2]})"


def _path(entity: Any, paths: dict[str, str]) -> str:
    """Return the path of an entity; ``paths`` has those that are known, by MoID, since each name is a request."""
    moid = entity._moId
    if moid not in paths:
        parent = entity.parent
        paths[moid] = entity.name if parent is None else f"{_path(parent, paths)}/{entity.name}"
    return paths[moid]


def _object(entity: Any) -> dict[str, Any]:
    kinds = [kind for kind in _PROPERTIES if isinstance(entity, kind)]
    if not kinds:
        raise AssertionError(f"{type(entity).__name__} is a kind of object that the dump does not know")
    values = {name: _plain(_follow(entity, name)) for kind in kinds for name in _PROPERTIES[kind]}
    return {"moid": entity._moId, **values}


def _follow(value: Any, path: str) -> Any:
    for name in path.split("."):
        value = None if value is None else getattr(value, name)
    return value


def _plain(value: Any) -> Any:
    """Return a value of the API as comparable data. Arrays are sorted, because the API promises no order."""
    if isinstance(value, VmomiSupport.ManagedObject):
        return value._moId
    if isinstance(value, VmomiSupport.DataObject):
        # pyVmomi builds the classes at run time.
        names = [one.name for one in value._GetPropertyList()]  # type: ignore[no-untyped-call]
        return {name: _plain(getattr(value, name)) for name in names if name not in _VOLATILE}
    if isinstance(value, list):
        return sorted((_plain(one) for one in value), key=repr)
    return value


def _files(datastore: Any) -> Iterator[tuple[str, Any]]:
    details = vim.host.DatastoreBrowser.FileInfo.Details(
        fileSize=True, fileType=False, modification=False, fileOwner=False
    )
    spec = vim.host.DatastoreBrowser.SearchSpec(details=details)
    task = datastore.browser.SearchDatastoreSubFolders_Task(f"[{datastore.name}]", spec)
    WaitForTask(task)
    for folder in task.info.result:
        for file in folder.file:
            yield f"{folder.folderPath.rstrip('/')}/{file.path}", file.fileSize
