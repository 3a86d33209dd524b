# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read a resource pool: one read of the inventory, one of the pool and of what it depends on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.decode import (
    decode_drs_enabled,
    decode_free,
    decode_pool,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.model import (
    DesiredPool,
    ObservedPool,
    PoolPlace,
    PoolState,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.resolve import resolve_pool
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.paths import decode_name

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

_PROPERTIES = {
    "ResourcePool": ["config", "runtime"],
    "VirtualApp": ["runtime"],
    "ClusterComputeResource": ["configurationEx"],
}
_CONTENTS = ("vm", "resourcePool")


def observe_pool(session: Session, desired: DesiredPool) -> ObservedPool:
    """Return the pool as it is, and what decides whether it can be as desired."""
    place = resolve_pool(session.inventory(), desired)
    if desired.present:
        return _read_for_change(session, place)
    return ObservedPool(place, None if place.pool is None else read_pool(session, place.pool.moid, contents=True), {})


def read_pool(session: Session, moid: str, *, contents: bool = False) -> PoolState | None:
    """Return a pool, with the names of what is in it if requested; None if it does not exist any more."""
    properties = [*_PROPERTIES["ResourcePool"], *(_CONTENTS if contents else ())]
    rows = session.read([session.ref("ResourcePool", moid)], properties)
    if not rows:
        return None
    inside = [ref for name in _CONTENTS for ref in rows[0].get(name) or ()]
    names = sorted(decode_name(row.get("name", row.moid)) for row in session.read(inside, ["name"]))
    return decode_pool(moid, rows[0], tuple(names))


def _read_for_change(session: Session, place: PoolPlace) -> ObservedPool:
    """Read the pool and its parent; of a pool that does not exist also whether its cluster can have it."""
    # A standalone host has resource pools without DRS.
    drs_matters = place.pool is None and place.cluster.type_name == "ClusterComputeResource"
    wanted = [place.parent, *([place.pool] if place.pool else []), *([place.cluster] if drs_matters else [])]
    rows = {row.moid: row for row in session.read([entry.ref for entry in wanted], _PROPERTIES)}
    for entry in wanted:
        if entry.moid not in rows:
            raise GantryError(f"{entry.path} does not exist any more. Run again, or correct path and cluster.")
    return ObservedPool(
        place=place,
        pool=None if place.pool is None else decode_pool(place.pool.moid, rows[place.pool.moid], ()),
        free=decode_free(rows[place.parent.moid]),
        drs_enabled=not drs_matters or decode_drs_enabled(rows[place.cluster.moid]),
    )
