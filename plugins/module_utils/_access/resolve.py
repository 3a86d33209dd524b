# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the names of objects in permissions to the objects of the inventory. Pure."""

from __future__ import annotations

from ansible_collections.gantry.vsphere.plugins.module_utils._access.model import DesiredAccess, ObjectName, path_of
from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry, Inventory

# Objects that always have the permissions of the object that they are in, by the type of that.
_SHARED = {"Datacenter": "datacenter", "ClusterComputeResource": "cluster", "ComputeResource": "cluster"}


def resolve_objects(inventory: Inventory, desired: DesiredAccess) -> tuple[Entry, ...]:
    """Return the objects of the permissions, in their order; each account may have one permission on each."""
    objects = tuple(_resolve(inventory, permission.object) for permission in desired.permissions)
    seen = set()
    for permission, entry in zip(desired.permissions, objects, strict=True):
        key = (entry.moid, permission.holder)
        if key in seen:
            raise GantryError(
                f"{permission.principal} is listed twice for {path_of(entry)}. vCenter has one permission for each "
                "account on each object. Leave out one of them, or define a role with the privileges of both."
            )
        seen.add(key)
    return objects


def _resolve(inventory: Inventory, name: ObjectName) -> Entry:
    datacenter = None if name.datacenter is None else inventory.datacenter(name.datacenter)
    match name.type:
        case "root":
            found = _root(inventory)
        case "datacenter":
            found = inventory.datacenter(name.name or name.datacenter, what="object")
        case "folder":
            found = inventory.folder(name.name, datacenter=datacenter or inventory.datacenter(), what="object")
        case "resource_pool":
            cluster = inventory.cluster(name.cluster, datacenter=datacenter)
            found = inventory.resource_pool(name.name, cluster=cluster, what="object")
        case "cluster":
            found = inventory.cluster(name.name or name.cluster, datacenter=datacenter, what="object")
        case "host":
            found = inventory.host(name.name, datacenter=datacenter, what="object")
        case "datastore":
            found = inventory.datastore(name.name, datacenter=datacenter, what="object")
        case _:
            found = inventory.network(name.name, datacenter=datacenter, what="object")
    parent = inventory.entry(found.parent or "")
    if parent is not None and found.type_name in ("Folder", "ResourcePool") and parent.type_name in _SHARED:
        raise GantryError(
            f"{found.path} always has the permissions of {parent.path}, and vCenter refuses others. Use object_type "
            f"{_SHARED[parent.type_name]} and object {parent.path}."
        )
    return found


def _root(inventory: Inventory) -> Entry:
    for entry in inventory.all("Folder"):
        if entry.parent is None:
            return entry
    raise GantryError("The root folder of vCenter cannot be read. Check the privileges of this user.")
