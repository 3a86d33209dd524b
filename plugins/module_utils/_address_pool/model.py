# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Address pools of networks, the VMs that hold addresses, and the addresses of containers. Pure data.

A pool is a network protocol profile of vCenter (IpPool). vCenter only stores it: that an address is taken is in the
record of the VM that has it, or is reported by the VM's guest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

# The property of a network that says which pool it has.
POOL_OF_NETWORK = "summary.ipPoolId"


@dataclass(frozen=True)
class AddressRange:
    """Addresses from the first to the last one, both included."""

    first: IPv4Address
    last: IPv4Address

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"

    def __len__(self) -> int:
        return int(self.last) - int(self.first) + 1

    def __contains__(self, address: object) -> bool:
        return isinstance(address, IPv4Address) and self.first <= address <= self.last


@dataclass(frozen=True)
class AddressPool:
    """The addresses of the networks with these MoIDs. ``id`` is None for a pool that does not exist yet.

    A profile that allocates no IPv4 addresses has no subnet here.
    """

    name: str
    subnet: IPv4Network | None = None
    ranges: tuple[AddressRange, ...] = ()
    gateway: str | None = None
    dns_servers: tuple[str, ...] = ()
    networks: frozenset[str] = frozenset()
    id: int | None = None
    # What the profile says of a DHCP server, which is left as it is.
    dhcp_server: bool | None = field(default=None, compare=False)

    @property
    def size(self) -> int:
        return sum(len(one) for one in self.ranges)

    def contains(self, address: str) -> bool:
        """Return whether an address is in the subnet, given by the task or not."""
        return self.subnet is not None and IPv4Address(address) in self.subnet

    def gives(self, address: str) -> bool:
        """Return whether an address is in the ranges."""
        number = IPv4Address(address)
        return any(number in one for one in self.ranges)

    def is_usable(self, address: str) -> bool:
        """Return whether a VM can have this address of the subnet."""
        subnet = self.subnet
        return subnet is not None and IPv4Address(address) in usable_range(subnet) and address != self.gateway

    def interface(self, address: str) -> str:
        """Return an address with the prefix length of the subnet."""
        if self.subnet is None:
            raise ValueError(f"the pool {self.name} has no subnet")
        return f"{address}/{self.subnet.prefixlen}"

    def addresses_from(self, number: int) -> Iterator[str]:
        """Yield all addresses of the ranges once, beginning with the one of this number."""
        for offset in range(self.size):
            yield self._address((number + offset) % self.size)

    def _address(self, number: int) -> str:
        for one in self.ranges:
            if number < len(one):
                return str(one.first + number)
            number -= len(one)
        raise IndexError(number)


def usable_range(subnet: IPv4Network) -> AddressRange:
    """Return the subnet without its own address and the broadcast address, which only /31 and /32 can use."""
    edge = 1 if subnet.prefixlen < 31 else 0
    return AddressRange(subnet.network_address + edge, subnet.broadcast_address - edge)


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
    return str(IPv4Interface(interface).ip)
