# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether resource pools can reserve what VMs are to take more of them. Pure.

What a pool cannot give of its own reservation, an expandable one takes of the pool above it. What the highest one has
left, vCenter says.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.model import (
    CPU,
    MEMORY,
    UNLIMITED,
    PoolState,
)


@dataclass(frozen=True)
class PoolCapacity:
    """A pool, and what it has left for VMs with that of the pools above, in MHz and MB, as far as vCenter says.

    ``parent`` is the MoID of the pool above it, if there is one that can be read. ``root``: it is the pool that a
    cluster or a host has by itself.
    """

    moid: str
    path: str
    parent: str | None
    state: PoolState
    free: Mapping[str, int]
    root: bool = False

    @property
    def memory_limit(self) -> int | None:
        """Return the limit in MB that was set; None if there is none.

        vCenter gives a root pool a limit too: what its hosts have. VMs may have more memory than that together.
        """
        limit = self.state.allocations[MEMORY]["limit"]
        return None if limit == UNLIMITED or self.root else int(limit)


@dataclass(frozen=True)
class Demand:
    """What a VM, or all VMs of a pool, are to reserve more, in MHz and MB; less is negative.

    ``starts`` is how many VMs more are to run. vSphere reserves memory for the overhead of each, and computes it only
    when the VM starts. At least 1 MB is certain.
    """

    reserved: Mapping[str, int]
    starts: int = 0

    def of(self, kind: str) -> int:
        return self.reserved[kind] + (self.starts if kind == MEMORY else 0)


@dataclass(frozen=True)
class Shortfall:
    """A pool that cannot reserve ``asked`` more, because it has only ``left``."""

    pool: PoolCapacity
    kind: str
    asked: int
    left: int


def find_shortfalls(pools: Mapping[str, PoolCapacity], demands: Mapping[str, Demand]) -> Iterator[Shortfall]:
    """Yield the pools that cannot reserve what they, and what pools in them, are to reserve more."""
    starts = sum(max(demand.starts, 0) for demand in demands.values())
    for kind in (CPU, MEMORY):
        more = {moid: demand.of(kind) for moid, demand in demands.items() if moid in pools}
        overhead = starts if kind == MEMORY else 0
        # What is above a pool has a shorter path.
        for pool in sorted(pools.values(), key=lambda pool: pool.path.count("/"), reverse=True):
            asked = more.get(pool.moid, 0)
            left = _left(pool, kind)
            if asked > 0 and left is not None and asked > left and (pool.parent is not None or asked > overhead):
                yield Shortfall(pool, kind, asked, left)
            elif pool.parent is not None:
                more[pool.parent] = more.get(pool.parent, 0) + _expansion(pool.state, kind, asked)


def _left(pool: PoolCapacity, kind: str) -> int | None:
    """Return what the pool can reserve more, whatever the pools above have left; None if that alone decides."""
    if pool.parent is None:
        return pool.free.get(kind)
    most = pool.state.most(kind)
    return None if math.isinf(most) else max(int(most) - pool.state.used.get(kind, 0), 0)


def _expansion(state: PoolState, kind: str, more: int) -> int:
    """Return what a pool takes more of its parent if more is reserved in it."""
    used = {**state.used, kind: state.used.get(kind, 0) + more}
    return replace(state, used=used).taken(kind) - state.taken(kind)
