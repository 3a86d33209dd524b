# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which addresses of a pool are taken, and which one a container gets. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable, Mapping

from ansible_collections.gantry.vsphere.plugins.module_utils._address_pool.model import (
    AddressedVm,
    AddressPool,
)


def taken_addresses(pool: AddressPool, vms: Iterable[AddressedVm]) -> dict[str, AddressedVm]:
    """Return who holds each address of the pool's networks; a record takes precedence over a report."""
    here = [vm for vm in vms if vm.is_on(pool.networks)]
    reported = {address: vm for vm in here for address in vm.reported}
    return {**reported, **{address: vm for vm in here for address in vm.recorded}}


def count_held(pool: AddressPool, taken: Iterable[str]) -> int:
    """Return how many addresses of the ranges are taken."""
    return sum(1 for address in taken if pool.gives(address))


def count_free(pool: AddressPool, taken: Iterable[str]) -> int:
    """Return how many addresses of the ranges a container can get."""
    edges = [str(pool.subnet.network_address), str(pool.subnet.broadcast_address), *filter(None, [pool.gateway])]
    unusable = {address for address in edges if not pool.is_usable(address)}
    return pool.size - count_held(pool, {*taken, *unusable})


def other_holder(address: str, taken: Mapping[str, AddressedVm], own: Container[str]) -> AddressedVm | None:
    """Return the VM that has an address, unless it is one of the container's own."""
    holder = taken.get(address)
    return None if holder is None or holder.moid in own else holder


def recorded_elsewhere(
    address: str, pool: AddressPool, vms: Iterable[AddressedVm], own: Container[str]
) -> AddressedVm | None:
    """Return a VM besides the container's own that has an address in its record."""
    found = (vm for vm in vms if address in vm.recorded and vm.moid not in own and vm.is_on(pool.networks))
    return next(found, None)


def choose_address(pool: AddressPool, container: str, taken: Container[str]) -> str | None:
    """Return the first free address, in an order that the container's name decides; None if there is none.

    The same container gets the same address again if it is free. Tasks that run at the same time seldom choose the same
    one, which they would with the lowest free address.
    """
    if not pool.size:
        return None
    digest = hashlib.sha256(container.encode()).digest()
    candidates = pool.addresses_from(int.from_bytes(digest[:8], "big") % pool.size)
    return next((one for one in candidates if one not in taken and pool.is_usable(one)), None)
