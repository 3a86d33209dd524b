# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Port groups: what the API returns to the model, and back."""

from __future__ import annotations

from typing import Any

import pytest
from pyVmomi import vim

from ansible_collections.gantry.vsphere.plugins.module_utils._port_group.decode import (
    decode_host,
    decode_kernel_adapters,
    decode_switch,
    decode_vlan,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._port_group.encode import (
    encode_distributed,
    encode_new_distributed,
    encode_standard,
)

_DVS = vim.dvs.VmwareDistributedVirtualSwitch


def setting(vlan: Any, *, newer: bool = True) -> Any:
    """Return the settings of ports; before vSphere 6.7 the API had only the older policy."""
    flags = {"allowPromiscuous": False, "macChanges": False, "forgedTransmits": True}
    older = {name: vim.BoolPolicy(inherited=False, value=value) for name, value in flags.items()}
    learning = _DVS.MacLearningPolicy(inherited=False, enabled=True)
    return _DVS.VmwarePortConfigPolicy(
        vlan=vlan,
        securityPolicy=_DVS.SecurityPolicy(inherited=False, **older),
        macManagementPolicy=_DVS.MacManagementPolicy(inherited=False, macLearningPolicy=learning, **flags)
        if newer
        else None,
    )


def access(vlan: int) -> Any:
    return _DVS.VlanIdSpec(inherited=False, vlanId=vlan)


def group(**fields: Any) -> Any:
    return vim.dvs.DistributedVirtualPortgroup.ConfigInfo(
        **{
            "defaultPortConfig": setting(access(7)),
            "type": "earlyBinding",
            "autoExpand": False,
            "numPorts": 4,
            "configVersion": "3",
            **fields,
        }
    )


def switch() -> Any:
    return _DVS.ConfigInfo(name="DS", maxMtu=9000, defaultPortConfig=setting(access(0)))


def test_a_distributed_port_group_is_decoded() -> None:
    place = decode_switch("/DC0/network/DS", "dvs-1", switch(), group())
    assert (place.mtu, place.group.managed_by if place.group else "") == (9000, None)
    assert place.group is not None
    assert place.group.values == {
        "vlan": 7,
        "promiscuous": False,
        "mac_changes": False,
        "forged_transmits": True,
        "port_allocation": "fixed",
        "ports": 4,
    }
    assert decode_switch("/DC0/network/DS", "dvs-1", switch(), None).group is None


def test_port_groups_of_vcenter_itself_and_of_nsx_are_marked() -> None:
    for fields, owner in (({"uplink": True}, "the uplinks of DS"), ({"backingType": "nsx"}, "NSX")):
        place = decode_switch("/DC0/network/DS", "dvs-1", switch(), group(**fields))
        assert place.group is not None
        assert place.group.managed_by == owner


def test_vlans_of_each_kind_are_decoded() -> None:
    ranges = [vim.NumericRange(start=30, end=30), vim.NumericRange(start=1, end=9)]
    assert decode_vlan(access(0)) == 0
    assert decode_vlan(_DVS.TrunkVlanSpec(inherited=False, vlanId=ranges)) == "1-9,30"
    assert decode_vlan(_DVS.PvlanSpec(inherited=False, pvlanId=5)) == "private 5"


def test_flags_are_merged_into_the_policy_that_there_is() -> None:
    newer = encode_distributed({"promiscuous": True}, group())
    policy = newer.defaultPortConfig.macManagementPolicy
    assert (policy.allowPromiscuous, policy.macChanges, policy.forgedTransmits) == (True, False, True)
    assert policy.macLearningPolicy.enabled
    assert (newer.configVersion, newer.defaultPortConfig.vlan, newer.numPorts) == ("3", None, None)
    older = encode_distributed({"promiscuous": True}, group(defaultPortConfig=setting(access(7), newer=False)))
    assert older.defaultPortConfig.macManagementPolicy is None
    assert older.defaultPortConfig.securityPolicy.allowPromiscuous.value
    assert older.defaultPortConfig.securityPolicy.forgedTransmits.value


def test_what_is_not_given_is_inherited_by_a_new_port_group() -> None:
    new = {"vlan": 0, "port_allocation": "elastic", "ports": 8}
    spec = encode_new_distributed("web", {}, new, setting(access(0)))
    assert (spec.name, spec.type, spec.autoExpand, spec.numPorts) == ("web", "earlyBinding", True, 8)
    assert spec.defaultPortConfig is None
    assert encode_new_distributed("web", {"vlan": "1-9,30"}, new, setting(access(0))).defaultPortConfig is not None


def host(*, vlan: int = 7, security: Any = None) -> dict[str, Any]:
    policy = vim.host.NetworkPolicy
    default = policy.SecurityPolicy(allowPromiscuous=False, macChanges=True, forgedTransmits=True)
    spec = vim.host.PortGroup.Specification(name="web", vlanId=vlan, vswitchName="vs", policy=policy(security=security))
    return {
        "configManager.networkSystem": vim.host.NetworkSystem("networkSystem-1"),
        "config.network.vswitch": [
            vim.host.VirtualSwitch(
                name="vs", spec=vim.host.VirtualSwitch.Specification(policy=policy(security=default))
            )
        ],
        "config.network.portgroup": [vim.host.PortGroup(spec=spec)],
        "config.network.vnic": [vim.host.VirtualNic(device="vmk1", portgroup="web")],
    }


@pytest.mark.parametrize(("vlan", "expected"), [(0, 0), (4094, 4094), (4095, "0-4094")])
def test_a_standard_port_group_is_decoded_and_encoded(vlan: int, expected: int | str) -> None:
    own = vim.host.NetworkPolicy.SecurityPolicy(allowPromiscuous=True)
    place = decode_host("h1", host(vlan=vlan, security=own), "web", "vs")
    assert place.moid == "networkSystem-1"
    assert place.group is not None
    # What its own policy leaves out is that of the switch.
    assert place.group.values == {"vlan": expected, "promiscuous": True, "mac_changes": True, "forged_transmits": True}
    assert encode_standard("web", "vs", {"vlan": expected}).vlanId == vlan


def test_a_standard_port_group_keeps_what_is_not_changed() -> None:
    own = vim.host.NetworkPolicy.SecurityPolicy(allowPromiscuous=True)
    current = host(vlan=9, security=own)["config.network.portgroup"][0].spec
    spec = encode_standard("web", "vs", {"mac_changes": False}, current)
    security = spec.policy.security
    assert spec.vlanId == 9
    assert (security.allowPromiscuous, security.macChanges, security.forgedTransmits) == (True, False, None)
    assert current.policy.security.macChanges is None


def test_the_adapters_of_a_host_are_users() -> None:
    assert decode_kernel_adapters(host(), "web") == ["vmk1"]
    assert decode_kernel_adapters(host(), "db") == []
    lacking = decode_host("h1", host(), "web", "other")
    assert (lacking.mtu, lacking.switches) == (None, ("vs",))
