# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the path of a resource pool to the pools of the inventory. Pure."""

from __future__ import annotations

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.model import DesiredPool, PoolPlace
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry, Inventory
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.paths import child_path

_POOL, _VAPP = "ResourcePool", "VirtualApp"


def resolve_pool(inventory: Inventory, desired: DesiredPool) -> PoolPlace:
    """Return what exists along the path, and the names of what does not."""
    cluster = _find_cluster(inventory, desired)
    root = inventory.resource_pool(None, cluster=cluster)
    names = desired.path.names_below(root.path, "path")
    found = inventory.descend(root, names, _POOL, _VAPP)
    missing = names[len(found) :]
    *above, last = (root, *found)
    pool, parent = (None, last) if missing else (last, above[-1])
    if pool is not None and pool.type_name == _VAPP:
        raise GantryError(
            f"path {desired.path.text!r} is a vApp, not a resource pool. Manage it in the vSphere Client."
        )
    path = last.path
    for name in missing:
        path = child_path(path, name)
    return PoolPlace(cluster, parent, pool, path, missing)


def _find_cluster(inventory: Inventory, desired: DesiredPool) -> Entry:
    """Return the cluster or standalone host that is named, else the one in a whole path, else the only one."""
    if desired.cluster is None:
        for cluster in inventory.all("ClusterComputeResource", "ComputeResource"):
            if desired.path.is_below(cluster.path):
                return cluster
    datacenter = None if desired.datacenter is None else inventory.datacenter(desired.datacenter)
    return inventory.cluster(desired.cluster, datacenter=datacenter)
