# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parse an address pool of a task: its subnet, and the addresses of it that containers get."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._address_pool.model import (
    IPV4,
    IPV6,
    Address,
    AddressPool,
    AddressRange,
    Subnet,
    usable_range,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError

# The most addresses of an IPv6 pool. A subnet of IPv6 has more than vCenter can count, and than a network has VMs.
MOST_IPV6 = 65536


@dataclass(frozen=True)
class _Family:
    """How addresses of one version are read, and examples for messages."""

    version: int
    address: type[Address]
    subnet: type[Subnet]
    examples: tuple[str, str, str, str]

    @property
    def option(self) -> str:
        return f"ipv{self.version}"


_FAMILIES = {
    IPV4: _Family(
        4, IPv4Address, IPv4Network, ("10.20.0.0/24", "10.20.0.1", "10.20.0.10-10.20.0.99", "10.20.0.128/25")
    ),
    IPV6: _Family(
        6, IPv6Address, IPv6Network, ("fd00:20::/64", "fd00:20::1", "fd00:20::10-fd00:20::99", "fd00:20::100/120")
    ),
}


def desire_pool(name: str, given: Mapping[str, Any] | None, version: int) -> AddressPool | None:
    """Return the pool of a network that a task gives, or None."""
    if given is None:
        return None
    family = _FAMILIES[version]
    option, subnet = family.option, _subnet(given["subnet"], family)
    gateway = None if given["gateway"] is None else _address(given["gateway"], f"{option}.gateway", family)
    if gateway is not None and gateway not in usable_range(subnet):
        raise GantryError(
            f"The gateway {gateway} in {option} is not an address for hosts in the subnet {subnet}. Correct one of "
            "them."
        )
    excluded = [_range(text, f"{option}.exclude", subnet, family) for text in given["exclude"] or ()]
    if gateway is not None:
        excluded.append(AddressRange(gateway, gateway))
    ranges = [_range(text, f"{option}.ip_range", subnet, family) for text in given["ip_range"] or ()]
    free = _without(_merged(ranges or [_whole(subnet)]), excluded, usable_range(subnet))
    if not free:
        raise GantryError(
            f"The pool in {option} of network {name} has no address for containers: exclude and gateway take all of "
            f"ip_range in {subnet}. Give a larger subnet or ip_range."
        )
    _check_size(name, free, family)
    return AddressPool(
        name=name,
        subnet=subnet,
        ranges=tuple(free),
        gateway=None if gateway is None else str(gateway),
        dns_servers=tuple(
            str(_address(server, f"{option}.dns_servers", family)) for server in given["dns_servers"] or ()
        ),
    )


def _check_size(name: str, ranges: Sequence[AddressRange], family: _Family) -> None:
    size = sum(one.size for one in ranges)
    if family.version != IPV4 and size > MOST_IPV6:
        raise GantryError(
            f"The pool in {family.option} of network {name} has {size} addresses for containers, and at most "
            f"{MOST_IPV6} are possible. Give a smaller ip_range, such as {family.examples[2]}."
        )


def _whole(subnet: Subnet) -> AddressRange:
    """Return the addresses for hosts, of IPv6 only the first ones."""
    usable = usable_range(subnet)
    if subnet.version == IPV4 or usable.size <= MOST_IPV6:
        return usable
    return AddressRange(usable.first, subnet.network_address + (MOST_IPV6 - 1))


def _subnet(text: str, family: _Family) -> Subnet:
    try:
        if "/" not in text:
            raise ValueError(text)
        return family.subnet(text.strip())
    except ValueError as error:
        raise GantryError(
            f"The subnet in {family.option} is {text!r}. Write the first address of an IPv{family.version} subnet with "
            f"its prefix length, such as {family.examples[0]}."
        ) from error


def _address(text: str, option: str, family: _Family) -> Address:
    try:
        return family.address(text.strip())
    except ValueError as error:
        raise GantryError(
            f"{option} is {text!r}, which is not an IPv{family.version} address such as {family.examples[1]}."
        ) from error


def _range(text: str, option: str, subnet: Subnet, family: _Family) -> AddressRange:
    """Return a range that is written as an address, as two of them with a dash, or as a subnet."""
    try:
        if "/" in text:
            part = family.subnet(text.strip())
            found = AddressRange(part.network_address, part.broadcast_address)
        else:
            first, _dash, last = text.partition("-")
            start = family.address(first.strip())
            found = AddressRange(start, family.address(last.strip()) if last else start)
        if found.size < 1:
            raise ValueError(text)
    except ValueError as error:
        raise GantryError(
            f"{option} has {text!r}. Write an IPv{family.version} address, a range such as {family.examples[2]}, or a "
            f"subnet such as {family.examples[3]}."
        ) from error
    if found.first not in subnet or found.last not in subnet:
        raise GantryError(f"{option} has {text!r}, which is not in the subnet {subnet}. Correct one of them.")
    return found


def _merged(ranges: Iterable[AddressRange]) -> list[AddressRange]:
    """Return the ranges in their order, with those that touch each other merged."""
    merged: list[AddressRange] = []
    for one in sorted(ranges, key=lambda part: int(part.first)):
        if merged and int(one.first) <= int(merged[-1].last) + 1:
            merged[-1] = AddressRange(merged[-1].first, max(merged[-1].last, one.last, key=int))
        else:
            merged.append(one)
    return merged


def _without(
    ranges: Sequence[AddressRange], excluded: Iterable[AddressRange], within: AddressRange
) -> list[AddressRange]:
    """Return the ranges without the excluded ones, and without what is not within the usable addresses."""
    left = [_common(one, within) for one in ranges]
    for hole in excluded:
        parts: list[AddressRange] = []
        for one in left:
            if _common(one, hole).size < 1:
                parts.append(one)
                continue
            if int(one.first) < int(hole.first):
                parts.append(AddressRange(one.first, hole.first - 1))
            if int(hole.last) < int(one.last):
                parts.append(AddressRange(hole.last + 1, one.last))
        left = parts
    return [one for one in left if one.size > 0]


def _common(one: AddressRange, other: AddressRange) -> AddressRange:
    """Return what two ranges have in common, which has no size if that is nothing."""
    return AddressRange(max(one.first, other.first, key=int), min(one.last, other.last, key=int))
