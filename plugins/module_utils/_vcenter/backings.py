# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The backings that connect network adapters to networks of each kind, and the networks of backings. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry, Inventory
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_or_none, vim


def network_backings(inventory: Inventory, moids: Iterable[str]) -> dict[str, Any]:
    """Return each network's backing, by MoID."""
    entries = [entry for moid in sorted(set(moids)) if (entry := inventory.entry(moid)) is not None]
    return {entry.moid: network_backing(inventory, entry) for entry in entries}


def network_backing(inventory: Inventory, network: Entry) -> Any:
    """Return the backing for a network of the inventory."""
    card = vim.vm.device.VirtualEthernetCard
    if network.type_name == "DistributedVirtualPortgroup":
        switch_uuid, key = _visible(inventory.connection_of(network), "distributed switch", network)
        port = vim.dvs.PortConnection(portgroupKey=key, switchUuid=switch_uuid)
        return card.DistributedVirtualPortBackingInfo(port=port)
    if network.type_name == "OpaqueNetwork":
        kind, network_id = _visible(inventory.opaque_id_of(network), "summary", network)
        return card.OpaqueNetworkBackingInfo(opaqueNetworkId=network_id, opaqueNetworkType=kind)
    return card.NetworkBackingInfo(deviceName=network.name, network=network.ref)


def _visible(found: tuple[str, str] | None, what: str, network: Entry) -> tuple[str, str]:
    if found is None:
        raise GantryError(
            f"The {what} of {network.path} cannot be read, by which adapters are connected. Check the privileges of "
            "this user."
        )
    return found


def connected_network(inventory: Inventory, backing: Any, datacenter: str | None) -> str | None:
    """Return the MoID of the network that an adapter of a VM in the datacenter is on, or None if it is not visible."""
    port = getattr(backing, "port", None)
    if port is not None:
        return inventory.port_group(str(port.switchUuid), str(port.portgroupKey))
    opaque = getattr(backing, "opaqueNetworkId", None)
    if opaque is not None:
        return inventory.opaque_network(str(backing.opaqueNetworkType), str(opaque))
    network = moid_or_none(getattr(backing, "network", None))
    return network or inventory.standard_network(getattr(backing, "deviceName", None) or "", datacenter)
