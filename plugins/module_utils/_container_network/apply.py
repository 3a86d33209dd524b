# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Create, change or remove a port group and then its address pool, and verify what they are then."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._container_network.changes import (
    ChangeOfPortGroup,
    NetworkChange,
    RemovePool,
    SetPool,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_network.encode import encode_pool
from ansible_collections.gantry.vsphere.plugins.module_utils._container_network.model import (
    DesiredNetwork,
    ObservedNetwork,
    pool_view,
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
        if isinstance(change, SetPool):
            _set_pool(session, observed, change, report)
        elif isinstance(change, RemovePool):
            _remove_pool(session, observed, change, report)
    session.forget_inventory()
    return _verified(desired, observe_network(session, desired))


def _set_pool(session: Session, observed: ObservedNetwork, change: SetPool, report: Report) -> None:
    manager, datacenter = session.content.ipPoolManager, session.ref("Datacenter", observed.datacenter)
    moids = {*change.new.networks, observed.port_group.moid} - {None}
    spec = encode_pool(change.new, _references(session.inventory(), moids))
    method = manager.CreateIpPool if change.old is None else manager.UpdateIpPool
    action = "create the address pool of" if change.old is None else "change the address pool of"
    session.run_one(Job(change.network, action, partial(method, datacenter, spec), has_task=False), report)


def _references(inventory: Inventory, moids: set[str | None]) -> list[Any]:
    return [entry.ref for moid in sorted(filter(None, moids)) if (entry := inventory.entry(moid)) is not None]


def _remove_pool(session: Session, observed: ObservedNetwork, change: RemovePool, report: Report) -> None:
    manager, datacenter = session.content.ipPoolManager, session.ref("Datacenter", observed.datacenter)
    # Without force a profile from which vApps have addresses would be left without its network.
    remove = partial(manager.DestroyIpPool, datacenter, change.pool.id, True)
    session.run_one(Job(change.network, "remove the address pool of", remove, has_task=False), report)


def _verified(desired: DesiredNetwork, now: ObservedNetwork) -> ObservedNetwork:
    """Return the network as vCenter has it; the pool must be as it was written."""
    wanted = desired.pool
    if wanted is not None and (now.pool is None or pool_view(now.pool) != pool_view(wanted)):
        raise GantryError(
            f"vCenter accepted the address pool of {desired.port_group.name}, but it still differs. Somebody else "
            "changed it at the same time. Run again."
        )
    return now
