# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The choice of addresses from a pool, and the decoding of profiles that other clients may have written."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyVmomi import vim

from ansible_collections.gantry.vsphere.plugins.module_utils._address_pool.decode import (
    decode_profile,
    decode_vms,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._address_pool.holders import (
    choose_address,
    count_free,
    count_held,
    other_holder,
    taken_addresses,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._address_pool.model import (
    AddressedVm,
    AddressPool,
    AddressRange,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.collector import Row

NETWORKS = frozenset({"net0"})
NETWORK = vim.Network("network-7")


def pool_of(*ranges: tuple[str, str], gateway: str | None = None) -> AddressPool:
    parts = tuple(AddressRange(IPv4Address(first), IPv4Address(last)) for first, last in ranges)
    return AddressPool("front", IPv4Network("10.0.0.0/24"), parts, gateway, networks=NETWORKS)


@given(names=st.lists(st.text(), min_size=8, max_size=8, unique=True))
def test_a_pool_is_given_out_completely_and_no_address_twice(names: list[str]) -> None:
    pool = pool_of(("10.0.0.0", "10.0.0.4"), ("10.0.0.9", "10.0.0.12"), gateway="10.0.0.2")
    taken: set[str] = set()
    for name in names[:7]:
        address = choose_address(pool, name, taken)
        assert address is not None
        assert (count_free(pool, taken), count_held(pool, taken)) == (7 - len(taken), len(taken))
        assert choose_address(pool, name, taken) == address
        taken.add(address)
    # Neither the address of the subnet nor that of the gateway.
    assert taken == {f"10.0.0.{number}" for number in (1, 3, 4, 9, 10, 11, 12)}
    assert choose_address(pool, names[7], taken) is None
    # One outside of the ranges does not count.
    assert (count_free(pool, {*taken, "10.0.0.200"}), count_held(pool, {*taken, "10.0.0.200"})) == (0, 7)


def test_a_record_takes_precedence_over_a_report_and_other_networks_do_not_count() -> None:
    vms = [
        AddressedVm("vm-1", "foreign", NETWORKS, reported=("10.0.0.5", "10.0.0.6")),
        AddressedVm("vm-2", "web", NETWORKS, recorded=("10.0.0.5",)),
        AddressedVm("vm-3", "elsewhere", frozenset({"net1"}), recorded=("10.0.0.7",)),
        AddressedVm("vm-4", "unknown", frozenset(), recorded=("10.0.0.8",)),
    ]
    taken = taken_addresses(pool_of(), vms)
    assert {address: vm.name for address, vm in taken.items()} == {
        "10.0.0.5": "web",
        "10.0.0.6": "foreign",
        "10.0.0.8": "unknown",
    }
    assert other_holder("10.0.0.5", taken, {"vm-2"}) is None
    assert other_holder("10.0.0.5", taken, ()) == vms[1]


def row(moid: str, values: dict[str, Any]) -> Row:
    properties = [SimpleNamespace(name=name, val=value) for name, value in values.items()]
    return Row(vim.VirtualMachine(moid), properties)


def profile(**config: Any) -> Any:
    values = {
        "subnetAddress": "10.0.0.0",
        "netmask": "255.255.255.0",
        "range": "10.0.0.30 # 3,10.0.0.10#1",
        "ipPoolEnabled": True,
        **config,
    }
    return vim.vApp.IpPool(
        id=3,
        name="a%2fb",
        ipv4Config=vim.vApp.IpPool.IpPoolConfigInfo(**values),
        networkAssociation=[vim.vApp.IpPool.Association(network=vim.Network("network-7"), networkName="web")],
    )


def test_a_profile_is_a_pool() -> None:
    decoded = decode_profile(profile(gateway="10.0.0.1", dns=["", "10.0.0.2"]))
    pool = decoded.ipv4
    assert pool is not None
    assert (decoded.id, decoded.ipv6, decoded.pools) == (3, None, {4: pool})
    assert (pool.name, pool.networks, pool.gateway) == ("a/b", frozenset({"network-7"}), "10.0.0.1")
    assert ([str(one) for one in pool.ranges], pool.size) == (["10.0.0.10", "10.0.0.30-10.0.0.32"], 4)
    assert (pool.dns_servers, pool.interface("10.0.0.30")) == (("10.0.0.2",), "10.0.0.30/24")


@pytest.mark.parametrize(
    "config",
    [
        {"ipPoolEnabled": False},
        {"netmask": "10.10.10.255"},
        {"subnetAddress": ""},
        {"subnetAddress": "10.0.0.7"},
        {"range": "10.0.0.1-10.0.0.5"},
        {"range": "10.0.0.1#many"},
        {"range": "fd00::1#4"},
        {"subnetAddress": "fd00::", "netmask": "ffff:ffff:ffff:ffff::", "range": "fd00::1#4"},
        {"gateway": "router"},
    ],
)
def test_a_profile_that_gives_no_addresses_has_no_pool(config: dict[str, Any]) -> None:
    assert decode_profile(profile(**config)).pools == {}


def ipv6_profile(**config: Any) -> Any:
    values = {
        "subnetAddress": "fd00:20:0:0::",
        "netmask": "ffff:ffff:ffff:ffff::",
        "range": "fd00:20::10 # 20, fd00:20::1#2",
        "gateway": "fd00:0020::1",
        "dns": ["fd00:20::53"],
        "ipPoolEnabled": True,
        **config,
    }
    made = profile(ipPoolEnabled=False)
    made.ipv6Config = vim.vApp.IpPool.IpPoolConfigInfo(**values)
    return made


def test_a_profile_has_a_pool_of_ipv6_addresses() -> None:
    (pool,) = decode_profile(ipv6_profile()).pools.values()
    assert ([str(one) for one in pool.ranges], pool.size) == (["fd00:20::1-fd00:20::2", "fd00:20::10-fd00:20::23"], 22)
    assert (pool.version, pool.gateway, pool.dns_servers) == (6, "fd00:20::1", ("fd00:20::53",))
    assert pool.interface("fd00:20::10") == "fd00:20::10/64"
    # The gateway is none of them, whatever was written.
    assert count_free(pool, {"fd00:20::10", "fd00:20::ffff"}) == 20
    taken: set[str] = set()
    while (address := choose_address(pool, "web", taken)) is not None:
        taken.add(address)
    assert len(taken) == 21
    assert "fd00:20::1" not in taken
    assert pool.contains("fd00:20::9999")
    assert not pool.contains("10.0.0.5")
    assert not pool.gives("10.0.0.5")


@pytest.mark.parametrize("netmask", ["ffff:0:ffff::", "64", "", "255.255.255.0"])
def test_a_netmask_of_ipv6_is_an_address_without_gaps(netmask: str) -> None:
    assert decode_profile(ipv6_profile(netmask=netmask)).pools == {}


def test_addresses_of_vms_are_recorded_or_reported() -> None:
    nics = [vim.vm.GuestInfo.NicInfo(connected=True, deviceConfigId=1, ipAddress=["10.0.0.9", "fe80::1", "FD00::9"])]
    option = vim.option.OptionValue(key="gantry.addresses", value="10.0.0.5 10.1.0.5")
    rows = [
        row("vm-1", {"name": "idle"}),
        row("vm-2", {"name": "web", 'config.extraConfig["gantry.addresses"]': option, "network": [NETWORK]}),
        row("vm-3", {"name": "db", "guest.net": nics, "runtime.powerState": "poweredOn"}),
    ]
    assert decode_vms(rows) == [
        AddressedVm("vm-2", "web", frozenset({"network-7"}), recorded=("10.0.0.5", "10.1.0.5")),
        AddressedVm("vm-3", "db", frozenset(), reported=("10.0.0.9", "fd00::9"), running=True),
    ]
