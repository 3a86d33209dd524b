# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What resource_pool returns. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.model import ObservedPool, view_all


def pool_result(observed: ObservedPool) -> dict[str, Any]:
    """Return the task's own part of the result."""
    place, pool = observed.place, observed.pool
    if pool is None:
        return {"cluster": place.cluster.path, "resource_pool": None}
    return {
        "cluster": place.cluster.path,
        "resource_pool": {"path": place.path, "moid": pool.moid, **view_all(pool.allocations)},
    }
