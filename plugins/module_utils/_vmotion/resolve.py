# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the names of a place to objects, all before anything moves: what is given must exist and fit. No request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry, Inventory
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.model import DiskRequest, MoveDestination


@dataclass(frozen=True)
class ResolvedDisk:
    disk: str | int
    datastore: str | None
    provisioning: str | None


@dataclass(frozen=True)
class ResolvedDestination:
    """A place by MoIDs."""

    host: str | None = None
    cluster: str | None = None
    pool: str | None = None
    datastore: str | None = None
    pod: str | None = None
    folder: str | None = None
    # The names or MoIDs of networks, and the MoID of what takes their place.
    network_mapping: Mapping[str, str] = field(default_factory=dict)
    disks: tuple[ResolvedDisk, ...] = ()


def resolve_place(
    inventory: Inventory,
    place: MoveDestination,
    disks: Sequence[DiskRequest],
    *,
    source: Inventory,
    clusters: Sequence[str],
) -> ResolvedDestination:
    """``clusters`` are those that the VMs are in: a pool without a cluster is one of theirs.

    ``source`` is where the networks are that are mapped.
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
            ResolvedDisk(wish.disk, _datastore(inventory, wish.datastore, datacenter), wish.provisioning)
            for wish in disks
        ),
    )


def _only_cluster(inventory: Inventory, clusters: Sequence[str], pool: str) -> Entry:
    different = sorted(set(clusters))
    entry = inventory.entry(different[0]) if len(different) == 1 else None
    if entry is None:
        paths = ", ".join(sorted(one.path for moid in different if (one := inventory.entry(moid)) is not None))
        raise GantryError(
            f"resource_pool {pool!r} is given without a cluster, and the VMs are in {len(different)}: {paths}. "
            "Say in which cluster it is."
        )
    return entry


def _datastore(inventory: Inventory, name: str | None, datacenter: Entry | None) -> str | None:
    return None if name is None else inventory.datastore(name, datacenter=datacenter).moid


def _networks(
    inventory: Inventory, source: Inventory, mapping: Mapping[str, str], datacenter: Entry | None
) -> dict[str, str]:
    """Also checks that what is mapped is a network at all: a misspelt one would be passed over in silence."""
    resolved = {}
    for old, new in mapping.items():
        names = {name for entry in source.networks() for name in (entry.name, entry.moid)}
        if old not in names:
            source.network(old)  # raises, with what there is
        resolved[old] = inventory.network(new, datacenter=datacenter).moid
    return resolved


def _moid(entry: Entry | None) -> str | None:
    return None if entry is None else entry.moid
