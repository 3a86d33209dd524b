# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The changes between the desired and the observed network. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ansible_collections.gantry.vsphere.plugins.module_utils._address_pool.model import AddressPool, NetworkProfile
from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._container_network.changes import (
    ChangeOfPortGroup,
    NetworkChange,
    RemovePools,
    SetPools,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_network.model import (
    DesiredNetwork,
    ObservedNetwork,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._port_group.plan import plan_port_group


def plan_network(desired: DesiredNetwork, observed: ObservedNetwork) -> Plan[NetworkChange]:
    """Return what makes the port group and then its pools as desired."""
    port_group = plan_port_group(desired.port_group, observed.port_group)
    pools = _set_pools(desired, observed) if desired.port_group.present else _remove_pools(desired, observed)
    return Plan((*(ChangeOfPortGroup(change) for change in port_group.changes), *pools))


def _set_pools(desired: DesiredNetwork, observed: ObservedNetwork) -> Iterator[NetworkChange]:
    old, name = observed.profile, desired.port_group.name
    if not desired.pools:
        return
    if old is None and observed.taken_by:
        raise GantryError(
            f"The address pool of network {name} cannot be created because there is a network protocol profile {name} "
            f"of {listed(observed.taken_by)}. Rename that profile in vCenter, or give the network another name."
        )
    base = NetworkProfile(name) if old is None else old
    target = replace(base, networks=base.networks | frozenset(filter(None, [observed.port_group.moid])))
    target = replace(
        target,
        ipv4=_pool(desired.ipv4, base.ipv4, target),
        ipv6=_pool(desired.ipv6, base.ipv6, target),
    )
    if target != old:
        yield SetPools(name, old, target)


def _pool(wanted: AddressPool | None, old: AddressPool | None, profile: NetworkProfile) -> AddressPool | None:
    """Return the pool of the task, or the one that the profile has if the task gives none."""
    if wanted is None:
        return old
    server = None if old is None else old.dhcp_server
    return replace(wanted, name=profile.name, networks=profile.networks, dhcp_server=server)


def _remove_pools(desired: DesiredNetwork, observed: ObservedNetwork) -> Iterator[NetworkChange]:
    """Remove the profile with its last network; one that others have stays theirs."""
    profile = observed.profile
    if profile is not None and profile.networks <= {observed.port_group.moid}:
        yield RemovePools(desired.port_group.name, profile)
