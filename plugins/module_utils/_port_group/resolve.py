# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the names of a task to a switch, hosts and a network of the inventory. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.clusters import find_cluster
from ansible_collections.gantry.vsphere.plugins.module_utils._port_group.model import DesiredPortGroup
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry, Inventory


@dataclass(frozen=True)
class PortGroupTarget:
    """The distributed switch or the hosts, the network if it exists, and another object with its name."""

    owners: tuple[Entry, ...]
    network: Entry | None
    taken_by: str | None


def resolve_port_group(inventory: Inventory, desired: DesiredPortGroup) -> PortGroupTarget:
    """Return where the port group is to be, and what has its name in the datacenter."""
    datacenter = None if desired.datacenter is None else inventory.datacenter(desired.datacenter)
    if desired.distributed:
        switch = inventory.distributed_switch(desired.switch, datacenter=datacenter)
        return _target(inventory, desired, (switch,), lambda entry: inventory.switch_of(entry) == switch)
    hosts = _hosts(inventory, desired, datacenter)
    if len({host.datacenter for host in hosts}) > 1:
        raise GantryError(
            "hosts are in several datacenters, and each datacenter has networks of its own. Run one task for each "
            "datacenter."
        )
    return _target(inventory, desired, hosts, lambda entry: entry.type_name == "Network")


def _target(
    inventory: Inventory, desired: DesiredPortGroup, owners: tuple[Entry, ...], is_own: Callable[[Entry], bool]
) -> PortGroupTarget:
    named = [
        entry
        for entry in inventory.networks(uplinks=True)
        if entry.name == desired.name and entry.datacenter == owners[0].datacenter
    ]
    own = [entry for entry in named if is_own(entry)]
    if len(own) > 1:
        # Only segments of NSX may have the same name.
        paths = ", ".join(f"{entry.path} ({entry.moid})" for entry in own)
        raise GantryError(
            f"name {desired.name!r} is the name of {len(own)} port groups: {paths}. Rename all but one of them."
        )
    others = [entry for entry in named if not is_own(entry)]
    return PortGroupTarget(
        owners, own[0] if own else None, f"the {others[0].type_name} {others[0].path}" if others and not own else None
    )


def _hosts(inventory: Inventory, desired: DesiredPortGroup, datacenter: Entry | None) -> tuple[Entry, ...]:
    if desired.hosts is not None:
        found = [inventory.host(name, datacenter=datacenter, what="hosts") for name in desired.hosts]
        return tuple({entry.moid: entry for entry in found}.values())
    cluster = find_cluster(inventory, desired.cluster, datacenter)
    hosts = inventory.hosts(cluster)
    if not hosts:
        raise GantryError(
            f"The cluster {cluster.path} has no hosts that this user can see. Check cluster and the privileges."
        )
    return tuple(hosts)
