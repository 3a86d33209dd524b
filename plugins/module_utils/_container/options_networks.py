# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parse the networks of a container: the addresses and the MAC address of each adapter."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address, ip_interface
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._address_pool.model import IPV4, IPV6
from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.values import parse_address, parse_mac
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_names import parse_aliases
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_values import (
    AUTO,
    DHCP,
    DISABLED,
    NetworkOption,
)

# By the version of the addresses: their options, how the network itself gives one, and an example.
_ADDRESS = {IPV4: "ipv4_address", IPV6: "ipv6_address"}
_GATEWAY = {IPV4: "gateway", IPV6: "ipv6_gateway"}
_BY_NETWORK = {IPV4: DHCP, IPV6: AUTO}
_EXAMPLE = {IPV4: "10.0.0.5/24", IPV6: "fd00:20::5/64"}


def parse_networks(given: Any, _params: Mapping[str, Any]) -> tuple[NetworkOption, ...]:
    """Return the networks in the order of their adapters."""
    networks = tuple(_network(item, f"networks[{index}]") for index, item in enumerate(given))
    macs = [network.mac for network in networks if network.mac is not None]
    if len(set(macs)) != len(macs):
        raise GantryError("networks gives one mac_address to two adapters. Each needs its own.")
    return networks


def _network(item: Mapping[str, Any], option: str) -> NetworkOption:
    card = item.get("mac_address")
    return NetworkOption(
        name=item["name"],
        address=_parse_own(item, option, IPV4),
        gateway=_gateway(item, option, IPV4),
        mac=None if card is None else parse_mac(card, f"{option}.mac_address"),
        address6=_parse_own(item, option, IPV6),
        gateway6=_gateway(item, option, IPV6),
        aliases=parse_aliases(item.get("aliases"), f"{option}.aliases"),
    )


def _parse_own(item: Mapping[str, Any], option: str, version: int) -> str | None:
    """Return an address, with its prefix length if it is given, or the name of a method."""
    given = item.get(_ADDRESS[version])
    if given is None:
        return None
    text = given.strip()
    if text in (_BY_NETWORK[version], DISABLED):
        return str(text)
    try:
        found = ip_interface(text)
    except ValueError:
        found = None
    if found is None or found.version != version:
        raise GantryError(
            f"{option}.{_ADDRESS[version]} is {given!r}. Write an IPv{version} address with its prefix length, such as "
            f"{_EXAMPLE[version]}, or {_BY_NETWORK[version]} or {DISABLED}."
        )
    return found.with_prefixlen if "/" in text else str(found.ip)


def _gateway(item: Mapping[str, Any], option: str, version: int) -> str | None:
    """Return the gateway of a static address."""
    given, name = item.get(_GATEWAY[version]), f"{option}.{_GATEWAY[version]}"
    if given is None:
        return None
    gateway, address = ip_address(parse_address(given, name)), _parse_own(item, option, version)
    if address is None or address in (_BY_NETWORK[version], DISABLED):
        giver = "the server" if version == IPV4 else "the router"
        raise GantryError(
            f"{name} is given without {_ADDRESS[version]}. With {_BY_NETWORK[version].upper()} {giver} gives the "
            "gateway."
        )
    on_link = gateway.version == IPV6 and gateway.is_link_local
    if gateway.version != version or ("/" in address and not on_link and gateway not in ip_interface(address).network):
        raise GantryError(f"{name} {gateway} is not in the network of {address}.")
    return str(gateway)
