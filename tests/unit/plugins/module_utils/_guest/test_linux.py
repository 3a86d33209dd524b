# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test that the tables of signals and capabilities are equal to those of the guest and the kernel."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.linux import (
    CAPABILITIES,
    DEFAULT_CAPABILITIES,
    REALTIME_MAX,
    REALTIME_MIN,
    SIGNALS,
    bounding_set,
    parse_capabilities,
    parse_signal,
)

GUEST = Path(__file__).parents[5] / "guest" / "internal" / "spec"
NAMES = (GUEST / "names.go").read_text()
TABLE: dict[str, int] = json.loads((GUEST / "testdata" / "signals.json").read_text())


def words(pattern: str) -> list[str]:
    """Return the words of a Go list that is written as one string."""
    found = re.search(pattern + r" = strings\.Fields\(`([^`]*)`\)", NAMES)
    assert found is not None
    return found[1].split()


def constant(name: str) -> int:
    found = re.search(rf"{name}\s*= (\d+)", NAMES)
    assert found is not None
    return int(found[1])


def test_the_signals_are_those_of_the_guests_tests() -> None:
    assert (REALTIME_MIN, REALTIME_MAX) == (constant("realTimeMin"), constant("realTimeMax")) == (34, 64)
    assert {name: number for name, number in TABLE.items() if number < REALTIME_MIN} == SIGNALS
    assert sorted(TABLE.values()) == [*range(1, 32), *range(34, 65)]


@pytest.mark.parametrize(("name", "number"), TABLE.items())
def test_a_signal_is_written_by_its_name_or_number(name: str, number: int) -> None:
    for text in (name, name.lower(), name.removeprefix("SIG"), f" {number} "):
        assert parse_signal(text) == name


def test_the_names_are_those_of_this_machines_kernel() -> None:
    for name, number in SIGNALS.items():
        assert getattr(signal, name, number) == number


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("RTMAX", "SIGRTMIN+30"),
        ("SIGRTMAX-27", "SIGRTMIN+3"),
        ("SIGRTMIN+0", "SIGRTMIN"),
        ("SIGPOLL", "SIGIO"),
        ("cld", "SIGCHLD"),
    ],
)
def test_an_alias_of_a_signal_becomes_the_name_that_the_guest_knows(text: str, name: str) -> None:
    assert parse_signal(text) == name


@pytest.mark.parametrize(
    "text", ["", "0", "32", "33", "65", "99", "-1", "SIGFOO", "RTMIN+31", "RTMAX-31", "RTMIN-1", "SIGRTMIN+x", "SIG15"]
)
def test_an_invalid_signal_is_refused(text: str) -> None:
    with pytest.raises(GantryError, match="not a Linux signal"):
        parse_signal(text)


def test_the_capabilities_are_the_guests() -> None:
    assert sorted(words("capabilityNames")) == CAPABILITIES
    assert sorted(words("DefaultCapabilities")) == sorted(DEFAULT_CAPABILITIES)
    assert len(CAPABILITIES) == 41


def test_capabilities_that_are_not_given_are_dockers_default() -> None:
    assert bounding_set((), ()) is None


def test_capabilities_are_added_and_dropped_by_dockers_rules() -> None:
    assert bounding_set(("NET_ADMIN",), ("CHOWN",)) == sorted({*DEFAULT_CAPABILITIES, "NET_ADMIN"} - {"CHOWN"})
    assert bounding_set((), ("ALL",)) == []
    assert bounding_set(("CHOWN",), ("ALL",)) == ["CHOWN"]
    assert bounding_set(("ALL",), ("SYS_ADMIN",)) == sorted(set(CAPABILITIES) - {"SYS_ADMIN"})


def test_a_capability_is_normalized_and_must_be_known() -> None:
    assert parse_capabilities(["cap_net_admin", "CHOWN", "NET_ADMIN"], "capabilities") == ("CHOWN", "NET_ADMIN")
    with pytest.raises(GantryError, match="CAP_FLY"):
        parse_capabilities(["CAP_FLY"], "cap_drop")
