# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Give containers the addresses of networks that have a pool: kept, as the task gives them, or from the pool. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ansible_collections.gantry.vsphere.plugins.module_utils._address_pool.holders import (
    choose_address,
    count_held,
    other_holder,
    recorded_elsewhere,
    taken_addresses,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._address_pool.model import (
    IPV4,
    VERSIONS,
    AddressedVm,
    AddressPool,
    AssignedAddress,
    NetworkProfile,
    bare_address,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError, raise_all
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import (
    DesiredContainer,
    Machine,
    ObservedContainer,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_values import NetworkOption
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.networks import static_address

# The profiles, and so the pools, by the MoIDs of their networks.
Profiles = Mapping[str, NetworkProfile]


@dataclass(frozen=True)
class _Need:
    """An address of one version that a container needs on one network.

    ``container`` is the index in the list of containers, ``network`` in its networks.
    """

    container: int
    network: int
    name: str
    option: NetworkOption
    version: int
    pool: AddressPool | None
    current: str | None
    own: frozenset[str]
    running: bool

    @property
    def given(self) -> str | None:
        static = self.option.static(self.version)
        return None if static is None else bare_address(static)

    @property
    def is_pooled(self) -> bool:
        """Return whether the pool is in charge of it: an address elsewhere that the task gives is the task's."""
        if self.pool is None or self.option.method(self.version) is not None:
            return False
        return self.given is None or self.pool.contains(self.given)

    @property
    def label(self) -> str:
        return f"networks[{self.network}].ipv{self.version}_address of container {self.name}"

    @property
    def keeps(self) -> bool:
        return self.current is not None and self.given in (None, self.current)

    def assigned(self, address: str) -> AssignedAddress:
        if self.pool is None:
            raise ValueError(f"{self.name} gets an address without a pool")
        return AssignedAddress(
            address,
            self.pool,
            self.network,
            fixed=self.given is not None,
            claimed=address != self.current,
            own=self.own,
        )


def needs_holders(
    wanted: Sequence[DesiredContainer], observed: Sequence[ObservedContainer], profiles: Profiles
) -> bool:
    """Return whether the holders must be known: for a new address, or to start a container with the one that it has."""
    return any(need.is_pooled and not (need.keeps and need.running) for need in _needs(wanted, observed, profiles))


def assign_addresses(
    wanted: Sequence[DesiredContainer],
    observed: Sequence[ObservedContainer],
    profiles: Profiles,
    vms: Sequence[AddressedVm],
) -> list[ObservedContainer]:
    """Add the addresses to the place of each container; raise GantryError for all that cannot be given together."""
    assignment = _Assignment(vms)
    needs = [_without_contested(need, vms) for need in _needs(wanted, observed, profiles)]
    # What the tasks give comes first, so that no other container is given it.
    for need in sorted(needs, key=lambda one: (not one.keeps, one.given is None)):
        assignment.add(need)
    raise_all([*assignment.problems, *assignment.exhausted()])
    result = list(observed)
    for index, one in enumerate(result):
        if one.place is not None:
            keys = sorted(key for key in assignment.found if key[0] == index)
            addresses = tuple(assignment.found[key] for key in keys)
            result[index] = replace(one, place=replace(one.place, addresses=addresses))
    return result


class _Assignment:
    """Assigns one address after the other."""

    def __init__(self, vms: Sequence[AddressedVm]) -> None:
        self._vms = vms
        self._taken: dict[AddressPool, dict[str, AddressedVm]] = {}
        self._lacking: dict[AddressPool, list[_Need]] = {}
        self.found: dict[tuple[int, int, int], AssignedAddress] = {}
        self.problems: list[GantryError] = []

    def add(self, need: _Need) -> None:
        pool = need.pool
        if pool is None or not need.is_pooled:
            static = need.option.static(need.version)
            if static is not None and "/" not in static:
                self.problems.append(_no_prefix(need, static))
            return
        taken = self._taken.setdefault(pool, taken_addresses(pool, self._vms))
        address = need.current if need.keeps else need.given or choose_address(pool, need.name, taken)
        if address is None:
            self._lacking.setdefault(pool, []).append(need)
            return
        if not need.keeps:
            holder = recorded_elsewhere(address, pool, self._vms, need.own) or other_holder(address, taken, need.own)
            if holder is not None or not pool.is_usable(address):
                self.problems.append(_not_available(need, address, holder))
                return
        taken[address] = AddressedVm(f"({need.name})", need.name, pool.networks, (address,))
        self.found[need.container, need.network, need.version] = need.assigned(address)

    def exhausted(self) -> Iterator[GantryError]:
        for pool, needs in self._lacking.items():
            taken = self._taken[pool]
            reported = sorted(
                f"{address} by {vm.name}"
                for address, vm in taken.items()
                if pool.gives(address) and address not in vm.recorded and vm.reported
            )
            name = "address" if pool.version == IPV4 else "IPv6 address"
            message = (
                f"The {name} pool of network {needs[0].option.name} has no free address for "
                f"{listed(need.name for need in needs)}: {count_held(pool, taken)} of its {pool.size} addresses are in "
                "use. Remove containers, or give the network a larger pool with container_network."
            )
            if reported:
                message += f" In use by VMs that are not containers of the pool: {listed(reported)}."
            yield GantryError(message, details={"containers": [need.name for need in needs]})


def _needs(
    wanted: Sequence[DesiredContainer], observed: Sequence[ObservedContainer], profiles: Profiles
) -> Iterator[_Need]:
    for index, (desired, one) in enumerate(zip(wanted, observed, strict=True)):
        if desired.config is None or one.place is None:
            continue
        machines = [machine for machine in one.machines if machine.ours]
        own = frozenset(machine.moid for machine in machines)
        for number, (option, network) in enumerate(zip(desired.config.networks, one.place.networks, strict=True)):
            profile = profiles.get(network.moid)
            running = bool(machines) and machines[0].running
            for version in VERSIONS:
                pool = None if profile is None else profile.pools.get(version)
                current = _current(machines[0], number, pool) if machines and pool is not None else None
                yield _Need(index, number, desired.name, option, version, pool, current, own, running)


def _without_contested(need: _Need, vms: Sequence[AddressedVm]) -> _Need:
    """Take from a container that is off an address that another one has too.

    The task that created its VM may have been killed before it made sure that no other VM has the address.
    """
    if need.running or need.current is None or need.pool is None:
        return need
    rival = recorded_elsewhere(need.current, need.pool, vms, need.own)
    return need if rival is None else replace(need, current=None)


def _current(machine: Machine, number: int, pool: AddressPool) -> str | None:
    """Return the address that a container holds on a network of the pool. A smaller range does not take it away."""
    networks = (machine.document or {}).get("networks") or ()
    if number >= len(networks) or number >= len(machine.adapters):
        return None
    interface = static_address(networks[number], pool.version)
    if interface is None or machine.adapters[number].network not in pool.networks:
        return None
    address = bare_address(interface)
    return address if pool.contains(address) else None


def _no_prefix(need: _Need, static: str) -> GantryError:
    length = 24 if need.version == IPV4 else 64
    return GantryError(
        f"{need.label} is {static}, which has no prefix length, and no address pool of network {need.option.name} "
        f"contains it. Write it with its prefix length, such as {static}/{length}, or give the network a pool with "
        "container_network."
    )


def _not_available(need: _Need, address: str, holder: AddressedVm | None) -> GantryError:
    message = f"{need.label} is {address}, which "
    if holder is None:
        message += "is the gateway, or the first or last address, of the network's subnet."
    elif address in holder.recorded:
        message += f"{holder.name} has on network {need.option.name}."
    else:
        message += f"the VM {holder.name} reports on network {need.option.name}."
    return GantryError(f"{message} Give another address, or leave it out to get a free one from the pool.")
