# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test sizes, durations and other small values."""

from __future__ import annotations

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base import values
from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("512", 512),
        ("64b", 64),
        ("64k", 65536),
        ("256M", 268435456),
        ("256MiB", 268435456),
        ("256mb", 268435456),
        ("1.5G", 1610612736),
        ("2 T", 2199023255552),
    ],
)
def test_a_size_is_read_in_powers_of_1024(text: str, size: int) -> None:
    assert values.parse_size(text, "memory") == size


@pytest.mark.parametrize("text", ["", "M", "-1M", "1X", "1MM", "1iB", "1e3", "ten"])
def test_an_invalid_size_is_refused_by_the_name_of_its_option(text: str) -> None:
    with pytest.raises(GantryError, match=r"^memory is "):
        values.parse_size(text, "memory")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("1m30s", 90),
        ("1h", 3600),
        ("500ms", 0.5),
        ("1h1m1s1ms", 3661.001),
        ("0", 0),
        ("0s", 0),
        ("1.5s", 1.5),
    ],
)
def test_a_duration_is_read_as_docker_writes_it(text: str, seconds: float) -> None:
    assert values.parse_duration(text, "interval") == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "30", "s", "-1s", "1d", "1s 2", "1 m"])
def test_an_invalid_duration_is_refused(text: str) -> None:
    with pytest.raises(GantryError, match=r"^interval is "):
        values.parse_duration(text, "interval")


def test_a_command_in_one_string_is_split_as_a_shell_splits() -> None:
    assert values.parse_words("nginx -g 'daemon off;'", "command") == ("nginx", "-g", "daemon off;")
    assert values.parse_words(["sh", "-c", "a b"], "command") == ("sh", "-c", "a b")


@pytest.mark.parametrize("value", ["it's", ["sleep", 5], 5, {"a": "b"}])
def test_a_command_that_is_not_a_list_of_strings_is_refused(value: object) -> None:
    with pytest.raises(GantryError, match=r"^command "):
        values.parse_words(value, "command")


@pytest.mark.parametrize("value", [True, 1.1, 8080, None, ["a"]])
def test_a_value_that_yaml_may_have_changed_is_refused(value: object) -> None:
    with pytest.raises(GantryError, match="put it in quotes"):
        values.parse_strings({"A": value}, "env")


def test_a_mac_is_unicast_and_normalized() -> None:
    assert values.parse_mac("00-50-56-3F-CD-EF", "mac_address") == "00:50:56:3f:cd:ef"
    for text in ("01:00:5e:00:00:01", "00:50:56", "00:50:56:00:00:0g"):
        with pytest.raises(GantryError, match="mac_address"):
            values.parse_mac(text, "mac_address")


@pytest.mark.parametrize("text", ["00:50:56:40:00:00", "00:50:56:bf:ff:ff", "00-50-56-FF-00-01", "00:0c:29:e7:c9:ec"])
def test_a_mac_that_vmware_reserves_is_refused(text: str) -> None:
    with pytest.raises(GantryError, match=r"mac_address is .*reserves.* 00:50:56:00:00:00 to 00:50:56:3f:ff:ff"):
        values.parse_mac(text, "mac_address")


@pytest.mark.parametrize("text", ["00:50:56:00:00:00", "00:50:56:3f:ff:ff", "00:50:57:40:00:00", "02:0c:29:00:00:01"])
def test_a_mac_that_vmware_does_not_reserve_is_accepted(text: str) -> None:
    assert values.parse_mac(text, "mac_address") == text
