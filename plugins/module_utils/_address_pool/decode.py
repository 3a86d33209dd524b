# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decode vCenter's IP pools and the addresses of VMs. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._address_pool.model import (
    IPV4,
    IPV6,
    AddressedVm,
    AddressPool,
    AddressRange,
    NetworkProfile,
    Subnet,
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


def decode_profile(profile: Any) -> NetworkProfile:
    """Return a profile with the pools that it allocates addresses of."""
    name = decode_name(profile.name)
    associations = profile.networkAssociation or ()
    networks = frozenset(moid_of(one.network) for one in associations if one.network is not None)
    return NetworkProfile(
        name=name,
        ipv4=_pool(name, networks, profile.ipv4Config, IPV4),
        ipv6=_pool(name, networks, profile.ipv6Config, IPV6),
        networks=networks,
        id=int(profile.id),
    )


def _pool(name: str, networks: frozenset[str], config: Any, version: int) -> AddressPool | None:
    """Return a pool, or None. Other clients can write values that make no sense, which allocate nothing."""
    if config is None or not config.ipPoolEnabled:
        return None
    try:
        subnet = _subnet(config.subnetAddress, config.netmask)
        ranges = [_range(text) for text in (config.range or "").split(",") if text.strip()]
        gateway = str(ip_address(config.gateway)) if config.gateway else None
    except ValueError:
        return None
    if {subnet.version, *(one.first.version for one in ranges)} != {version}:
        return None
    return AddressPool(
        name=name,
        subnet=subnet,
        ranges=tuple(sorted(ranges, key=lambda one: int(one.first))),
        gateway=gateway,
        dns_servers=tuple(server for server in config.dns or () if server),
        networks=networks,
        dhcp_server=config.dhcpServerAvailable,
    )


def _subnet(address: str, netmask: str) -> Subnet:
    """Return a subnet. A mask of IPv6 is written as an address, which the standard library does not read."""
    mask = ip_address(netmask)
    if isinstance(mask, IPv4Address):
        return IPv4Network(f"{address}/{mask}")
    bits = f"{int(mask):0128b}"
    length = bits.count("1")
    if "1" in bits[length:]:
        raise ValueError(f"{netmask} is not a netmask")
    return IPv6Network(f"{address}/{length}")


def _range(text: str) -> AddressRange:
    first, _hash, length = text.partition("#")
    start = ip_address(first.strip())
    return AddressRange(start, start + (int(length) - 1))


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
        reported=tuple(filter(None, map(_global_address, reported))),
        running=str(row.get(POWER_PATH)) == "poweredOn",
    )


def _global_address(text: str) -> str | None:
    """Return an address as records have it; None for one that only its own link knows, and for what is no address."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return None if address.is_link_local else str(address)
