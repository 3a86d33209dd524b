# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Resource pools as desired and as observed. Pure data.

An allocation is a mapping by the names of the options. Reservations and limits are numbers of MHz or MB, as the API
has them, or UNLIMITED; shares are a level or a number.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.paths import InventoryPath

CPU, MEMORY = "cpu", "memory"
UNLIMITED = "unlimited"
SHARES_LEVELS = ("low", "normal", "high")
# How many shares a level is for a resource pool. vCenter shows custom shares of such a number as the level.
LEVEL_OF_SHARES: Mapping[str, Mapping[int, str]] = {
    CPU: dict(zip((2000, 4000, 8000), SHARES_LEVELS, strict=True)),
    MEMORY: dict(zip((81920, 163840, 327680), SHARES_LEVELS, strict=True)),
}
# What the vSphere Client proposes for a new pool.
NEW_ALLOCATION: Mapping[str, Any] = {
    "reservation": 0,
    "limit": UNLIMITED,
    "expandable_reservation": True,
    "shares": "normal",
}

Allocations = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class DesiredPool:
    """``allocations`` have only what is given."""

    path: InventoryPath
    cluster: str | None
    datacenter: str | None
    present: bool
    allocations: Allocations


@dataclass(frozen=True)
class DesiredPools:
    """The pools of one task. ``listed``: it gives a list of them, so its result has a list.

    ``assume_drs``: whether tasks before this one leave DRS enabled; None if they do not change that.
    ``assume_removed`` are names of what tasks before this one remove; check mode still finds it in the pools.
    """

    pools: tuple[DesiredPool, ...]
    listed: bool
    present: bool
    assume_drs: bool | None = None
    assume_removed: frozenset[str] = frozenset()


@dataclass(frozen=True)
class PoolPlace:
    """Where a pool is or is to be: its path in its cluster, and the names of that path that do not exist.

    ``parent`` is the pool that it is in, or the last one that exists on the way to it, which may be a vApp.
    """

    cluster: Entry
    parent: Entry
    pool: Entry | None
    path: str
    missing: tuple[str, ...]


@dataclass(frozen=True)
class PoolState:
    """A pool that exists, or that check mode predicts, which has no MoID yet.

    ``used`` is what its VMs and pools have reserved, in MHz and MB. ``contents`` are their names, read if the pool is
    to be removed.
    """

    moid: str | None
    allocations: Allocations
    used: Mapping[str, int] = field(default_factory=dict)
    change_version: str | None = None
    contents: tuple[str, ...] = ()

    def taken(self, kind: str) -> int:
        """Return what it takes of its parent: its reservation, and what an expandable one has grown beyond it."""
        allocation = self.allocations[kind]
        used = self.used.get(kind, 0) if allocation["expandable_reservation"] else 0
        return max(int(allocation["reservation"]), used)

    def most(self, kind: str) -> float:
        """Return what its VMs and pools can reserve at most, as far as its own configuration says."""
        allocation = self.allocations[kind]
        limit = math.inf if allocation["limit"] == UNLIMITED else float(allocation["limit"])
        return limit if allocation["expandable_reservation"] else min(limit, float(allocation["reservation"]))


@dataclass(frozen=True)
class ObservedPool:
    """``free`` is what the parent has left for reservations, in MHz and MB, as far as vCenter says."""

    place: PoolPlace
    pool: PoolState | None
    free: Mapping[str, int]
    drs_enabled: bool = True

    @property
    def parent_path(self) -> str:
        return self.place.path.rpartition("/")[0]


def refuse_pool_contents(path: str, contents: tuple[str, ...]) -> None:
    """Refuse to remove a pool that is not empty: what is in it would lose its shares and limits."""
    if contents:
        raise GantryError(
            f"The resource pool {path} is not removed because it is not empty: {listed(contents)}. vCenter would move "
            "that to the parent pool, where other shares, limits and reservations apply. Move or remove it first.",
            details={"contents": list(contents)},
        )


def view(kind: str, name: str, value: Any) -> Any:
    """Return a value of an allocation as its option takes it."""
    if kind == MEMORY and name in ("reservation", "limit") and value != UNLIMITED:
        return f"{value}M"
    return value


def view_all(allocations: Allocations) -> dict[str, dict[str, Any]]:
    """Return the allocations as their options take them."""
    return {
        kind: {name: view(kind, name, value) for name, value in allocation.items()}
        for kind, allocation in allocations.items()
    }
