# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the reservations, limits and shares of a container's VM."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_allocation import DEFAULTS, UNLIMITED
from ansible_collections.gantry.vsphere.plugins.module_utils._container.target_allocation import target_allocation
from tests.support.builders.containers import config_of

UNITS = {"cpu": 2, "memory": 256}
SET_IN_VCENTER = {**DEFAULTS, "cpu_limit": 700, "memory_shares": "high"}


def target(given: dict[str, Any], recorded: dict[str, Any], current: Any = SET_IN_VCENTER) -> dict[str, Any]:
    return target_allocation(config_of(**given).values, recorded, current, UNITS)


def test_values_that_were_never_given_are_left_as_they_are_in_vcenter() -> None:
    assert target({}, {}) == SET_IN_VCENTER
    assert target({}, {"cpu_limit": None}) == SET_IN_VCENTER


def test_a_value_that_is_no_longer_given_has_the_default_again() -> None:
    assert target({}, {"cpu_limit": 700}) == {**SET_IN_VCENTER, "cpu_limit": UNLIMITED}


def test_given_values_are_the_target() -> None:
    given = {
        "cpu_reservation": 500,
        "cpu_limit": UNLIMITED,
        "cpu_shares": "777",
        "memory_reservation": "128M",
        "memory_limit": "1G",
        "memory_shares": "low",
    }
    assert target(given, {}) == {**given, "cpu_shares": 777, "memory_reservation": 128 << 20, "memory_limit": 1 << 30}


@pytest.mark.parametrize(
    ("option", "number", "level"),
    [("cpu_shares", "1000", "low"), ("cpu_shares", "2000", "normal"), ("memory_shares", "5120", "high")],
)
def test_the_number_of_a_level_is_the_level_as_vcenter_shows_it(option: str, number: str, level: str) -> None:
    assert target({option: number}, {})[option] == level


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cpu_reservation": -1}, "cpu_reservation is '-1'. Write a number of MHz"),
        ({"cpu_limit": "2 GHz"}, "cpu_limit is '2 GHz'. Write a number of MHz"),
        ({"cpu_shares": "0"}, "cpu_shares is '0'. Write low, normal, high, or a number"),
        ({"memory_shares": "most"}, "memory_shares is 'most'"),
        ({"memory_reservation": "1500K"}, "memory_reservation is '1500K'. vSphere counts memory in whole MiB"),
        ({"memory_reservation": "512M"}, "memory_reservation is 512 MiB, and the VM has 256 MiB"),
        ({"memory_reservation": "128M", "memory_limit": "64M"}, "memory_limit is less than memory_reservation"),
        ({"cpu_reservation": 2, "cpu_limit": "1"}, "cpu_limit is less than cpu_reservation"),
    ],
)
def test_an_invalid_value_is_refused_by_name(options: dict[str, Any], message: str) -> None:
    with pytest.raises(GantryError) as caught:
        config_of(**options)
    assert message in caught.value.message
