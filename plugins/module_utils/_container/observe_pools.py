# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find what the resource pools of containers can reserve. The inventory has it, so there is no further request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import ObservedContainer
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.decode import (
    CAPACITY_PROPERTIES,
    decode_capacity,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.model_capacity import PoolCapacity
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry, Inventory

# What is above a root pool.
_OWNERS = ("ClusterComputeResource", "ComputeResource")


def observe_pools(inventory: Inventory, observed: Sequence[ObservedContainer]) -> list[ObservedContainer]:
    """Add the pools that the VMs of each container are in and are to be in, with those above."""
    known: dict[str, tuple[PoolCapacity, ...]] = {}
    return [replace(one, pools=tuple(_pools(inventory, one, known))) for one in observed]


def _pools(
    inventory: Inventory, observed: ObservedContainer, known: dict[str, tuple[PoolCapacity, ...]]
) -> Iterator[PoolCapacity]:
    pools = [machine.pool for machine in observed.machines]
    if observed.place is not None:
        pools.append(observed.place.pool)
    for moid, pool in {pool.moid: pool for pool in pools if pool is not None}.items():
        if moid not in known:
            known[moid] = tuple(_with_parents(inventory, pool))
        yield from known[moid]


def _with_parents(inventory: Inventory, pool: Entry) -> Iterator[PoolCapacity]:
    """Yield the pool and those above it, up to the first one that the user may not read."""
    current: Entry | None = pool if _is_readable(pool) else None
    while current is not None:
        above = inventory.entry(current.parent or "")
        parent = above if above is not None and _is_readable(above) else None
        root = above is not None and above.type_name in _OWNERS
        yield decode_capacity(current, None if parent is None else parent.moid, root=root)
        current = parent


def _is_readable(entry: Entry) -> bool:
    """Return whether it is a pool with its properties: nothing else in an inventory has them."""
    return all(entry.properties.get(name) is not None for name in CAPACITY_PROPERTIES)
