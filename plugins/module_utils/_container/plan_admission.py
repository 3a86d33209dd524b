# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check that resource pools admit what a plan creates, starts or enlarges, before anything is changed. Pure.

The containers are taken as they are after the plan, so that what it stops makes room for what it starts. Where an
update starts new VMs before it stops the old ones, both are taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._base.values import MIB
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes import ContainerChange, PowerOn
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import Machine, ObservedContainer
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.model import CPU, MEMORY
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.model_capacity import (
    Demand,
    PoolCapacity,
    Shortfall,
    find_shortfalls,
)

Planned = tuple[ObservedContainer, Sequence[ContainerChange]]

_AMOUNTS = {CPU: "{amount} MHz of CPU", MEMORY: "{amount} MiB of memory"}


@dataclass(frozen=True)
class _Vms:
    """The VMs of one container before and after the plan."""

    before: tuple[Machine, ...]
    after: tuple[Machine, ...]

    @classmethod
    def of(cls, observed: ObservedContainer, changes: Sequence[ContainerChange]) -> _Vms:
        after = observed
        for change in changes:
            # A container that runs to its end needs the resources of one that goes on running.
            if isinstance(change, PowerOn) and change.runs_to_end:
                after = replace(change, wait_for=None).project(after)
            else:
                after = change.project(after)
        return cls(observed.machines, after.machines)

    @property
    def name(self) -> str:
        return (*self.after, *self.before)[0].name

    @property
    def pools(self) -> set[str]:
        return {one.pool.moid for one in (*self.before, *self.after) if one.pool is not None}

    def demand(self, pool: str) -> Demand:
        """Return what its VMs in a pool are to reserve more."""
        more, less = _reserved(self.after, pool), _reserved(self.before, pool)
        reserved = {kind: more.reserved[kind] - less.reserved[kind] for kind in (CPU, MEMORY)}
        return Demand(reserved, more.starts - less.starts)

    def memory(self, pool: str) -> int:
        """Return the memory in MB that its VMs in a pool have after the plan."""
        return _memory(self.after, pool)

    def grows(self, pool: str) -> bool:
        """Return whether the plan gives its VMs in a pool more memory, as a new one or one that is moved there does."""
        return self.memory(pool) > _memory(self.before, pool)


def admission_problems(planned: Sequence[Planned], beside: Sequence[Sequence[Machine]] = ()) -> Iterator[GantryError]:
    """Yield a problem for each pool that cannot have the containers as they are planned.

    ``beside`` has the old VMs that go on running until new ones have started: those of each group of an update.
    """
    pools = {pool.moid: pool for observed, _changes in planned for pool in observed.pools}
    each = [_Vms.of(observed, changes) for observed, changes in planned]
    own = [vms for vms in each if vms.before or vms.after]
    demands = {moid: _total([one.demand(moid) for one in own if moid in one.pools]) for moid in pools}
    problems = list(_limit_problems(pools, own))
    problems += [_refusal(one, _takers(one, pools, own)) for one in find_shortfalls(pools, demands)]
    groups = [group for group in beside if group]
    if groups and not problems:
        problems = [*_peak_limit_problems(pools, own, groups), *_peak_shortfalls(pools, demands, groups)]
    yield from problems


def _peak_limit_problems(
    pools: dict[str, PoolCapacity], own: Sequence[_Vms], groups: Sequence[Sequence[Machine]]
) -> Iterator[GantryError]:
    for pool in pools.values():
        old = max(groups, key=lambda group: _memory(group, pool.moid))
        needed = sum(one.memory(pool.moid) for one in own) + _memory(old, pool.moid)
        if pool.memory_limit is not None and _memory(old, pool.moid) and needed > pool.memory_limit:
            yield GantryError(
                f"Resource pool {pool.path} has a memory limit of {pool.memory_limit} MiB. The update of "
                f"{listed(one.name for one in old)} starts the new VMs before it stops the old ones "
                f"(order: start-first), and all together would have {needed} MiB of memory in it. Increase "
                "memory.limit of the pool, give a lower parallelism, or order: stop-first."
            )


def _peak_shortfalls(
    pools: dict[str, PoolCapacity], demands: dict[str, Demand], groups: Sequence[Sequence[Machine]]
) -> Iterator[GantryError]:
    # The most of any group, of each resource.
    more = {moid: _most([_reserved(group, moid) for group in groups]) for moid in pools}
    peaks = {moid: _total([demands[moid], more[moid]]) for moid in pools}
    names = sorted({one.name for group in groups for one in group})
    for shortfall in find_shortfalls(pools, peaks):
        amounts = _AMOUNTS[shortfall.kind]
        yield GantryError(
            f"Resource pool {shortfall.pool.path} has {amounts.format(amount=shortfall.left)} left to reserve. The "
            f"update of {listed(names)} starts the new VMs before it stops the old ones (order: start-first), which "
            f"would take {amounts.format(amount=shortfall.asked)}. Raise {shortfall.kind}.reservation or "
            f"{shortfall.kind}.limit of the pool or make its reservation expandable, give a lower parallelism, or "
            "order: stop-first."
        )


def _most(demands: Sequence[Demand]) -> Demand:
    reserved = {kind: max(demand.reserved[kind] for demand in demands) for kind in (CPU, MEMORY)}
    return Demand(reserved, max(demand.starts for demand in demands))


def _limit_problems(pools: dict[str, PoolCapacity], own: Sequence[_Vms]) -> Iterator[GantryError]:
    """Yield a problem for each pool whose limit is lower than the memory of the containers in it."""
    for pool in pools.values():
        there = [one for one in own if one.memory(pool.moid)]
        needed, limit = sum(one.memory(pool.moid) for one in there), pool.memory_limit
        if limit is not None and needed > limit and any(one.grows(pool.moid) for one in there):
            yield GantryError(
                f"Resource pool {pool.path} has a memory limit of {limit} MiB, and {listed(one.name for one in there)} "
                f"would have {needed} MiB of memory in it. Increase memory.limit of the pool, or reduce memory or "
                "the number of containers."
            )


def _refusal(shortfall: Shortfall, takers: Sequence[tuple[str, Demand]]) -> GantryError:
    pool, kind = shortfall.pool, shortfall.kind
    starts = kind == MEMORY and any(demand.starts > 0 for _name, demand in takers)
    asked = _AMOUNTS[kind].format(amount=shortfall.asked)
    least = f"at least {asked}, with the overhead of what starts" if starts else asked
    return GantryError(
        f"Resource pool {pool.path} has {_AMOUNTS[kind].format(amount=shortfall.left)} left to reserve, and "
        f"{listed(name for name, _demand in takers)} would take {least}. Reduce {kind}_reservation, stop containers "
        f"in the pool, select another resource_pool, or raise {kind}.reservation or {kind}.limit of the pool or make "
        "its reservation expandable; see resource_pool."
    )


def _takers(shortfall: Shortfall, pools: dict[str, PoolCapacity], own: Sequence[_Vms]) -> list[tuple[str, Demand]]:
    """Return the containers that take more of a pool, or of pools in it, with what they take."""
    within = {moid for moid in pools if shortfall.pool.moid in _with_parents(pools, moid)}
    demands = [(one.name, _total([one.demand(moid) for moid in one.pools & within])) for one in own]
    return [(name, demand) for name, demand in demands if demand.of(shortfall.kind) > 0]


def _with_parents(pools: dict[str, PoolCapacity], moid: str) -> Iterator[str]:
    current: str | None = moid
    while current is not None:
        yield current
        current = pools[current].parent


def _total(demands: Sequence[Demand]) -> Demand:
    reserved = {kind: sum(demand.reserved[kind] for demand in demands) for kind in (CPU, MEMORY)}
    return Demand(reserved, sum(demand.starts for demand in demands))


def _in_pool(machines: Sequence[Machine], pool: str) -> Iterator[Machine]:
    return (one for one in machines if one.pool is not None and one.pool.moid == pool)


def _memory(machines: Sequence[Machine], pool: str) -> int:
    return sum(one.memory_mb for one in _in_pool(machines, pool))


def _reserved(machines: Sequence[Machine], pool: str) -> Demand:
    """Return what the VMs in a pool reserve while they run."""
    running = [one for one in _in_pool(machines, pool) if one.running]
    return Demand(
        {
            CPU: sum(int(one.allocation["cpu_reservation"]) for one in running),
            MEMORY: sum(int(one.allocation["memory_reservation"]) // MIB for one in running),
        },
        len(running),
    )
