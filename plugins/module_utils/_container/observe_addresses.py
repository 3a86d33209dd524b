# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the addresses of containers on networks that have an address pool.

Nothing is read if no network has a pool, and only the pool if all containers run and keep their addresses.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._address_pool.model import (
    POOL_OF_NETWORK,
    AddressedVm,
    NetworkProfile,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._address_pool.observe import read_addresses, read_profiles
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import DesiredContainer, ObservedContainer
from ansible_collections.gantry.vsphere.plugins.module_utils._container.resolve_addresses import (
    assign_addresses,
    needs_holders,
)

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


def observe_addresses(
    session: Session, wanted: Sequence[DesiredContainer], observed: Sequence[ObservedContainer]
) -> list[ObservedContainer]:
    """Add the addresses to the place of each container. Raise GantryError if one is not available."""
    places = [one.place for one in observed if one.place is not None]
    datacenters = sorted(
        {
            place.datacenter.moid
            for place in places
            if any(network.properties.get(POOL_OF_NETWORK) for network in place.networks)
        }
    )
    profiles: dict[str, NetworkProfile] = {}
    for datacenter in datacenters:
        for profile in read_profiles(session, datacenter):
            profiles.update(dict.fromkeys(profile.networks, profile))
    vms: list[AddressedVm] = []
    if needs_holders(wanted, observed, profiles):
        vms = [vm for datacenter in datacenters for vm in read_addresses(session, datacenter)]
    return assign_addresses(wanted, observed, profiles, vms)
