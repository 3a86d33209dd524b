# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Networks of containers as desired and as observed: a port group with an address pool. Pure data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._address_pool.model import AddressedVm, AddressPool
from ansible_collections.gantry.vsphere.plugins.module_utils._port_group.model import (
    DesiredPortGroup,
    ObservedPortGroup,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry


@dataclass(frozen=True)
class DesiredNetwork:
    """A port group, and the pool that it is to have. Without a pool the one that it has stays unchanged."""

    port_group: DesiredPortGroup
    pool: AddressPool | None = None


@dataclass(frozen=True)
class ObservedNetwork:
    """A port group and its pool. ``datacenter`` is the MoID of the datacenter.

    ``taken_by`` are the names of the networks of another pool that has the name of this one.
    """

    port_group: ObservedPortGroup
    datacenter: str
    pool: AddressPool | None = None
    taken_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class NetworkQuery:
    """The networks that a task asks for; None is all of them."""

    names: tuple[str, ...] | None
    datacenter: str | None


@dataclass(frozen=True)
class NetworkState:
    """A network with its pool, and the VMs that have addresses on it."""

    entry: Entry
    switch: str | None
    pool: AddressPool | None
    vms: Sequence[AddressedVm]


def pool_view(pool: AddressPool) -> dict[str, Any] | None:
    """Return a pool as the options describe it, or None if it has no addresses for containers."""
    if pool.subnet is None:
        return None
    return {
        "subnet": str(pool.subnet),
        "gateway": pool.gateway,
        "ip_range": [str(one) for one in pool.ranges],
        "dns_servers": list(pool.dns_servers),
    }
