# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read resource pools: one read of the inventory, one of the pools and of what they depend on."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.several import Several
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.decode import (
    decode_drs_enabled,
    decode_free,
    decode_pool,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.model import (
    DesiredPools,
    ObservedPool,
    PoolPlace,
    PoolState,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.model_tree import settle_pools
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.resolve import resolve_pool
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.collector import Row
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.paths import decode_name
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_of

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

_PROPERTIES = {
    "ResourcePool": ["config", "runtime"],
    "VirtualApp": ["runtime"],
    "ClusterComputeResource": ["configurationEx"],
}
_CONTENTS = ("vm", "resourcePool")


def observe_pools(session: Session, desired: DesiredPools) -> Several[ObservedPool]:
    """Return the pools as they are, and what decides whether they can be as desired."""
    inventory = session.inventory()
    places = [resolve_pool(inventory, pool) for pool in desired.pools]
    if desired.present:
        found = _read_for_change(session, places, assume_drs=desired.assume_drs)
    else:
        found = _read_for_removal(session, places, desired.assume_removed)
    return Several(tuple(found), settle_pools)


def read_pool(session: Session, moid: str, *, contents: bool = False) -> PoolState | None:
    """Return a pool, with the names of what is in it if requested; None if it does not exist any more."""
    return _read_pools(session, [moid], contents=contents).get(moid)


def _read_pools(session: Session, moids: Sequence[str], *, contents: bool) -> dict[str, PoolState]:
    """Return those of the pools that still exist."""
    properties = [*_PROPERTIES["ResourcePool"], *(_CONTENTS if contents else ())]
    rows = session.read([session.ref("ResourcePool", moid) for moid in moids], properties)
    inside = {row.moid: [ref for name in _CONTENTS for ref in row.get(name) or ()] for row in rows}
    names = {
        row.moid: decode_name(row.get("name", row.moid))
        for row in session.read([ref for refs in inside.values() for ref in refs], ["name"])
    }
    return {
        row.moid: decode_pool(
            row.moid, row, tuple(sorted(names[moid_of(ref)] for ref in inside[row.moid] if moid_of(ref) in names))
        )
        for row in rows
    }


def _read_for_removal(
    session: Session, places: Sequence[PoolPlace], assume_removed: Collection[str]
) -> Iterator[ObservedPool]:
    pools = _read_pools(session, [place.pool.moid for place in places if place.pool is not None], contents=True)
    for place in places:
        pool = None if place.pool is None else pools.get(place.pool.moid)
        if pool is not None:
            pool = replace(pool, contents=tuple(name for name in pool.contents if name not in assume_removed))
        yield ObservedPool(place, pool, {})


def _read_for_change(
    session: Session, places: Sequence[PoolPlace], *, assume_drs: bool | None
) -> Iterator[ObservedPool]:
    """Read the pools and their parents; of pools that do not exist also whether their cluster can have them."""
    wanted = {entry.moid: entry for place in places for entry in _needed(place)}
    rows = {row.moid: row for row in session.read([entry.ref for entry in wanted.values()], _PROPERTIES)}
    for moid, entry in wanted.items():
        if moid not in rows:
            raise GantryError(f"{entry.path} does not exist any more. Run again, or correct path and cluster.")
    for place in places:
        yield ObservedPool(
            place=place,
            pool=None if place.pool is None else decode_pool(place.pool.moid, rows[place.pool.moid], ()),
            free=decode_free(rows[place.parent.moid]),
            drs_enabled=not _needs_drs(place) or _drs_enabled(rows[place.cluster.moid], assume_drs),
        )


def _drs_enabled(cluster: Row, assumed: bool | None) -> bool:
    return decode_drs_enabled(cluster) if assumed is None else assumed


def _needed(place: PoolPlace) -> Iterator[Entry]:
    yield place.parent
    if place.pool is not None:
        yield place.pool
    if _needs_drs(place):
        yield place.cluster


def _needs_drs(place: PoolPlace) -> bool:
    """Return whether the pool can be created only with DRS: a standalone host has resource pools without."""
    return place.pool is None and place.cluster.type_name == "ClusterComputeResource"
