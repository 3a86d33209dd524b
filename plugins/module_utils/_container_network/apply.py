# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Create, change or remove a port group and then its address pools, and verify what they are then."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._container_network.changes import (
    ChangeOfPortGroup,
    NetworkChange,
    RemovePools,
    SetPools,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_network.encode import encode_profile
from ansible_collections.gantry.vsphere.plugins.module_utils._container_network.model import (
    POOL_OPTIONS,
    DesiredNetwork,
    ObservedNetwork,
    pool_view,
    profile_view,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_network.observe import observe_network
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._port_group.apply import apply_port_group
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Inventory
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import Job

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


def apply_network(
    session: Session,
    desired: DesiredNetwork,
    observed: ObservedNetwork,
    plan: Plan[NetworkChange],
    report: Report,
) -> ObservedNetwork:
    """Make the changes and return the network as vCenter has it then."""
    port_group = tuple(one.change for one in plan.changes if isinstance(one, ChangeOfPortGroup))
    if port_group:
        done = apply_port_group(session, desired.port_group, observed.port_group, Plan(port_group), report)
        observed = replace(observed, port_group=done)
    for change in plan.changes:
        if isinstance(change, SetPools):
            _set_pools(session, observed, change, report)
        elif isinstance(change, RemovePools):
            _remove_pools(session, observed, change, report)
    session.forget_inventory()
    return _verified(desired, observe_network(session, desired))


def _set_pools(session: Session, observed: ObservedNetwork, change: SetPools, report: Report) -> None:
    manager, datacenter = session.content.ipPoolManager, session.ref("Datacenter", observed.datacenter)
    moids = {*change.new.networks, observed.port_group.moid} - {None}
    spec = encode_profile(change.new, _references(session.inventory(), moids))
    method = manager.CreateIpPool if change.old is None else manager.UpdateIpPool
    action = "create the address pools of" if change.old is None else "change the address pools of"
    session.run_one(Job(change.network, action, partial(method, datacenter, spec), has_task=False), report)


def _references(inventory: Inventory, moids: set[str | None]) -> list[Any]:
    return [entry.ref for moid in sorted(filter(None, moids)) if (entry := inventory.entry(moid)) is not None]


def _remove_pools(session: Session, observed: ObservedNetwork, change: RemovePools, report: Report) -> None:
    manager, datacenter = session.content.ipPoolManager, session.ref("Datacenter", observed.datacenter)
    # Without force a profile from which vApps have addresses would be left without its network.
    remove = partial(manager.DestroyIpPool, datacenter, change.profile.id, True)
    session.run_one(Job(change.network, "remove the address pools of", remove, has_task=False), report)


def _verified(desired: DesiredNetwork, now: ObservedNetwork) -> ObservedNetwork:
    """Return the network as vCenter has it; the pools must be as they were written."""
    seen = profile_view(now.profile)
    if any(seen[POOL_OPTIONS[version]] != pool_view(pool) for version, pool in desired.pools.items()):
        raise GantryError(
            f"vCenter accepted the address pools of {desired.port_group.name}, but they still differ. Somebody else "
            "changed them at the same time. Run again."
        )
    return now
