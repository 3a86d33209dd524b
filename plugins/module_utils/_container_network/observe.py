# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read a port group with its address pools, or all networks with theirs and holders of addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._address_pool.model import POOL_OF_NETWORK, NetworkProfile
from ansible_collections.gantry.vsphere.plugins.module_utils._address_pool.observe import read_addresses, read_profiles
from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container_network.model import (
    DesiredNetwork,
    NetworkQuery,
    NetworkState,
    ObservedNetwork,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._port_group.observe import observe_port_group
from ansible_collections.gantry.vsphere.plugins.module_utils._port_group.resolve import resolve_port_group
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry, Inventory

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


def observe_network(session: Session, desired: DesiredNetwork) -> ObservedNetwork:
    """Return the port group on its switch or its hosts, and the profile with its pools."""
    port_group = observe_port_group(session, desired.port_group)
    inventory = session.inventory()
    owner = resolve_port_group(inventory, desired.port_group).owners[0]
    if owner.datacenter is None:
        raise GantryError(f"The datacenter of {owner.path} cannot be read. Check the privileges.")
    profiles = read_profiles(session, owner.datacenter)
    profile = _profile_of(profiles, port_group.moid, desired.port_group.name)
    namesake = [one for one in profiles if one is not profile and one.name == desired.port_group.name]
    users = sorted(_name(inventory, moid) for one in namesake for moid in one.networks)
    return ObservedNetwork(port_group, owner.datacenter, profile, tuple(users))


def _profile_of(profiles: list[NetworkProfile], network: str | None, name: str) -> NetworkProfile | None:
    """Return the profile of a network, or one with its name that no network has: an interrupted removal leaves it."""
    own = [one for one in profiles if network is not None and network in one.networks]
    left = [one for one in profiles if one.name == name and not one.networks]
    return next(iter([*own, *left]), None)


def _name(inventory: Inventory, moid: str) -> str:
    entry = inventory.entry(moid)
    return moid if entry is None else entry.path


def observe_networks(session: Session, query: NetworkQuery) -> list[NetworkState]:
    """Return the networks: one request for each datacenter with pools, and one read of the addresses of all VMs."""
    inventory = session.inventory(properties={"Network": (POOL_OF_NETWORK,)})
    networks = _networks(inventory, query)
    profiles: dict[str, NetworkProfile] = {}
    for datacenter in sorted({one.datacenter or "" for one in networks if one.properties.get(POOL_OF_NETWORK)}):
        for profile in read_profiles(session, datacenter):
            profiles.update(dict.fromkeys(profile.networks, profile))
    vms = read_addresses(session) if profiles else []
    states = []
    for entry in networks:
        own, switch = profiles.get(entry.moid), inventory.switch_of(entry)
        here = [] if own is None else [vm for vm in vms if vm.networks & own.networks]
        states.append(NetworkState(entry, None if switch is None else switch.path, own, here))
    return states


def _networks(inventory: Inventory, query: NetworkQuery) -> list[Entry]:
    datacenter = None if query.datacenter is None else inventory.datacenter(query.datacenter)
    if query.names is not None:
        found = [inventory.network(name, datacenter=datacenter, what="name") for name in query.names]
        return list({entry.moid: entry for entry in found}.values())
    everywhere = sorted(inventory.networks(), key=lambda entry: entry.path)
    return [entry for entry in everywhere if datacenter is None or entry.datacenter == datacenter.moid]
