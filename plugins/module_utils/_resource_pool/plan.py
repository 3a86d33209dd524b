# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The changes between the desired and the observed resource pool. Pure."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.several import ChangeOfOne, Several, plan_several
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.changes import (
    ChangePoolAllocation,
    MakeResourcePool,
    PoolChange,
    RemoveResourcePool,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.model import (
    CPU,
    MEMORY,
    NEW_ALLOCATION,
    UNLIMITED,
    Allocations,
    DesiredPool,
    DesiredPools,
    ObservedPool,
    PoolState,
    refuse_pool_contents,
    view,
)


def plan_pools(desired: DesiredPools, observed: Several[ObservedPool]) -> Plan[ChangeOfOne]:
    """Return what makes all pools as desired, parents first, or removes them, parents last."""
    paths = [one.place.path for one in observed.ones]
    for path in paths:
        if paths.count(path) > 1:
            raise GantryError(f"The resource pool {path} is listed more than once. List each pool once.")
    order = sorted(range(len(paths)), key=lambda index: paths[index].count("/"), reverse=not desired.present)
    return plan_several(desired.pools, observed, plan_pool, order)


def plan_pool(desired: DesiredPool, observed: ObservedPool) -> Plan[PoolChange]:
    """Return what makes the pool as desired; refuse what vCenter would refuse."""
    pool, path = observed.pool, observed.place.path
    if not desired.present:
        if pool is None or pool.moid is None:
            return Plan()
        refuse_pool_contents(path, pool.contents)
        return Plan((RemoveResourcePool(path, pool.moid, pool.allocations),))
    if pool is None:
        _refuse_place(observed)
        new = {kind: {**NEW_ALLOCATION, **desired.allocations[kind]} for kind in (CPU, MEMORY)}
        _refuse_allocations(observed, new)
        return Plan((MakeResourcePool(path, new),))
    changes = allocation_changes(desired, path, pool)
    if changes:
        merged = {kind: {**pool.allocations[kind], **desired.allocations[kind]} for kind in (CPU, MEMORY)}
        _refuse_allocations(observed, merged)
    return Plan(changes)


def allocation_changes(desired: DesiredPool, path: str, pool: PoolState) -> tuple[ChangePoolAllocation, ...]:
    """Return the given values that differ from the pool's."""
    return tuple(
        ChangePoolAllocation(path, kind, name, pool.allocations[kind][name], value)
        for kind, allocation in desired.allocations.items()
        for name, value in allocation.items()
        if pool.allocations[kind][name] != value
    )


def _refuse_place(observed: ObservedPool) -> None:
    """Refuse a pool that cannot be created where it is to be."""
    place = observed.place
    if len(place.missing) > 1:
        raise GantryError(
            f"The resource pool {place.path} cannot be created because {place.parent.path} has no pool "
            f"{place.missing[0]!r}. Parent pools are not created, because their shares and limits matter. Create "
            "them first, list them in pools too, or correct path."
        )
    if not observed.drs_enabled:
        raise GantryError(
            f"The resource pool {place.path} cannot be created because DRS of {place.cluster.path} is disabled, and a "
            "cluster without DRS has no resource pools. Enable DRS first; see drs_cluster."
        )


def _refuse_allocations(observed: ObservedPool, after: Allocations) -> None:
    """Refuse a limit below the reservation, less than is reserved in the pool, and more than the parent has left."""
    for kind in (CPU, MEMORY):
        reservation, limit = after[kind]["reservation"], after[kind]["limit"]
        if limit != UNLIMITED and limit < reservation:
            raise GantryError(
                f"{kind}.limit of {observed.place.path} would be {_amount(kind, limit)}, which is less than its "
                f"reservation of {_amount(kind, reservation)}. Change one of the two."
            )
        pool = observed.pool or PoolState(None, dict.fromkeys((CPU, MEMORY), NEW_ALLOCATION))
        changed = replace(pool, allocations=after)
        _refuse_less_than_used(observed.place.path, kind, pool, changed)
        more = changed.taken(kind) - pool.taken(kind)
        free = observed.free.get(kind)
        if free is not None and more > max(free, 0):
            raise GantryError(
                f"{kind}.reservation of {observed.place.path} is to be {_amount(kind, reservation)}, which takes "
                f"{_amount(kind, more)} more of {observed.place.parent.path}, and that has {_amount(kind, free)} left "
                "to reserve. Reserve less, or raise the reservation of the parent pool or make it expandable."
            )


def _refuse_less_than_used(path: str, kind: str, pool: PoolState, changed: PoolState) -> None:
    """Refuse a pool that could no longer reserve what its VMs and pools have reserved."""
    used, most = pool.used.get(kind, 0), changed.most(kind)
    if most < min(used, pool.most(kind)):
        limit = changed.allocations[kind]["limit"]
        remedy = f"{kind}.limit" if limit == most else f"{kind}.reservation or make it expandable"
        raise GantryError(
            f"{path} could reserve {_amount(kind, int(most))} at most, but its VMs and pools have reserved "
            f"{_amount(kind, used)} in it. Change {remedy}, or move or power off VMs first."
        )


def _amount(kind: str, value: int) -> str:
    return str(view(kind, "limit", value)) if kind == MEMORY else f"{value} MHz"
