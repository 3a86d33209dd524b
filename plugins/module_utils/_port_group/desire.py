# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the parameters of port_group to the desired port group. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._port_group.model import (
    ALL_VLANS,
    ALLOCATION,
    EPHEMERAL,
    HIGHEST_MTU,
    HIGHEST_VLAN,
    LOWEST_MTU,
    PORTS,
    SECURITY,
    VLAN,
    DesiredPortGroup,
    ranges_text,
)

_RANGE = re.compile(r"(\d+)(?:-(\d+))?")
_LONGEST_NAME = 80
_MOST_PORTS = 8192


def desire_port_group(params: Mapping[str, Any]) -> DesiredPortGroup:
    """Return the port group that a task describes, with the values that it gives."""
    distributed = params["type"] == "distributed"
    _refuse_options_of_other_type(params, distributed)
    name = params["name"]
    if not name.strip() or len(name) > _LONGEST_NAME:
        raise GantryError(f"name is {name!r}. The name of a port group must have 1 to {_LONGEST_NAME} characters.")
    return DesiredPortGroup(
        name=name,
        switch=params["switch"],
        distributed=distributed,
        hosts=None if params["hosts"] is None else _named(params["hosts"]),
        cluster=params["cluster"],
        datacenter=params["datacenter"],
        present=params["state"] == "present",
        values=_values(params, distributed),
        mtu=_mtu(params["mtu"]),
        assume_removed=frozenset(params["assume_removed"]),
    )


def _refuse_options_of_other_type(params: Mapping[str, Any], distributed: bool) -> None:
    for option in ("hosts", "cluster") if distributed else (ALLOCATION, PORTS):
        if params[option] is not None:
            raise GantryError(
                f"{option} is given, but it applies to {'standard' if distributed else 'distributed'} port groups "
                f"only, and type is {params['type']}. Leave it out, or change type."
            )


def _named(hosts: Sequence[str]) -> tuple[str, ...]:
    if not hosts:
        raise GantryError("hosts is empty, so the port group would be on no host. List hosts, or give cluster.")
    return tuple(dict.fromkeys(hosts))


def _values(params: Mapping[str, Any], distributed: bool) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if params["vlan"] is not None:
        values[VLAN] = _vlan(params["vlan"])
    elif params["trunk"] is not None:
        values[VLAN] = _trunk(params["trunk"], distributed)
    security = params["security"] or {}
    values.update({key: security[key] for key in SECURITY if security.get(key) is not None})
    if params[ALLOCATION] is not None:
        values[ALLOCATION] = params[ALLOCATION]
    if params[PORTS] is not None:
        values[PORTS] = _ports(params)
    return values


def _vlan(vlan: int) -> int:
    if not 0 <= vlan <= HIGHEST_VLAN:
        raise GantryError(
            f"vlan is {vlan}. A VLAN ID is a number from 1 to {HIGHEST_VLAN}, and 0 is untagged. For a port group that "
            f"carries all VLANs, write trunk: [{ALL_VLANS}]."
        )
    return vlan


def _trunk(texts: Sequence[str], distributed: bool) -> str:
    """Return the ranges in their order, with those that touch each other merged."""
    ranges: list[list[int]] = []
    for first, last in sorted(_range(text) for text in texts):
        if ranges and first <= ranges[-1][1] + 1:
            ranges[-1][1] = max(ranges[-1][1], last)
        else:
            ranges.append([first, last])
    if not ranges:
        raise GantryError("trunk is empty. List the VLAN IDs that it carries, such as 10-20.")
    text = ranges_text(ranges)
    if not distributed and text != ALL_VLANS:
        raise GantryError(
            f"trunk is {text}, but a standard port group carries one VLAN or all of them. Write vlan with one ID, "
            f"trunk: [{ALL_VLANS}], or use a distributed port group."
        )
    return text


def _range(text: str) -> tuple[int, int]:
    match = _RANGE.fullmatch(text.strip())
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
    if not first <= last <= HIGHEST_VLAN:
        raise GantryError(
            f"trunk has {text!r}, which is neither a VLAN ID from 0 to {HIGHEST_VLAN} nor a range of them such as "
            "10-20."
        )
    return first, last


def _mtu(mtu: int | None) -> int | None:
    if mtu is not None and not LOWEST_MTU <= mtu <= HIGHEST_MTU:
        raise GantryError(f"mtu is {mtu}. The MTU of a virtual switch is from {LOWEST_MTU} to {HIGHEST_MTU} bytes.")
    return mtu


def _ports(params: Mapping[str, Any]) -> int:
    ports = int(params[PORTS])
    if params[ALLOCATION] == EPHEMERAL:
        raise GantryError("ports is given, but a port group with port_allocation ephemeral creates ports as needed.")
    if not 1 <= ports <= _MOST_PORTS:
        raise GantryError(f"ports is {ports}. A distributed port group has 1 to {_MOST_PORTS} ports.")
    return ports
