# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the facts for placement: one request for the inventory, one for VMs with their clusters and tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._placement.decode_cluster import (
    decode_cluster,
    decode_datastore,
    decode_host,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.decode_vm import (
    DEVICES,
    VM_PROPERTIES,
    decode_running_moves,
    decode_vms,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.model import (
    ClusterFacts,
    PlacementView,
    VmFacts,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry, Inventory
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_of, moid_or_none

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

# The properties that the read of the inventory must include.
VIEW_PROPERTIES: Mapping[str, Sequence[str]] = {
    "HostSystem": (
        "datastore",
        "network",
        "runtime.connectionState",
        "runtime.inMaintenanceMode",
        "summary.config.product.version",
        "summary.hardware.cpuMhz",
        "summary.hardware.memorySize",
        "summary.hardware.numCpuCores",
        "summary.maxEVCModeKey",
        "summary.quickStats.overallMemoryUsage",
    ),
    "Datastore": ("summary.accessible", "summary.freeSpace", "summary.maintenanceMode", "summary.url"),
    "StoragePod": (),
    # Read together with VMs: their clusters, and the tasks that may move them.
    "VirtualMachine": ("recentTask", "runtime.host"),
}
_PROPERTIES: Mapping[str, Sequence[str]] = {
    "VirtualMachine": VM_PROPERTIES,
    "ClusterComputeResource": ("configurationEx", "summary"),
    "Task": ("info",),
}


def view_of(inventory: Inventory, clusters: Mapping[str, ClusterFacts]) -> PlacementView:
    """Return the facts from an inventory, with only these clusters."""
    return PlacementView(
        hosts={entry.moid: decode_host(entry, entry.properties) for entry in inventory.all("HostSystem")},
        datastores={
            entry.moid: decode_datastore(inventory, entry, entry.properties) for entry in inventory.all("Datastore")
        },
        clusters=clusters,
        networks={entry.moid: entry.name for entry in inventory.networks()},
        pools={entry.moid: entry.path for entry in inventory.all("ResourcePool", "VirtualApp")},
        pods={entry.moid: entry.name for entry in inventory.all("StoragePod")},
    )


def read_hosts(
    session: Session, inventory: Inventory, clusters: Sequence[Entry], datastores: Sequence[Entry]
) -> PlacementView:
    """Read the facts of these clusters and datastores for choosing hosts for new VMs. One request."""
    hosts = [host for cluster in clusters for host in inventory.hosts(cluster)]
    real = [cluster.ref for cluster in clusters if cluster.type_name == "ClusterComputeResource"]
    objects = [*(entry.ref for entry in (*hosts, *datastores)), *real]
    properties = {**_PROPERTIES, **VIEW_PROPERTIES}
    rows = {row.moid: row for row in session.read(objects, properties)}
    return PlacementView(
        hosts={entry.moid: decode_host(entry, rows[entry.moid]) for entry in hosts if entry.moid in rows},
        datastores={
            entry.moid: decode_datastore(inventory, entry, rows[entry.moid])
            for entry in datastores
            if entry.moid in rows
        },
        clusters={entry.moid: decode_cluster(entry, rows.get(entry.moid)) for entry in clusters},
        networks={entry.moid: entry.name for entry in inventory.networks()},
    )


class PlacementScene:
    """The facts of VMs, and their devices as returned by the API, which are needed to change them."""

    def __init__(self, vms: Sequence[VmFacts], view: PlacementView, devices: Mapping[str, Sequence[Any]]) -> None:
        self.vms = tuple(vms)
        self.view = view
        self.devices = devices


def clusters_of(inventory: Inventory, entries: Sequence[Entry]) -> list[str]:
    """Return the clusters that these VMs are in, each once."""
    hosts = [inventory.entry(moid_or_none(entry.properties.get("runtime.host")) or "") for entry in entries]
    return list(dict.fromkeys(host.parent for host in hosts if host is not None and host.parent is not None))


def read_scene(
    session: Session, inventory: Inventory, entries: Sequence[Entry], *, clusters: Sequence[str] = ()
) -> PlacementScene:
    """Read the VMs, in the order of the entries, with their clusters, further clusters, and running moves.

    One request. VMs that no longer exist are left out.
    """
    moids = dict.fromkeys([*clusters, *clusters_of(inventory, entries)])
    places = [entry for moid in moids if (entry := inventory.entry(moid)) is not None]
    real = [entry.ref for entry in places if entry.type_name == "ClusterComputeResource"]
    tasks = [task for entry in entries for task in entry.properties.get("recentTask") or ()]
    objects = [*(entry.ref for entry in entries), *real, *tasks]
    rows = {row.moid: row for row in session.read(objects, _PROPERTIES)} if objects else {}
    view = view_of(inventory, {entry.moid: decode_cluster(entry, rows.get(entry.moid)) for entry in places})
    in_flight = decode_running_moves(rows[moid_of(task)] for task in tasks if moid_of(task) in rows)
    known = [(entry, rows[entry.moid]) for entry in entries if entry.moid in rows]
    return PlacementScene(
        decode_vms(inventory, known, in_flight), view, {e.moid: row.get(DEVICES) or () for e, row in known}
    )


def read_vms(session: Session, inventory: Inventory, entries: Sequence[Entry]) -> list[VmFacts]:
    """Read only the VMs, in their current state."""
    rows = session.read([entry.ref for entry in entries], VM_PROPERTIES) if entries else []
    known = {entry.moid: entry for entry in entries}
    return decode_vms(inventory, [(known[row.moid], row) for row in rows], {})
