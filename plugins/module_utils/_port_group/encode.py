# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The values of a port group to the API's specifications."""

from __future__ import annotations

import copy
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._port_group.model import (
    ALL_VLANS,
    ALLOCATION,
    EPHEMERAL,
    HIGHEST_VLAN,
    PORTS,
    SECURITY,
    VLAN,
    PortValues,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import vim

_ALL = HIGHEST_VLAN + 1  # the VLAN ID of a standard port group that carries all VLANs


def encode_standard(name: str, switch: str, values: PortValues, current: Any = None) -> Any:
    """Return a HostPortGroupSpec: the current one, which is replaced as a whole, with these values."""
    policy = vim.host.NetworkPolicy() if current is None else copy.copy(current.policy)
    if any(key in values for key in SECURITY):
        old = policy.security
        policy.security = vim.host.NetworkPolicy.SecurityPolicy(
            allowPromiscuous=_chosen(values, "promiscuous", old and old.allowPromiscuous),
            macChanges=_chosen(values, "mac_changes", old and old.macChanges),
            forgedTransmits=_chosen(values, "forged_transmits", old and old.forgedTransmits),
        )
    vlan = values.get(VLAN, 0 if current is None else current.vlanId)
    return vim.host.PortGroup.Specification(
        name=name, vswitchName=switch, vlanId=_ALL if vlan == ALL_VLANS else vlan, policy=policy
    )


def encode_virtual_switch(current: Any, mtu: int) -> Any:
    """Return a HostVirtualSwitchSpec: the current one with another MTU."""
    spec = copy.copy(current)
    spec.mtu = mtu
    return spec


def encode_new_distributed(name: str, values: PortValues, new: PortValues, defaults: Any) -> Any:
    """Return the specification of a new port group: what the task does not give is inherited from the switch."""
    spec = vim.dvs.DistributedVirtualPortgroup.ConfigSpec(name=name)
    _allocate(spec, new)
    spec.defaultPortConfig = _setting(values, defaults)
    return spec


def encode_distributed(values: PortValues, current: Any) -> Any:
    """Return the specification of these values for a port group just as its configuration was when it was read."""
    spec = vim.dvs.DistributedVirtualPortgroup.ConfigSpec(configVersion=current.configVersion)
    if ALLOCATION in values or PORTS in values:
        _allocate(spec, values)
    spec.defaultPortConfig = _setting(values, current.defaultPortConfig)
    return spec


def encode_switch_mtu(mtu: int, version: str) -> Any:
    """Return the specification of a distributed switch's MTU."""
    return vim.dvs.VmwareDistributedVirtualSwitch.ConfigSpec(configVersion=version, maxMtu=mtu)


def _allocate(spec: Any, values: PortValues) -> None:
    allocation = values.get(ALLOCATION)
    if allocation is not None:
        spec.type = "ephemeral" if allocation == EPHEMERAL else "earlyBinding"
        spec.autoExpand = allocation == "elastic"
    if PORTS in values:
        spec.numPorts = values[PORTS]


def _setting(values: PortValues, current: Any) -> Any:
    """Return the settings of the ports that the values are about; None if they are about none."""
    flags = any(key in values for key in SECURITY)
    if not flags and VLAN not in values:
        return None
    setting = vim.dvs.VmwareDistributedVirtualSwitch.VmwarePortConfigPolicy()
    if VLAN in values:
        setting.vlan = _vlan(values[VLAN])
    if flags and getattr(current, "macManagementPolicy", None) is not None:
        setting.macManagementPolicy = _mac_management(values, current.macManagementPolicy)
    elif flags:
        setting.securityPolicy = _security(values, current.securityPolicy)
    return setting


def _vlan(vlan: int | str) -> Any:
    switch = vim.dvs.VmwareDistributedVirtualSwitch
    if isinstance(vlan, int):
        return switch.VlanIdSpec(inherited=False, vlanId=vlan)
    pairs = [text.partition("-") for text in vlan.split(",")]
    ranges = [vim.NumericRange(start=int(first), end=int(last or first)) for first, _dash, last in pairs]
    return switch.TrunkVlanSpec(inherited=False, vlanId=ranges)


def _mac_management(values: PortValues, old: Any) -> Any:
    """Return the policy as a whole, with the learning of MAC addresses as it is."""
    return vim.dvs.VmwareDistributedVirtualSwitch.MacManagementPolicy(
        inherited=False,
        allowPromiscuous=_chosen(values, "promiscuous", old.allowPromiscuous),
        macChanges=_chosen(values, "mac_changes", old.macChanges),
        forgedTransmits=_chosen(values, "forged_transmits", old.forgedTransmits),
        macLearningPolicy=old.macLearningPolicy,
    )


def _security(values: PortValues, old: Any) -> Any:
    def flag(name: str, policy: Any) -> Any:
        return vim.BoolPolicy(inherited=False, value=_chosen(values, name, policy.value))

    return vim.dvs.VmwareDistributedVirtualSwitch.SecurityPolicy(
        inherited=False,
        allowPromiscuous=flag("promiscuous", old.allowPromiscuous),
        macChanges=flag("mac_changes", old.macChanges),
        forgedTransmits=flag("forged_transmits", old.forgedTransmits),
    )


def _chosen(values: PortValues, name: str, current: Any) -> Any:
    return values.get(name, current)
