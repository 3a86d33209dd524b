# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The changes between the desired and the observed network. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._container_network.changes import (
    ChangeOfPortGroup,
    NetworkChange,
    RemovePool,
    SetPool,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_network.model import (
    DesiredNetwork,
    ObservedNetwork,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._port_group.plan import plan_port_group


def plan_network(desired: DesiredNetwork, observed: ObservedNetwork) -> Plan[NetworkChange]:
    """Return what makes the port group and then its pool as desired."""
    port_group = plan_port_group(desired.port_group, observed.port_group)
    pool = _set_pool(desired, observed) if desired.port_group.present else _remove_pool(desired, observed)
    return Plan((*(ChangeOfPortGroup(change) for change in port_group.changes), *pool))


def _set_pool(desired: DesiredNetwork, observed: ObservedNetwork) -> Iterator[NetworkChange]:
    old, wanted, name = observed.pool, desired.pool, desired.port_group.name
    if wanted is None:
        return
    if old is None and observed.taken_by:
        raise GantryError(
            f"The address pool of network {name} cannot be created because there is a network protocol profile {name} "
            f"of {listed(observed.taken_by)}. Rename that profile in vCenter, or give the network another name."
        )
    networks = observed.port_group.moid
    target = replace(
        wanted,
        name=name if old is None else old.name,
        id=None if old is None else old.id,
        networks=(frozenset() if old is None else old.networks) | ({networks} if networks is not None else frozenset()),
        dhcp_server=None if old is None else old.dhcp_server,
    )
    if target != old:
        yield SetPool(name, old, target)


def _remove_pool(desired: DesiredNetwork, observed: ObservedNetwork) -> Iterator[NetworkChange]:
    """Remove the pool with its last network; one that others have stays theirs."""
    pool = observed.pool
    if pool is not None and pool.networks <= {observed.port_group.moid}:
        yield RemovePool(desired.port_group.name, pool)
