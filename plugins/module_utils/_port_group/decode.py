# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The configuration of switches and port groups to the model. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._port_group.model import (
    ALL_VLANS,
    ALLOCATION,
    EPHEMERAL,
    HIGHEST_VLAN,
    PORTS,
    SECURITY,
    VLAN,
    PortGroupPlace,
    PortGroupState,
    ranges_text,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_of, moid_or_none

_DEFAULT_MTU = 1500
_NEW_PORTS = 8  # as many as the vSphere Client gives to a new port group
_FLAGS = dict(zip(SECURITY, ("allowPromiscuous", "macChanges", "forgedTransmits"), strict=True))


def decode_host(path: str, properties: Mapping[str, Any], name: str, switch: str) -> PortGroupPlace:
    """Return a host as a place of the standard port group with this name."""
    switches = {one.name: one for one in properties["config.network.vswitch"]}
    own = switches.get(switch)
    groups = [one for one in properties.get("config.network.portgroup") or () if one.spec.name == name]
    return PortGroupPlace(
        path=path,
        moid=moid_of(properties["configManager.networkSystem"]),
        mtu=None if own is None else int(own.mtu or _DEFAULT_MTU),
        defaults={} if own is None else {VLAN: 0, **_flags(own.spec.policy.security)},
        group=_standard_group(groups[0], switches) if groups else None,
        switches=tuple(sorted(switches)),
    )


def decode_kernel_adapters(properties: Mapping[str, Any], name: str) -> list[str]:
    """Return the names of a host's own adapters on the port group."""
    return [one.device for one in properties.get("config.network.vnic") or () if one.portgroup == name]


def decode_switch(path: str, moid: str, config: Any, group: Any) -> PortGroupPlace:
    """Return a distributed switch as the place of the port group with this configuration, if that exists."""
    defaults = {**_port_values(config.defaultPortConfig), ALLOCATION: "elastic", PORTS: _NEW_PORTS}
    return PortGroupPlace(
        path=path,
        moid=moid,
        mtu=int(getattr(config, "maxMtu", None) or _DEFAULT_MTU),
        defaults=defaults,
        group=None if group is None else _distributed_group(group, config),
    )


def decode_vlan(vlan: Any) -> int | str:
    """Return a VLAN ID, the ranges of a trunk, or the ID of a private VLAN as text."""
    if hasattr(vlan, "pvlanId"):
        return f"private {vlan.pvlanId}"
    if isinstance(vlan.vlanId, int):
        return int(vlan.vlanId)
    return ranges_text(sorted((int(one.start), int(one.end)) for one in vlan.vlanId))


def _standard_group(group: Any, switches: Mapping[str, Any]) -> PortGroupState:
    spec = group.spec
    vlan = ALL_VLANS if spec.vlanId > HIGHEST_VLAN else int(spec.vlanId)
    inherited = _flags(switches[spec.vswitchName].spec.policy.security) if spec.vswitchName in switches else {}
    own = {} if spec.policy.security is None else _flags(spec.policy.security)
    return PortGroupState({VLAN: vlan, **inherited, **own}, spec.vswitchName)


def _distributed_group(group: Any, switch: Any) -> PortGroupState:
    values = _port_values(group.defaultPortConfig)
    if group.type == EPHEMERAL:
        values[ALLOCATION] = EPHEMERAL
    else:
        values |= {ALLOCATION: "elastic" if group.autoExpand else "fixed", PORTS: int(group.numPorts)}
    owner = None
    if group.uplink:
        owner = f"the uplinks of {switch.name}"
    elif group.backingType == "nsx":
        owner = "NSX"
    return PortGroupState(values, switch.name, owner)


def _port_values(setting: Any) -> dict[str, Any]:
    newer, older = getattr(setting, "macManagementPolicy", None), setting.securityPolicy
    # Before vSphere 6.7 there is only the older one.
    flags = _flags(newer) if newer is not None else _policy_flags(older)
    return {VLAN: decode_vlan(setting.vlan), **flags}


def _flags(security: Any) -> dict[str, bool]:
    return {key: bool(value) for key, flag in _FLAGS.items() if (value := getattr(security, flag)) is not None}


def _policy_flags(policy: Any) -> dict[str, bool]:
    return {key: bool(getattr(policy, flag).value) for key, flag in _FLAGS.items()}


def names_on(rows: Sequence[Mapping[str, Any]], hosts: frozenset[str] | None) -> list[str]:
    """Return the names of VMs; only of those on the hosts, unless these are None."""
    return [str(row.get("name", "")) for row in rows if hosts is None or moid_or_none(row.get("runtime.host")) in hosts]
