# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test that each network's backing leads back to the network, and which networks cannot be found or used."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.backings import (
    connected_network,
    network_backing,
    network_backings,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.collector import Row
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Inventory
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import vim


def row(ref: Any, **properties: Any) -> Row:
    return Row(ref, [SimpleNamespace(name=name.replace("__", "."), val=value) for name, value in properties.items()])


@pytest.fixture
def rows() -> list[Row]:
    """Return a network of each kind, and two switches; the key of each port group is the MoID of the other one."""
    folder = vim.Folder("f")
    switches = [vim.dvs.VmwareDistributedVirtualSwitch(f"dvs-{number}") for number in (1, 2)]
    groups = [vim.dvs.DistributedVirtualPortgroup(f"dvportgroup-{number}") for number in (1, 2)]
    summary = vim.OpaqueNetwork.Summary(opaqueNetworkId="5b7", opaqueNetworkType="nsx.LogicalSwitch")
    return [
        row(folder, name="network"),
        *(row(switch, name=switch._moId, parent=folder, uuid=f"uuid of {switch._moId}") for switch in switches),
        *(
            row(group, name=name, parent=folder, key=other._moId, config__distributedVirtualSwitch=switch)
            for name, group, other, switch in zip("ab", groups, reversed(groups), switches, strict=True)
        ),
        row(vim.Network("network-1"), name="VM Network", parent=folder),
        row(vim.OpaqueNetwork("network-o2"), name="Overlay", parent=folder, summary=summary),
    ]


def inventory_of(rows: list[Row]) -> Inventory:
    return Inventory(rows, vms=False, properties={})


def test_each_network_is_connected_by_what_identifies_it_and_found_by_it(rows: list[Row]) -> None:
    inventory = inventory_of(rows)
    backings = network_backings(inventory, ["dvportgroup-1", "dvportgroup-2", "network-1", "network-o2", "gone"])
    assert backings.keys() == {"dvportgroup-1", "dvportgroup-2", "network-1", "network-o2"}
    assert backings["network-o2"].opaqueNetworkId == "5b7"
    port = backings["dvportgroup-1"].port
    assert (port.portgroupKey, port.switchUuid) == ("dvportgroup-2", "uuid of dvs-1")
    for moid, backing in backings.items():
        assert connected_network(inventory, backing, None) == moid


def test_a_port_of_a_switch_that_is_not_visible_has_no_network(rows: list[Row]) -> None:
    backing = network_backing(inventory_of(rows), inventory_of(rows).network("a"))
    visible = inventory_of([one for one in rows if one.moid != "dvs-1"])
    assert connected_network(visible, backing, None) is None
    with pytest.raises(GantryError, match="The distributed switch of /a cannot be read"):
        network_backing(visible, visible.network("a"))


def test_an_opaque_network_without_a_readable_summary_cannot_be_used(rows: list[Row]) -> None:
    backing = network_backing(inventory_of(rows), inventory_of(rows).network("Overlay"))
    for one in rows:
        one.pop("summary", None)
    hidden = inventory_of(rows)
    assert connected_network(hidden, backing, None) is None
    with pytest.raises(GantryError, match="The summary of /Overlay cannot be read"):
        network_backing(hidden, hidden.network("Overlay"))


def test_a_standard_network_without_a_reference_is_found_by_its_name(rows: list[Row]) -> None:
    inventory = inventory_of(rows)
    backing = vim.vm.device.VirtualEthernetCard.NetworkBackingInfo(deviceName="VM Network")
    assert connected_network(inventory, backing, None) == "network-1"
    assert connected_network(inventory, backing, "another datacenter") is None
