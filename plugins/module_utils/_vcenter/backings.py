# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The backings that connect network adapters to networks of each kind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry, Inventory
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_of, vim

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

_SWITCH = "config.distributedVirtualSwitch"


def network_backings(session: Session, inventory: Inventory, moids: Iterable[str]) -> dict[str, Any]:
    """Return each network's backing, by MoID. Two requests if any of them is a distributed port group."""
    entries = [entry for moid in sorted(set(moids)) if (entry := inventory.entry(moid)) is not None]
    switches = _switches(session, [entry for entry in entries if entry.type_name == "DistributedVirtualPortgroup"])
    return {entry.moid: network_backing(entry, switches.get(entry.moid)) for entry in entries}


def network_backing(network: Entry, switch_uuid: str | None) -> Any:
    """Return the backing for a network. ``switch_uuid`` is the UUID of a distributed port group's switch."""
    card = vim.vm.device.VirtualEthernetCard
    if network.type_name == "OpaqueNetwork":
        return card.OpaqueNetworkBackingInfo(opaqueNetworkId=network.moid, opaqueNetworkType="nsx.LogicalSwitch")
    if switch_uuid is None:
        return card.NetworkBackingInfo(deviceName=network.name, network=network.ref)
    # The key of a port group is its MoID.
    port = vim.dvs.PortConnection(portgroupKey=network.moid, switchUuid=switch_uuid)
    return card.DistributedVirtualPortBackingInfo(port=port)


def _switches(session: Session, portgroups: Sequence[Entry]) -> dict[str, str]:
    """Return the UUID of each port group's switch."""
    if not portgroups:
        return {}
    switch_of = {row.moid: row[_SWITCH] for row in session.read([entry.ref for entry in portgroups], [_SWITCH])}
    uuids = {row.moid: str(row["uuid"]) for row in session.read(list(switch_of.values()), ["uuid"])}
    return {moid: uuids[moid_of(switch)] for moid, switch in switch_of.items()}
