# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Determine the target of each VM: the changes that bring it to the destination. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.blockers import Blocker
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.model import (
    AdapterFacts,
    DatastoreFacts,
    DiskFacts,
    HostFacts,
    PlacementView,
    VmFacts,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.target import DiskTarget, MoveTarget
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.model import ResolvedDestination, ResolvedDisk


@dataclass
class _Stores:
    """The datastores for the parts of a VM."""

    home: str | None
    disks: dict[int, DiskTarget] = field(default_factory=dict)
    blockers: list[Blocker] = field(default_factory=list)


def target_of(
    vm: VmFacts, where: ResolvedDestination, view: PlacementView, origin: PlacementView
) -> tuple[MoveTarget, list[Blocker]]:
    """Determine a VM's target. ``origin`` is its current vCenter, ``view`` the one that it moves to."""
    abroad = origin is not view
    cluster = where.cluster or vm.cluster
    changes_cluster = abroad or cluster != vm.cluster
    host = where.host if where.host is not None and (abroad or where.host != vm.host) else None
    pool = where.pool if where.pool is not None and (abroad or where.pool != vm.pool) else None
    if where.pool is None and changes_cluster and cluster is not None and cluster in view.clusters:
        pool = view.clusters[cluster].root_pool
    stores = _stores(vm, where, view, origin)
    networks, missing = _networks(vm, where, view, origin)
    target = MoveTarget(
        host=host,
        choose_in=cluster if changes_cluster and where.host is None else None,
        pool=pool,
        home=stores.home if stores.home != vm.home or abroad else None,
        disks={
            key: disk
            for key, disk in stores.disks.items()
            if abroad or disk.datastore != next(one.datastore for one in vm.disks if one.key == key)
        },
        networks=networks,
        folder=where.folder,
        cluster=cluster if changes_cluster else None,
        splits_disks=bool(where.disks),
    )
    return target, [*stores.blockers, *missing]


def _stores(vm: VmFacts, where: ResolvedDestination, view: PlacementView, origin: PlacementView) -> _Stores:
    requested = _requested_disks(vm, where.disks)
    if where.pod is not None:
        return _in_pod(vm, where, requested, view)
    stores = _Stores(where.datastore or vm.home)
    if where.datastore is None and origin is not view and vm.home is not None:
        stores.home = _same_datastore(vm, vm.home, view, origin, stores)
    for disk in vm.disks:
        request = requested.get(disk.key)
        store = (request.datastore if request else None) or where.datastore
        if store is None:
            store = disk.datastore if origin is view else _same_datastore(vm, disk.datastore, view, origin, stores)
        stores.disks[disk.key] = DiskTarget(store, request.provisioning if request else None)
    return stores


def _requested_disks(vm: VmFacts, disks: Iterable[ResolvedDisk]) -> dict[int, ResolvedDisk]:
    """Return the requested disks by device key; a disk that the VM does not have is an error."""
    found = {}
    for request in disks:
        match = [disk for disk in vm.disks if request.disk in (disk.label, disk.key)]
        if not match:
            there = ", ".join(f"{disk.label!r} ({disk.key})" for disk in vm.disks) or "none"
            raise GantryError(f"{vm.path} has no disk {request.disk!r}. It has: {there}.")
        found[match[0].key] = request
    return found


def _same_datastore(vm: VmFacts, moid: str, view: PlacementView, origin: PlacementView, stores: _Stores) -> str:
    """Return the datastore of the other vCenter that has the same URL; a blocker is added if there is none."""
    same = view.same_datastore(moid, origin)
    if same is not None:
        return same
    blocker = Blocker(
        vm.path,
        "datastore_not_shared",
        f"the destination does not see the datastore {origin.datastore_name(moid)}.",
        "Give destination_vcenter.datastore.",
    )
    if blocker not in stores.blockers:
        stores.blockers.append(blocker)
    return moid


def _in_pod(
    vm: VmFacts, where: ResolvedDestination, requested: dict[int, ResolvedDisk], view: PlacementView
) -> _Stores:
    """Keep files that are in the datastore cluster, and put the others on its datastore with the most free space."""
    members = [store for store in view.datastores.values() if store.pod == where.pod]
    inside = {store.moid for store in members}
    best = _roomiest(members, _possible_hosts(vm, where, view))
    stores = _Stores(vm.home)
    if best is None:
        name = view.pods.get(where.pod or "", where.pod)
        stores.blockers.append(
            Blocker(
                vm.path,
                "datastore_not_shared",
                f"none of the datastores of {name} can be used by the host.",
                "Choose another datastore cluster or host.",
            )
        )
        return stores
    if vm.home not in inside:
        stores.home = best.moid
    for disk in vm.disks:
        request = requested.get(disk.key)
        given = request.datastore if request else None
        store = given if given is not None else _kept(disk, inside, best)
        stores.disks[disk.key] = DiskTarget(store, request.provisioning if request else None)
    return stores


def _kept(disk: DiskFacts, inside: set[str], best: DatastoreFacts) -> str:
    return disk.datastore if disk.datastore in inside else best.moid


def _possible_hosts(vm: VmFacts, where: ResolvedDestination, view: PlacementView) -> list[HostFacts]:
    if where.host is not None:
        return [view.hosts[where.host]]
    if where.cluster is not None and where.cluster != vm.cluster:
        return view.hosts_of(where.cluster)
    host = view.hosts.get(vm.host or "")
    return [] if host is None else [host]


def _roomiest(stores: Iterable[DatastoreFacts], hosts: Iterable[HostFacts]) -> DatastoreFacts | None:
    seen = {moid for host in hosts for moid in host.datastores}
    usable = [one for one in stores if one.accessible and not one.maintenance and one.moid in seen]
    return max(usable, key=lambda one: (one.free_bytes, one.name), default=None)


def _no_network(vm: VmFacts, adapter: AdapterFacts, name: str, found: int) -> Blocker:
    number = f"{found} networks" if found else "no network"
    return Blocker(
        vm.path,
        "network_missing",
        f"the destination has {number} {name!r}, which {adapter.label} is on.",
        "Map it by destination_vcenter.network_mapping.",
    )


def _networks(
    vm: VmFacts, where: ResolvedDestination, view: PlacementView, origin: PlacementView
) -> tuple[dict[int, str], list[Blocker]]:
    targets: dict[int, str] = {}
    missing: list[Blocker] = []
    for adapter in vm.adapters:
        wanted = where.network_mapping.get(adapter.network or "")
        if origin is not view and wanted is None:
            name = origin.networks.get(adapter.network or "", "")
            there = [moid for moid, other in view.networks.items() if other == name]
            if len(there) != 1:
                missing.append(_no_network(vm, adapter, name, len(there)))
                continue
            (wanted,) = there
        if wanted is not None and (origin is not view or wanted != adapter.network):
            targets[adapter.key] = wanted
    return targets, missing
