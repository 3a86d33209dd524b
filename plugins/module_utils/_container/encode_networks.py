# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Encode the networks of the guest document, and the addresses of it that the VM's record has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._address_pool.model import (
    IPV4,
    IPV6,
    VERSIONS,
    AssignedAddress,
    bare_address,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_values import (
    AUTO,
    DISABLED,
    NetworkOption,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.networks import static_addresses

_STATIC = "static"


def encode_network(network: NetworkOption, assigned: Mapping[int, AssignedAddress]) -> dict[str, Any]:
    """Return the fields of an adapter. ``assigned`` are its addresses of pools, by their versions."""
    return {**_ipv4(network, assigned.get(IPV4)), **_ipv6(network, assigned.get(IPV6))}


def _ipv4(network: NetworkOption, assigned: AssignedAddress | None) -> dict[str, Any]:
    static = _static(network, assigned, IPV4)
    if static is not None:
        return {"dhcp": False, **static}
    return {"dhcp": network.method(IPV4) != DISABLED}


def _ipv6(network: NetworkOption, assigned: AssignedAddress | None) -> dict[str, Any]:
    """Return the field of IPv6. Without it the guest takes what routers advertise, and does not wait for them."""
    static, mode = _static(network, assigned, IPV6), network.method(IPV6)
    if static is not None:
        return {"ipv6": {"mode": _STATIC, **static}}
    if mode is None and network.method(IPV4) == DISABLED:
        mode = AUTO
    return {} if mode is None else {"ipv6": {"mode": mode}}


def _static(network: NetworkOption, assigned: AssignedAddress | None, version: int) -> dict[str, Any] | None:
    """Return a static address with its gateway; prefix length and gateway of the task take precedence over the pool."""
    given, gateway = network.static(version), network.router(version)
    if assigned is not None:
        with_length = given is not None and "/" in given
        address = given if with_length else assigned.pool.interface(assigned.address)
        return {"address": address, "gateway": gateway or assigned.pool.gateway}
    return None if given is None else {"address": given, "gateway": gateway}


def with_address(network: Mapping[str, Any], claim: AssignedAddress, address: str | None) -> dict[str, Any]:
    """Return an adapter's fields with another address of the claim's pool, or with none, as if there were no pool."""
    changed = None if address is None else claim.pool.interface(address)
    if claim.pool.version == IPV6:
        others = {name: value for name, value in network.items() if name != "ipv6"}
        return others if changed is None else {**others, "ipv6": {**network["ipv6"], "address": changed}}
    if changed is not None:
        return {**network, "address": changed}
    return {
        "dhcp": True,
        **{name: value for name, value in network.items() if name not in ("dhcp", "address", "gateway")},
    }


def dns_servers(addresses: Sequence[AssignedAddress]) -> list[str]:
    """Return the servers of the pools, each once, in the order of the networks."""
    return list(dict.fromkeys(server for address in addresses for server in address.pool.dns_servers))


def recorded_addresses(document: Mapping[str, Any] | None) -> list[str]:
    """Return the addresses of a guest document, without those that its networks give."""
    found = [address for version in VERSIONS for address in static_addresses(document, version)]
    return [bare_address(address) for address in found if address is not None]
