# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A resource pool's properties to the model. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.values import MIB
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.model import (
    CPU,
    MEMORY,
    UNLIMITED,
    Allocations,
    PoolState,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.model_capacity import PoolCapacity
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry

# The properties that decoding the capacity of a pool needs.
CAPACITY_PROPERTIES = ("config", "runtime")

_CUSTOM = "custom"


def decode_pool(moid: str, properties: Mapping[str, Any], contents: tuple[str, ...]) -> PoolState:
    """Return the pool with these properties."""
    config, runtime = properties["config"], properties.get("runtime")
    return PoolState(
        moid=moid,
        allocations=decode_allocations(config),
        used={} if runtime is None else _amounts(runtime, "reservationUsed"),
        change_version=config.changeVersion,
        contents=contents,
    )


def decode_allocations(config: Any) -> Allocations:
    """Return the allocations in a ResourceConfigSpec."""
    return {CPU: _allocation(config.cpuAllocation), MEMORY: _allocation(config.memoryAllocation)}


def decode_free(properties: Mapping[str, Any]) -> dict[str, int]:
    """Return what a pool has left for the reservations of pools in it; nothing where vCenter does not say."""
    runtime = properties.get("runtime")
    return {} if runtime is None else _amounts(runtime, "unreservedForPool")


def decode_capacity(pool: Entry, parent: str | None, *, root: bool) -> PoolCapacity:
    """Return a pool of an inventory that has its CAPACITY_PROPERTIES. ``parent`` is the MoID of the one above it."""
    runtime = pool.properties["runtime"]
    return PoolCapacity(
        moid=pool.moid,
        path=pool.path,
        parent=parent,
        state=decode_pool(pool.moid, pool.properties, ()),
        free=_amounts(runtime, "unreservedForVm"),
        root=root,
    )


def decode_drs_enabled(properties: Mapping[str, Any]) -> bool:
    """Return whether the cluster with these properties has DRS enabled."""
    return bool(properties["configurationEx"].drsConfig.enabled)


def _allocation(info: Any) -> dict[str, Any]:
    shares = info.shares
    return {
        "reservation": int(info.reservation),
        "limit": UNLIMITED if info.limit < 0 else int(info.limit),
        "expandable_reservation": bool(info.expandableReservation),
        "shares": int(shares.shares) if str(shares.level) == _CUSTOM else str(shares.level),
    }


def _amounts(runtime: Any, name: str) -> dict[str, int]:
    """Return MHz and MB; vCenter counts memory in bytes here."""
    return {CPU: int(getattr(runtime.cpu, name)), MEMORY: int(getattr(runtime.memory, name)) // MIB}
