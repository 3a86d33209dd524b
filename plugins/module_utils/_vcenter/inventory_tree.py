# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the inventory tree is read with: the properties of its objects, and the ways from the root folder to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.collector import (
    filter_spec,
    object_spec,
    property_spec,
    traversal,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import vim

FOLDER_PROPERTIES = {
    "vm": "vmFolder",
    "host": "hostFolder",
    "datastore": "datastoreFolder",
    "network": "networkFolder",
}
SWITCH_OF = "config.distributedVirtualSwitch"
UPLINK = "config.uplink"

# The properties of each type besides name and parent that build the tree, and that identify networks in the backings of
# adapters. Those of an object are the union of those of its type and of the types that its type extends.
_TREE_PROPERTIES: dict[str, tuple[str, ...]] = {
    "Folder": (),
    "Datacenter": tuple(FOLDER_PROPERTIES.values()),
    "ComputeResource": ("resourcePool",),
    "HostSystem": (),
    "ResourcePool": ("owner",),
    "Datastore": (),
    "Network": (),
    "DistributedVirtualPortgroup": ("key", SWITCH_OF, UPLINK),
    "DistributedVirtualSwitch": ("uuid",),
    "OpaqueNetwork": ("summary",),
}


def tree_spec(root: Any, *, vms: bool, properties: Mapping[str, frozenset[str]]) -> Any:
    """Return the filter that collects the tree below the root folder, with these properties besides its own."""
    wanted: dict[str, set[str]] = {name: {"name", "parent", *own} for name, own in _TREE_PROPERTIES.items()}
    if vms:
        wanted["VirtualMachine"] = {"name", "parent", "parentVApp"}
    for name, paths in properties.items():
        wanted.setdefault(name, {"name", "parent"}).update(paths)
    return filter_spec(
        [property_spec(getattr(vim, name), sorted(paths)) for name, paths in wanted.items()],
        [object_spec(root, _tree(vms))],
    )


def _tree(vms: bool) -> list[Any]:
    folders = ["dc-vm", "dc-host", "dc-datastore", "dc-network"]
    pools = ["pool-pool", "vapp-vm"] if vms else ["pool-pool"]
    steps = [
        traversal("folder", vim.Folder, "childEntity", ["folder", *folders, "cr-host", "cr-pool"]),
        traversal("dc-vm", vim.Datacenter, "vmFolder", ["folder"]),
        traversal("dc-host", vim.Datacenter, "hostFolder", ["folder"]),
        traversal("dc-datastore", vim.Datacenter, "datastoreFolder", ["folder"]),
        traversal("dc-network", vim.Datacenter, "networkFolder", ["folder"]),
        traversal("cr-host", vim.ComputeResource, "host"),
        traversal("cr-pool", vim.ComputeResource, "resourcePool", pools),
        traversal("pool-pool", vim.ResourcePool, "resourcePool", pools),
    ]
    if vms:
        # A VM in a vApp has no parent folder.
        steps.append(traversal("vapp-vm", vim.VirtualApp, "vm"))
    return steps
