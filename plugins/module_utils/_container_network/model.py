# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Networks of containers as desired and as observed: port groups with address pools. Pure data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._address_pool.model import (
    IPV4,
    IPV6,
    AddressedVm,
    AddressPool,
    NetworkProfile,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._port_group.model import (
    DesiredPortGroup,
    ObservedPortGroup,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry

# The options of the pools, by the version of their addresses.
POOL_OPTIONS = {IPV4: "ipv4", IPV6: "ipv6"}


@dataclass(frozen=True)
class DesiredNetwork:
    """A port group, and the pools that it is to have. Without a pool the one that it has stays unchanged."""

    port_group: DesiredPortGroup
    ipv4: AddressPool | None = None
    ipv6: AddressPool | None = None

    @property
    def pools(self) -> dict[int, AddressPool]:
        """Return the pools by the version of their addresses."""
        return {pool.version: pool for pool in (self.ipv4, self.ipv6) if pool is not None}


@dataclass(frozen=True)
class ObservedNetwork:
    """A port group and the profile with its pools. ``datacenter`` is the MoID of the datacenter.

    ``taken_by`` are the names of the networks of another profile that has the name of this network.
    """

    port_group: ObservedPortGroup
    datacenter: str
    profile: NetworkProfile | None = None
    taken_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class NetworkQuery:
    """The networks that a task asks for; None is all of them."""

    names: tuple[str, ...] | None
    datacenter: str | None


@dataclass(frozen=True)
class NetworkState:
    """A network with the profile of its pools, and the VMs that have addresses on it."""

    entry: Entry
    switch: str | None
    profile: NetworkProfile | None
    vms: Sequence[AddressedVm]


def profile_view(profile: NetworkProfile | None) -> dict[str, Any]:
    """Return the pools as the options describe them, and None for one that does not exist."""
    pools = {} if profile is None else profile.pools
    return {name: None if version not in pools else pool_view(pools[version]) for version, name in POOL_OPTIONS.items()}


def pool_view(pool: AddressPool) -> dict[str, Any]:
    """Return a pool as the options describe it."""
    return {
        "subnet": str(pool.subnet),
        "gateway": pool.gateway,
        "ip_range": [str(one) for one in pool.ranges],
        "dns_servers": list(pool.dns_servers),
    }
