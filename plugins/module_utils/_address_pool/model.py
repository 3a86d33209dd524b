# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Address pools of networks, the VMs that hold addresses, and the addresses of containers. Pure data.

A pool is a network protocol profile of vCenter (IpPool). vCenter only stores it: that an address is taken is in the
record of the VM that has it, or is reported by the VM's guest. A profile has a pool of IPv4 addresses, one of IPv6
addresses, both or neither.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_interface
from typing import TypeAlias

Address: TypeAlias = "IPv4Address | IPv6Address"
Subnet: TypeAlias = "IPv4Network | IPv6Network"

IPV4, IPV6 = 4, 6
VERSIONS = (IPV4, IPV6)

# The property of a network that says which pool it has.
POOL_OF_NETWORK = "summary.ipPoolId"


@dataclass(frozen=True)
class AddressRange:
    """Addresses from the first to the last one, both included."""

    first: Address
    last: Address

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"

    @property
    def size(self) -> int:
        return int(self.last) - int(self.first) + 1

    def __contains__(self, address: object) -> bool:
        if not isinstance(address, (IPv4Address, IPv6Address)) or address.version != self.first.version:
            return False
        return int(self.first) <= int(address) <= int(self.last)


@dataclass(frozen=True)
class AddressPool:
    """The IPv4 or the IPv6 addresses of the networks with these MoIDs."""

    name: str
    subnet: IPv4Network | IPv6Network
    ranges: tuple[AddressRange, ...] = ()
    gateway: str | None = None
    dns_servers: tuple[str, ...] = ()
    networks: frozenset[str] = frozenset()
    # What the profile says of a DHCP server, which is left as it is.
    dhcp_server: bool | None = field(default=None, compare=False)

    @property
    def version(self) -> int:
        """Return 4 or 6."""
        return self.subnet.version

    @property
    def size(self) -> int:
        return sum(one.size for one in self.ranges)

    def contains(self, address: str) -> bool:
        """Return whether an address is in the subnet, given by the task or not."""
        return ip_address(address) in self.subnet

    def gives(self, address: str) -> bool:
        """Return whether an address is in the ranges."""
        number = ip_address(address)
        return any(number in one for one in self.ranges)

    def is_usable(self, address: str) -> bool:
        """Return whether a VM can have this address of the subnet."""
        return ip_address(address) in usable_range(self.subnet) and address != self.gateway

    def interface(self, address: str) -> str:
        """Return an address with the prefix length of the subnet."""
        return f"{address}/{self.subnet.prefixlen}"

    def addresses_from(self, number: int) -> Iterator[str]:
        """Yield all addresses of the ranges once, beginning with the one of this number."""
        for offset in range(self.size):
            yield self._address((number + offset) % self.size)

    def _address(self, number: int) -> str:
        for one in self.ranges:
            if number < one.size:
                return str(one.first + number)
            number -= one.size
        raise IndexError(number)


@dataclass(frozen=True)
class NetworkProfile:
    """A network protocol profile: the pools of its networks. ``id`` is None for one that does not exist yet."""

    name: str
    ipv4: AddressPool | None = None
    ipv6: AddressPool | None = None
    networks: frozenset[str] = frozenset()
    id: int | None = None

    @property
    def pools(self) -> dict[int, AddressPool]:
        """Return the pools by the version of their addresses."""
        return {pool.version: pool for pool in (self.ipv4, self.ipv6) if pool is not None}


def usable_range(subnet: Subnet) -> AddressRange:
    """Return the addresses for hosts.

    They are the subnet without its first address, which in IPv6 is the one of all routers, and in IPv4 without its
    last one, which is for broadcasts. The smallest subnets, of one or two addresses, can use all of them.
    """
    whole = subnet.max_prefixlen - subnet.prefixlen < 2
    first = subnet.network_address if whole else subnet.network_address + 1
    last = subnet.broadcast_address if whole or subnet.version == IPV6 else subnet.broadcast_address - 1
    return AddressRange(first, last)


@dataclass(frozen=True)
class AddressedVm:
    """A VM with the addresses in its record and those that its guest reports."""

    moid: str
    name: str
    networks: frozenset[str]
    recorded: tuple[str, ...] = ()
    reported: tuple[str, ...] = ()
    running: bool = False

    def is_on(self, networks: frozenset[str]) -> bool:
        """Return whether the VM is connected to one of the networks. Unknown counts as yes."""
        return not self.networks or bool(self.networks & networks)


@dataclass(frozen=True)
class AssignedAddress:
    """The address of a container on a network that has a pool; ``network`` is its index in those of the container.

    ``fixed``: the task gives it. ``claimed``: the container does not hold it yet. ``own`` are the MoIDs of the
    container's VMs: a VM and the one that replaces it have the same address.
    """

    address: str
    pool: AddressPool
    network: int = 0
    fixed: bool = False
    claimed: bool = True
    own: frozenset[str] = field(default=frozenset(), compare=False)


def bare_address(interface: str) -> str:
    """Return an address without its prefix length."""
    return str(ip_interface(interface).ip)
