# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the names of objects in permissions to the objects of the inventory. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.gantry.vsphere.plugins.module_utils._access.model import (
    DesiredAccess,
    DesiredPermission,
    ObjectName,
    path_of,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry, Inventory, NotFoundError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.paths import (
    canonical_path,
    encode_name,
    parse_path,
)

# Objects that always have the permissions of the object that they are in, by the type of that.
_SHARED = {"Datacenter": "datacenter", "ClusterComputeResource": "cluster", "ComputeResource": "cluster"}


def resolve_objects(inventory: Inventory, desired: DesiredAccess) -> tuple[Entry, ...]:
    """Return the objects of the permissions, in their order; each account may have one permission on each."""
    objects = tuple(_resolve_or_assume(inventory, one, desired.assume_created) for one in desired.permissions)
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


def _resolve_or_assume(inventory: Inventory, permission: DesiredPermission, assumed: Sequence[str]) -> Entry:
    """Return the object; if it does not exist, one without a reference where a permission does not need it."""
    try:
        return _resolve(inventory, permission.object)
    except NotFoundError:
        above = _top(inventory, permission.object)
        if above is None:
            raise
        future = _future(above, str(permission.object.name))
        created = {path for one in assumed for path in (canonical_path(one), above.path + canonical_path(one))}
        # Where there is no object there is no permission to remove.
        if permission.role is not None and future.path not in created:
            raise
        return future


def _future(above: Entry, path: str) -> Entry:
    """Return the object as it is once it is created: without a reference, and with a MoID that no object has."""
    names = parse_path(path, "object").names_below(above.path, "object")
    whole = above.path + canonical_path("/".join(encode_name(name) for name in names))
    return Entry(names[-1], whole, above.type_name, f"future {whole}", None, above.moid)


def _top(inventory: Inventory, name: ObjectName) -> Entry | None:
    """Return what folders, pools and networks are created in; None for objects that no module creates."""
    datacenter = None if name.datacenter is None else inventory.datacenter(name.datacenter)
    match name.type:
        case "folder":
            return inventory.folder(None, datacenter=datacenter or inventory.datacenter())
        case "resource_pool":
            return inventory.resource_pool(None, cluster=inventory.cluster(name.cluster, datacenter=datacenter))
        case "network":
            return inventory.folder(None, datacenter=datacenter or inventory.datacenter(), kind="network")
    return None


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
