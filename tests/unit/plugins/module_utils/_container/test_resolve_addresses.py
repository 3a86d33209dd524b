# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The addresses that a plan gives to containers, and those that it refuses."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._address_pool.model import (
    AddressedVm,
    AddressPool,
    AddressRange,
    NetworkProfile,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.encode_networks import recorded_addresses
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import (
    ContainerAdapter,
    DesiredContainer,
    Machine,
    ObservedContainer,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.plan import plan_containers
from ansible_collections.gantry.vsphere.plugins.module_utils._container.resolve_addresses import (
    assign_addresses,
    needs_holders,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.target import new_machine
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.networks import static_addresses
from tests.support.builders.containers import IMAGES, desired_container, place_of

POOL = AddressPool(
    "front",
    IPv4Network("10.0.0.0/24"),
    (AddressRange(IPv4Address("10.0.0.10"), IPv4Address("10.0.0.13")),),
    gateway="10.0.0.1",
    dns_servers=("10.0.0.2",),
    networks=frozenset({"front"}),
)
PROFILES = {"front": NetworkProfile("front", POOL, networks=POOL.networks)}


def profiles_of(pool: AddressPool) -> dict[str, NetworkProfile]:
    return {"front": NetworkProfile("front", pool, networks=pool.networks)}


def wanted(name: str, **network: Any) -> DesiredContainer:
    return desired_container(name=name, image="image:0", networks=[{"name": "front", **network}])


def observed(desired: DesiredContainer, machine: Machine | None = None) -> ObservedContainer:
    assert desired.config is not None
    return ObservedContainer(machine=machine, image=IMAGES[0], place=place_of(desired.config))


def assigned(containers: list[DesiredContainer], *vms: AddressedVm, profiles: Any = PROFILES) -> list[list[str]]:
    found = assign_addresses(containers, [observed(one) for one in containers], profiles, vms)
    return [[address.address for address in one.place.addresses] for one in found if one.place is not None]


def existing(desired: DesiredContainer, *, on: str = "front", profiles: Any = PROFILES) -> Machine:
    """Return the VM that a plan for this container has made."""
    assert desired.config is not None
    (one,) = assign_addresses([desired], [observed(desired)], profiles, [])
    assert one.place is not None
    machine = new_machine(desired, desired.config, desired.name, IMAGES[0], one.place)
    return replace(machine, moid="vm-1", power="poweredOn", adapters=(ContainerAdapter(4000, on, None),))


def test_all_containers_of_a_plan_have_different_addresses_and_those_of_the_task_come_first() -> None:
    found = assigned([wanted("a"), wanted("b"), wanted("c"), wanted("d", ipv4_address="10.0.0.11")])
    assert found[3] == ["10.0.0.11"]
    assert sorted(found) == [["10.0.0.10"], ["10.0.0.11"], ["10.0.0.12"], ["10.0.0.13"]]
    # An address outside of the subnet is the task's own.
    assert assigned([wanted("a", ipv4_address="10.9.0.1/24")]) == [[]]
    assert assigned([wanted("a")], profiles={}) == [[]]


def test_the_guest_gets_gateway_and_dns_servers_of_the_pool_unless_the_task_gives_them() -> None:
    document = existing(wanted("a", ipv4_address="10.0.0.11")).document or {}
    network = {"mac": None, "dhcp": False, "address": "10.0.0.11/24", "gateway": "10.0.0.1"}
    assert (document["networks"], document["dns"]["servers"]) == ([network], ["10.0.0.2"])
    own = desired_container(
        image="image:0",
        dns_servers=["9.9.9.9"],
        networks=[{"name": "front", "ipv4_address": "10.0.0.11/16", "gateway": "10.0.0.9"}],
    )
    document = existing(own).document or {}
    network = {"mac": None, "dhcp": False, "address": "10.0.0.11/16", "gateway": "10.0.0.9"}
    assert (document["networks"], document["dns"]["servers"]) == ([network], ["9.9.9.9"])


def test_a_container_keeps_its_address_in_the_subnet() -> None:
    desired = wanted("a")
    machine = existing(desired)
    (address,) = [text.removesuffix("/24") for text in static_addresses(machine.document, 4) if text]
    moved = replace(POOL, ranges=(AddressRange(IPv4Address("10.0.0.99"), IPv4Address("10.0.0.99")),))
    one = observed(desired, machine)
    assert not needs_holders([desired], [one], profiles_of(moved))
    (kept,) = assign_addresses([desired], [one], profiles_of(moved), [])
    assert kept.place is not None
    assert [(found.address, found.claimed) for found in kept.place.addresses] == [(address, False)]
    # Not in another subnet, and not on another network.
    only = IPv4Address("10.7.0.5")
    other = replace(POOL, subnet=IPv4Network("10.7.0.0/24"), ranges=(AddressRange(only, only),))
    (changed,) = assign_addresses([desired], [one], profiles_of(other), [])
    assert changed.place is not None
    assert [(found.address, found.claimed) for found in changed.place.addresses] == [("10.7.0.5", True)]
    assert needs_holders([desired], [observed(desired, existing(desired, on="back"))], PROFILES)


def test_a_container_that_is_off_gives_up_an_address_that_another_one_has_too() -> None:
    """A task that is killed right after it has created a VM has not looked for others with its address."""
    desired = wanted("a")
    machine = replace(existing(desired), power="poweredOff")
    (text,) = static_addresses(machine.document, 4)
    assert text is not None
    address = text.removesuffix("/24")
    own = AddressedVm("vm-1", "a", POOL.networks, recorded=(address,))
    other = AddressedVm("vm-5", "db", POOL.networks, recorded=(address,), running=True)
    one = observed(desired, machine)
    assert needs_holders([desired], [one], PROFILES)
    for vms in ([own, other], [other, own]):
        (changed,) = assign_addresses([desired], [one], PROFILES, vms)
        assert changed.place is not None
        (found,) = changed.place.claims
        assert found.address != address
        given = wanted("a", ipv4_address=address)
        with pytest.raises(GantryError, match="which db has on"):
            assign_addresses([given], [one], PROFILES, vms)
    (kept,) = assign_addresses([desired], [one], PROFILES, [own])
    assert kept.place is not None
    assert kept.place.claims == ()


def test_a_new_address_is_claimed_by_the_change_that_writes_it() -> None:
    desired = wanted("a")
    (created,) = assign_addresses([desired], [observed(desired)], PROFILES, [])
    assert created.place is not None
    plan = plan_containers([(desired, created)])
    claims = [claim for change in plan.changes for claim in getattr(change, "claims", ())]
    assert claims == list(created.place.addresses)
    assert not plan_containers([(desired, plan.project(created))]).changed


def test_taken_addresses_are_named() -> None:
    held = AddressedVm("vm-5", "db", POOL.networks, recorded=("10.0.0.10",))
    foreign = AddressedVm("vm-6", "old server", POOL.networks, reported=("10.0.0.11",))
    assert sorted(assigned([wanted("a"), wanted("b")], held, foreign)) == [["10.0.0.12"], ["10.0.0.13"]]
    with pytest.raises(GantryError) as caught:
        assigned([wanted(name) for name in ("a", "b", "c", "d")], held, foreign)
    assert caught.value.message == (
        "The address pool of network front has no free address for c, d: 4 of its 4 addresses are in use. Remove "
        "containers, or give the network a larger pool with container_network. In use by VMs that are not containers "
        "of the pool: 10.0.0.11 by old server."
    )
    for address, message in (("10.0.0.10", "which db has on"), ("10.0.0.11", "which the VM old server reports on")):
        with pytest.raises(GantryError, match=message):
            assigned([wanted("a", ipv4_address=address)], held, foreign)
    with pytest.raises(GantryError, match=r"container b is 10\.0\.0\.13, which a has on"):
        assigned([wanted(name, ipv4_address="10.0.0.13") for name in ("a", "b")])
    with pytest.raises(GantryError, match="has no prefix length"):
        assigned([wanted("a", ipv4_address="10.9.0.1")])


POOL6 = AddressPool(
    "front",
    IPv6Network("fd00:20::/64"),
    (AddressRange(IPv6Address("fd00:20::10"), IPv6Address("fd00:20::12")),),
    gateway="fd00:20::1",
    dns_servers=("fd00:20::53",),
    networks=POOL.networks,
)
BOTH = {"front": NetworkProfile("front", POOL, POOL6, networks=POOL.networks)}


def test_a_container_has_an_address_of_each_pool_of_its_network() -> None:
    desired = [wanted(name) for name in ("a", "b", "c")]
    found = assigned(desired, profiles=BOTH)
    assert sorted(one[1] for one in found) == ["fd00:20::10", "fd00:20::11", "fd00:20::12"]
    assert len({one[0] for one in found}) == 3
    document = existing(desired[0], profiles=BOTH).document or {}
    (v4, v6) = found[0]
    assert document["networks"] == [
        {
            "mac": None,
            "dhcp": False,
            "address": f"{v4}/24",
            "gateway": "10.0.0.1",
            "ipv6": {"mode": "static", "address": f"{v6}/64", "gateway": "fd00:20::1"},
        }
    ]
    assert document["dns"]["servers"] == ["10.0.0.2", "fd00:20::53"]
    assert recorded_addresses(document) == [v4, v6]


def test_an_exhausted_ipv6_pool_is_named_as_such() -> None:
    foreign = AddressedVm("vm-6", "old server", POOL.networks, reported=("fd00:20::12", "fd00:20::77"))
    with pytest.raises(GantryError) as caught:
        assigned([wanted(name) for name in ("a", "b", "c")], foreign, profiles=BOTH)
    assert caught.value.message == (
        "The IPv6 address pool of network front has no free address for c: 3 of its 3 addresses are in use. Remove "
        "containers, or give the network a larger pool with container_network. In use by VMs that are not containers "
        "of the pool: fd00:20::12 by old server."
    )


@pytest.mark.parametrize(
    ("network", "addresses", "guest"),
    [
        ({"ipv4_address": "dhcp", "ipv6_address": "auto"}, [], {"dhcp": True, "ipv6": {"mode": "auto"}}),
        ({"ipv4_address": "dhcp", "ipv6_address": "disabled"}, [], {"dhcp": True, "ipv6": {"mode": "disabled"}}),
        (
            {"ipv4_address": "disabled", "ipv6_address": "fd00:20::11"},
            ["fd00:20::11"],
            {"dhcp": False, "ipv6": {"mode": "static", "address": "fd00:20::11/64", "gateway": "fd00:20::1"}},
        ),
        (
            {"ipv4_address": "dhcp", "ipv6_address": "2001:db8::5/48", "ipv6_gateway": "fe80::1"},
            [],
            {"dhcp": True, "ipv6": {"mode": "static", "address": "2001:db8::5/48", "gateway": "fe80::1"}},
        ),
    ],
)
def test_a_task_says_how_an_adapter_gets_its_addresses(
    network: dict[str, Any], addresses: list[str], guest: dict[str, Any]
) -> None:
    desired = wanted("a", **network)
    assert assigned([desired], profiles=BOTH) == [addresses]
    document = existing(desired, profiles=BOTH).document or {}
    assert document["networks"] == [{"mac": None, **guest}]


def test_without_ipv4_the_guest_waits_for_ipv6() -> None:
    document = existing(wanted("a", ipv4_address="disabled"), profiles={}).document or {}
    assert document["networks"] == [{"mac": None, "dhcp": False, "ipv6": {"mode": "auto"}}]


def test_two_adapters_have_addresses_of_their_own_pools() -> None:
    back = replace(POOL, name="back", subnet=IPv4Network("10.1.0.0/24"), networks=frozenset({"back"}))
    only = IPv4Address("10.1.0.7")
    back = replace(back, ranges=(AddressRange(only, only),), gateway=None)
    profiles = {**BOTH, "back": NetworkProfile("back", back, networks=back.networks)}
    desired = desired_container(name="a", image="image:0", networks=[{"name": "back"}, {"name": "front"}])
    (one,) = assign_addresses([desired], [observed(desired)], profiles, [])
    assert one.place is not None
    assert [(found.network, found.pool.version) for found in one.place.addresses] == [(0, 4), (1, 4), (1, 6)]
    assert one.place.addresses[0].address == "10.1.0.7"
    second = replace(desired, name="b")
    with pytest.raises(GantryError, match="The address pool of network back has no free address for b: 1 of its 1"):
        assign_addresses([desired, second], [observed(desired), observed(second)], profiles, [])
