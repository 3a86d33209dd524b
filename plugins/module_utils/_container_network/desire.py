# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the parameters of a task to the desired network. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._address_pool.model import (
    AddressPool,
    AddressRange,
    usable_range,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container_network.model import (
    DesiredNetwork,
    NetworkQuery,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._port_group.desire import desire_port_group


def desire_network(params: Mapping[str, Any]) -> DesiredNetwork:
    """Return the port group and the pool that a task describes."""
    port_group = desire_port_group(params)
    given = params["ipv4"]
    if given is None or not port_group.present:
        return DesiredNetwork(port_group)
    return DesiredNetwork(port_group, _pool(port_group.name, given))


def desire_networks(params: Mapping[str, Any]) -> NetworkQuery:
    """Return the networks that a task asks for."""
    names = params["name"]
    return NetworkQuery(None if names is None else tuple(names), params["datacenter"])


def _pool(name: str, given: Mapping[str, Any]) -> AddressPool:
    subnet = _subnet(given["subnet"])
    gateway = None if given["gateway"] is None else _address(given["gateway"], "ipv4.gateway")
    if gateway is not None and gateway not in usable_range(subnet):
        raise GantryError(
            f"The gateway {gateway} in ipv4 is not an address for hosts in the subnet {subnet}. Correct one of them."
        )
    excluded = [_range(text, "ipv4.exclude", subnet) for text in given["exclude"] or ()]
    if gateway is not None:
        excluded.append(AddressRange(gateway, gateway))
    ranges = [_range(text, "ipv4.ip_range", subnet) for text in given["ip_range"] or ()] or [usable_range(subnet)]
    free = _without(_merged(ranges), excluded, usable_range(subnet))
    if not free:
        raise GantryError(
            f"The pool in ipv4 of network {name} has no address for containers: exclude and gateway take all of "
            f"ip_range in {subnet}. Give a larger subnet or ip_range."
        )
    return AddressPool(
        name=name,
        subnet=subnet,
        ranges=tuple(free),
        gateway=None if gateway is None else str(gateway),
        dns_servers=tuple(str(_address(server, "ipv4.dns_servers")) for server in given["dns_servers"] or ()),
    )


def _subnet(text: str) -> IPv4Network:
    try:
        if "/" not in text:
            raise ValueError(text)
        return IPv4Network(text.strip())
    except ValueError as error:
        raise GantryError(
            f"The subnet in ipv4 is {text!r}. Write the first address of an IPv4 subnet with its prefix length, "
            "such as 10.20.0.0/24."
        ) from error


def _address(text: str, option: str) -> IPv4Address:
    try:
        return IPv4Address(text.strip())
    except ValueError as error:
        raise GantryError(f"{option} is {text!r}, which is not an IPv4 address such as 10.20.0.1.") from error


def _range(text: str, option: str, subnet: IPv4Network) -> AddressRange:
    """Return a range that is written as an address, as two of them with a dash, or as a subnet."""
    try:
        if "/" in text:
            part = IPv4Network(text.strip())
            found = AddressRange(part.network_address, part.broadcast_address)
        else:
            first, _dash, last = text.partition("-")
            start = IPv4Address(first.strip())
            found = AddressRange(start, IPv4Address(last.strip()) if last else start)
        if found.first > found.last:
            raise ValueError(text)
    except ValueError as error:
        raise GantryError(
            f"{option} has {text!r}. Write an IPv4 address, a range such as 10.20.0.10-10.20.0.99, or a subnet such as "
            "10.20.0.128/25."
        ) from error
    if found.first not in subnet or found.last not in subnet:
        raise GantryError(f"{option} has {text!r}, which is not in the subnet {subnet}. Correct one of them.")
    return found


def _merged(ranges: Iterable[AddressRange]) -> list[AddressRange]:
    """Return the ranges in their order, with those that touch each other merged."""
    merged: list[AddressRange] = []
    for one in sorted(ranges, key=lambda part: part.first):
        if merged and int(one.first) <= int(merged[-1].last) + 1:
            merged[-1] = AddressRange(merged[-1].first, max(merged[-1].last, one.last))
        else:
            merged.append(one)
    return merged


def _without(
    ranges: Sequence[AddressRange], excluded: Iterable[AddressRange], within: AddressRange
) -> list[AddressRange]:
    """Return the ranges without the excluded ones, and without what is not within the usable addresses."""
    left = [
        AddressRange(max(one.first, within.first), min(one.last, within.last))
        for one in ranges
        if one.first <= within.last and one.last >= within.first
    ]
    for hole in excluded:
        parts = []
        for one in left:
            if hole.last < one.first or hole.first > one.last:
                parts.append(one)
                continue
            if one.first < hole.first:
                parts.append(AddressRange(one.first, ipaddress.IPv4Address(int(hole.first) - 1)))
            if hole.last < one.last:
                parts.append(AddressRange(ipaddress.IPv4Address(int(hole.last) + 1), one.last))
        left = parts
    return left
