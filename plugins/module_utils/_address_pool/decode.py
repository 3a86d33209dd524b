# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decode vCenter's IP pools and the addresses of VMs. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._address_pool.model import (
    AddressedVm,
    AddressPool,
    AddressRange,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._guest import keys
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.paths import decode_name
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_of

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.collector import Row

RECORD_PATH = keys.option_path(keys.ADDRESSES)
NETWORK_PATH, GUEST_PATH, POWER_PATH = "network", "guest.net", "runtime.powerState"
# What says which addresses are taken, and only what is taken for containers.
ALL_PATHS = ("name", RECORD_PATH, NETWORK_PATH, POWER_PATH, GUEST_PATH)
RECORD_PATHS = ("name", RECORD_PATH, NETWORK_PATH, POWER_PATH)


def decode_pool(pool: Any) -> AddressPool:
    """Return a profile as a pool; without a subnet if it allocates no IPv4 addresses, or cannot."""
    config = pool.ipv4Config
    subnet, ranges = _allocation(config)
    networks = [moid_of(one.network) for one in pool.networkAssociation or () if one.network is not None]
    return AddressPool(
        name=decode_name(pool.name),
        subnet=subnet,
        ranges=ranges,
        gateway=(config.gateway or None) if config is not None else None,
        dns_servers=tuple(server for server in config.dns or () if server) if config is not None else (),
        networks=frozenset(networks),
        id=int(pool.id),
        dhcp_server=None if config is None else config.dhcpServerAvailable,
    )


def _allocation(config: Any) -> tuple[IPv4Network | None, tuple[AddressRange, ...]]:
    """Return subnet and ranges. Other clients can write values that make no sense, which allocate nothing."""
    if config is None or not config.ipPoolEnabled:
        return None, ()
    try:
        subnet = IPv4Network(f"{config.subnetAddress}/{config.netmask}")
        ranges = [_range(text) for text in (config.range or "").split(",") if text.strip()]
    except ValueError:
        return None, ()
    return subnet, tuple(sorted(ranges, key=lambda one: one.first))


def _range(text: str) -> AddressRange:
    first, _hash, length = text.partition("#")
    start = IPv4Address(first.strip())
    return AddressRange(start, start + int(length) - 1)


def decode_vms(rows: Iterable[Row]) -> list[AddressedVm]:
    """Return the VMs that have addresses."""
    found = []
    for row in rows:
        recorded = keys.decode_addresses(keys.option(row, keys.ADDRESSES))
        reported = [address for nic in row.get(GUEST_PATH) or () for address in nic.ipAddress or ()]
        if recorded or reported:
            found.append(_vm(row, recorded, reported))
    return found


def _vm(row: Row, recorded: Iterable[str], reported: Iterable[str]) -> AddressedVm:
    return AddressedVm(
        moid=row.moid,
        name=decode_name(str(row.get("name", ""))),
        networks=frozenset(moid_of(network) for network in row.get(NETWORK_PATH) or ()),
        recorded=tuple(recorded),
        reported=tuple(address for address in reported if _is_ipv4(address)),
        running=str(row.get(POWER_PATH)) == "poweredOn",
    )


def _is_ipv4(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).version == 4
    except ValueError:
        return False
