# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The address pool of a task."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gantry.vsphere.plugins.module_utils._address_pool.model import AddressPool
from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container_network.desire import desire_network
from ansible_collections.gantry.vsphere.plugins.module_utils._container_network.options import network_argument_spec


def pool_of(**ipv4: Any) -> AddressPool:
    unset = {name: option.get("default") for name, option in network_argument_spec().items()}
    given = {"subnet": "10.20.0.0/24", "gateway": None, "ip_range": None, "exclude": None, "dns_servers": None, **ipv4}
    pool = desire_network({**unset, "name": "web", "switch": "DS", "ipv4": given}).ipv4
    assert pool is not None
    return pool


def ipv6_pool_of(**ipv6: Any) -> AddressPool:
    unset = {name: option.get("default") for name, option in network_argument_spec().items()}
    given = {"subnet": "fd00:20::/64", "gateway": None, "ip_range": None, "exclude": None, "dns_servers": None, **ipv6}
    desired = desire_network({**unset, "name": "web", "switch": "DS", "ipv6": given})
    assert (desired.ipv4, desired.ipv6 is not None) == (None, True)
    return desired.pools[6]


@pytest.mark.parametrize(
    ("options", "ranges"),
    [
        # Of a large subnet the first addresses, and never the one of all routers.
        ({}, ["fd00:20::1-fd00:20::ffff"]),
        ({"gateway": "fd00:20::1"}, ["fd00:20::2-fd00:20::ffff"]),
        ({"subnet": "fd00:20::/127"}, ["fd00:20::-fd00:20::1"]),
        ({"subnet": "fd00:20::/126"}, ["fd00:20::1-fd00:20::3"]),
        ({"ip_range": ["fd00:20::1:0/112"]}, ["fd00:20::1:0-fd00:20::1:ffff"]),
        (
            {"ip_range": ["FD00:20::10-fd00:20::30"], "exclude": ["fd00:20::20", "fd00:20::28/125"]},
            ["fd00:20::10-fd00:20::1f", "fd00:20::21-fd00:20::27", "fd00:20::30"],
        ),
    ],
)
def test_the_ranges_of_an_ipv6_pool(options: dict[str, Any], ranges: list[str]) -> None:
    assert [str(one) for one in ipv6_pool_of(**options).ranges] == ranges


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"subnet": "10.20.0.0/24"}, "The subnet in ipv6 .* such as fd00:20::/64"),
        ({"gateway": "fd00:21::1"}, "not an address for hosts"),
        ({"gateway": "10.20.0.1"}, "ipv6.gateway is '10.20.0.1', which is not an IPv6 address"),
        ({"ip_range": ["10.20.0.1"]}, "ipv6.ip_range has"),
        ({"ip_range": ["fd00:20::/64"]}, "at most 65536 are possible"),
        ({"exclude": ["fd00:20::/64"]}, "has no address for containers"),
    ],
)
def test_what_is_no_ipv6_pool_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(GantryError, match=message):
        ipv6_pool_of(**options)


@pytest.mark.parametrize(
    ("options", "ranges"),
    [
        ({}, ["10.20.0.1-10.20.0.254"]),
        ({"gateway": "10.20.0.1"}, ["10.20.0.2-10.20.0.254"]),
        ({"subnet": "10.20.0.0/31"}, ["10.20.0.0-10.20.0.1"]),
        ({"ip_range": ["10.20.0.128/25"]}, ["10.20.0.128-10.20.0.254"]),
        ({"ip_range": ["10.20.0.9", "10.20.0.4-10.20.0.8", "10.20.0.20"]}, ["10.20.0.4-10.20.0.9", "10.20.0.20"]),
        (
            {"ip_range": ["10.20.0.10-10.20.0.30"], "exclude": ["10.20.0.20", "10.20.0.25-10.20.0.40"]},
            ["10.20.0.10-10.20.0.19", "10.20.0.21-10.20.0.24"],
        ),
    ],
)
def test_the_ranges_of_a_pool(options: dict[str, Any], ranges: list[str]) -> None:
    assert [str(one) for one in pool_of(**options).ranges] == ranges


@given(
    included=st.lists(st.tuples(st.integers(0, 15), st.integers(0, 15)).map(sorted), min_size=1, max_size=4),
    excluded=st.lists(st.tuples(st.integers(0, 15), st.integers(0, 15)).map(sorted), max_size=4),
    gateway=st.integers(1, 14),
)
def test_a_pool_has_exactly_what_is_included_and_not_excluded(
    included: list[list[int]], excluded: list[list[int]], gateway: int
) -> None:
    def texts(ranges: list[list[int]]) -> list[str]:
        return [f"10.20.0.{first}-10.20.0.{last}" for first, last in ranges]

    def numbers(ranges: list[list[int]]) -> set[int]:
        return {number for first, last in ranges for number in range(first, last + 1)}

    expected = (numbers(included) - numbers(excluded) - {gateway}) & set(range(1, 15))
    options = {"ip_range": texts(included), "exclude": texts(excluded), "gateway": f"10.20.0.{gateway}"}
    if not expected:
        with pytest.raises(GantryError, match="has no address for containers"):
            pool_of(subnet="10.20.0.0/28", **options)
        return
    pool = pool_of(subnet="10.20.0.0/28", **options)
    assert list(pool.addresses_from(0)) == [f"10.20.0.{number}" for number in sorted(expected)]
    assert pool.subnet == IPv4Network("10.20.0.0/28")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"subnet": "10.20.0.0"}, "The subnet in ipv4"),
        ({"subnet": "10.20.0.1/24"}, "The subnet in ipv4"),
        ({"subnet": "fd00::/64"}, "The subnet in ipv4"),
        ({"gateway": "10.30.0.1"}, "not an address for hosts"),
        ({"gateway": "10.20.0.255"}, "not an address for hosts"),
        ({"ip_range": ["10.20.0.9-10.20.0.3"]}, "ip_range has"),
        ({"ip_range": ["10.20.1.1"]}, "is not in the subnet"),
        ({"exclude": ["all"]}, "exclude has"),
        ({"dns_servers": ["ns1"]}, "dns_servers is 'ns1'"),
    ],
)
def test_what_is_no_pool_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(GantryError, match=message):
        pool_of(**options)
