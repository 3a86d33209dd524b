# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Resolve the names of a destination to objects of the inventory; all of them must exist. Makes no request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry, Inventory
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.model import (
    DiskRequest,
    MoveDestination,
    ResolvedDestination,
    ResolvedDisk,
)


def resolve_place(
    inventory: Inventory,
    place: MoveDestination,
    disks: Sequence[DiskRequest],
    *,
    source: Inventory,
    clusters: Sequence[str],
) -> ResolvedDestination:
    """Resolve a destination.

    ``clusters`` are those of the VMs: a resource pool without a cluster is looked up there. ``source`` is the inventory
    with the networks that are mapped.
    """
    datacenter = None if place.datacenter is None else inventory.datacenter(place.datacenter)
    cluster = None
    if place.cluster is not None:
        cluster = inventory.cluster(place.cluster, datacenter=datacenter)
    host = None
    if place.host is not None:
        host = inventory.host(place.host, datacenter=datacenter, cluster=cluster)
        cluster = cluster or inventory.entry(host.parent or "")
    pool = None
    if place.resource_pool is not None:
        cluster = cluster or _only_cluster(inventory, clusters, place.resource_pool)
        pool = inventory.resource_pool(place.resource_pool, cluster=cluster)
    folder = None
    if place.folder is not None:
        inside = datacenter or inventory.datacenter((cluster and cluster.datacenter) or None)
        folder = inventory.folder(place.folder, datacenter=inside)
    return ResolvedDestination(
        host=_moid(host),
        cluster=_moid(cluster),
        pool=_moid(pool),
        datastore=_datastore(inventory, place.datastore, datacenter),
        pod=None if place.datastore_cluster is None else inventory.datastore_cluster(place.datastore_cluster).moid,
        folder=_moid(folder),
        network_mapping=_networks(inventory, source, place.network_mapping, datacenter),
        disks=tuple(
            ResolvedDisk(request.disk, _datastore(inventory, request.datastore, datacenter), request.provisioning)
            for request in disks
        ),
    )


def _only_cluster(inventory: Inventory, clusters: Sequence[str], pool: str) -> Entry:
    different = sorted(set(clusters))
    entry = inventory.entry(different[0]) if len(different) == 1 else None
    if entry is None:
        paths = ", ".join(sorted(one.path for moid in different if (one := inventory.entry(moid)) is not None))
        raise GantryError(
            f"resource_pool {pool!r} is given without a cluster, and the VMs are in {len(different)}: {paths}. "
            "Give its cluster."
        )
    return entry


def _datastore(inventory: Inventory, name: str | None, datacenter: Entry | None) -> str | None:
    return None if name is None else inventory.datastore(name, datacenter=datacenter).moid


def _networks(
    inventory: Inventory, source: Inventory, mapping: Mapping[str, str], datacenter: Entry | None
) -> dict[str, str]:
    """Resolve both sides of the mapping to MoIDs.

    A name maps all networks that have it. A path or MoID is more specific, and has precedence.
    """
    by_name: dict[str, str] = {}
    one_by_one: dict[str, str] = {}
    for old, new in mapping.items():
        target = inventory.network(new, datacenter=datacenter).moid
        named = [entry.moid for entry in source.networks() if entry.name == old]
        by_name.update(dict.fromkeys(named, target))
        if not named:
            one_by_one[source.network(old).moid] = target
    return by_name | one_by_one


def _moid(entry: Entry | None) -> str | None:
    return None if entry is None else entry.moid
