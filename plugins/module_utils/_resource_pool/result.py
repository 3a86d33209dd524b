# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What resource_pool returns. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._engine.several import Several
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.model import (
    DesiredPools,
    ObservedPool,
    view_all,
)


def pools_result(desired: DesiredPools, observed: Several[ObservedPool]) -> dict[str, Any]:
    """Return the task's own part of the result: of one pool, or of each in the list that the task gives."""
    results = [pool_result(one) for one in observed.ones]
    return {"resource_pools": [one["resource_pool"] for one in results]} if desired.listed else results[0]


def pool_result(observed: ObservedPool) -> dict[str, Any]:
    """Return the result of one pool."""
    place, pool = observed.place, observed.pool
    if pool is None:
        return {"cluster": place.cluster.path, "resource_pool": None}
    return {
        "cluster": place.cluster.path,
        "resource_pool": {"path": place.path, "moid": pool.moid, **view_all(pool.allocations)},
    }
