# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What container_network and container_network_info return. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._address_pool.holders import count_free, taken_addresses
from ansible_collections.gantry.vsphere.plugins.module_utils._address_pool.model import AddressPool
from ansible_collections.gantry.vsphere.plugins.module_utils._container_network.model import (
    POOL_OPTIONS,
    NetworkState,
    ObservedNetwork,
    pool_view,
    profile_view,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._port_group.result import port_group_result

_TYPES = {"DistributedVirtualPortgroup": "distributed", "OpaqueNetwork": "opaque"}


def network_result(observed: ObservedNetwork) -> dict[str, Any]:
    """Return the port group with its pools."""
    group = port_group_result(observed.port_group)["port_group"]
    if group is None:
        return {"network": None}
    return {"network": {**group, **profile_view(observed.profile)}}


def networks_result(states: Sequence[NetworkState]) -> dict[str, Any]:
    """Return the networks with their pools, and who has the addresses."""
    return {"networks": [_network(state) for state in states]}


def _network(state: NetworkState) -> dict[str, Any]:
    entry, pools = state.entry, {} if state.profile is None else state.profile.pools
    addresses = [
        {"address": address, "vm": vm.name, "recorded": address in vm.recorded}
        for vm in state.vms
        for address in sorted({*vm.recorded, *vm.reported})
        if any(pool.contains(address) for pool in pools.values())
    ]
    return {
        "name": entry.name,
        "moid": entry.moid,
        "path": entry.path,
        "type": _TYPES.get(entry.type_name, "standard"),
        "switch": state.switch,
        **{
            name: None if version not in pools else _pool(pools[version], state)
            for version, name in POOL_OPTIONS.items()
        },
        "addresses": sorted(addresses, key=lambda one: (str(one["vm"]), str(one["address"]))),
    }


def _pool(pool: AddressPool, state: NetworkState) -> dict[str, Any]:
    taken = taken_addresses(pool, state.vms)
    return {**pool_view(pool), "size": pool.size, "free": count_free(pool, taken)}
