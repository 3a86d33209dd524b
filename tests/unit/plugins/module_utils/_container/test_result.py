# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the facts of a container as modules return them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._container.encode import encode
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import OFF, ON, Machine
from ansible_collections.gantry.vsphere.plugins.module_utils._container.result import (
    container_result,
    guest_state,
    ip_addresses,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._guest import keys

MACHINE = Machine(moid="vm-1", name="web", path="/DC0/vm/web", kind="container")


def machine(power: str = ON, **status: Any) -> Machine:
    return replace(MACHINE, power=power, status=status or None)


@pytest.mark.parametrize(
    ("power", "said", "state"),
    [
        (ON, None, "booting"),
        (ON, "running", "running"),
        (ON, "exited", "booting"),
        (OFF, None, "created"),
        (OFF, "exited", "exited"),
        (OFF, "error", "error"),
        (OFF, "running", "exited"),
    ],
)
def test_the_state_is_that_of_the_guest_unless_the_power_state_contradicts_it(
    power: str, said: str | None, state: str
) -> None:
    assert guest_state(machine(power, **({"state": said} if said else {}))) == state


def test_the_status_of_an_earlier_run_is_not_returned_while_booting() -> None:
    result = container_result(machine(ON, state="exited", exit_code=3, health="healthy", restart_count=2))
    assert (result["exit_code"], result["health"], result["restart_count"]) == (None, None, 0)


def test_a_container_that_is_off_has_an_exit_code_and_no_health() -> None:
    result = container_result(machine(OFF, state="exited", exit_code=143, health="healthy"))
    assert (result["state"], result["exit_code"], result["health"]) == ("stopped", 143, None)


@pytest.mark.parametrize(
    ("power", "status", "killed"),
    [
        (OFF, {"state": "exited", "exit_code": 137, "oom_killed": True}, True),
        (OFF, {"state": "exited", "exit_code": 137, "oom_killed": False}, False),
        (ON, {"state": "restarting", "exit_code": 137, "oom_killed": True}, True),
        # The report of the previous boot.
        (ON, {"state": "exited", "exit_code": 137, "oom_killed": True}, False),
        # A bootstrap that does not report it.
        (OFF, {"state": "exited", "exit_code": 137}, False),
    ],
)
def test_a_container_that_ran_out_of_memory_is_reported(power: str, status: dict[str, Any], killed: bool) -> None:
    assert container_result(machine(power, **status))["oom_killed"] is killed


def test_no_variable_is_returned() -> None:
    result = container_result(replace(MACHINE, config={"env": {"PASSWORD": "hunter2"}}))
    assert "hunter2" not in str(result)


def test_addresses_are_those_that_can_be_reached() -> None:
    nics = ({"ip_addresses": ["fe80::1", "2001:db8::5", "10.0.0.5"]}, {"ip_addresses": ["169.254.1.1", "10.0.0.5"]})
    assert ip_addresses(replace(MACHINE, addresses=nics)) == ["10.0.0.5", "2001:db8::5"]


def test_encoded_values_are_valid_in_xml() -> None:
    values = encode(replace(MACHINE, labels={"ü": "\x01"}, config={"command": ["a\x00"]}, document={"x": "é"}))
    assert all(value.isascii() and value.isprintable() for value in values.values())
    assert keys.decode_labels(values[keys.LABELS]) == {"ü": "\x01"}


def test_what_was_not_sent_to_the_syslog_server_is_returned() -> None:
    syslog = {"dropped": 12, "error": None}
    assert container_result(machine(ON, state="running", syslog=syslog))["syslog"] == syslog
    assert container_result(machine(ON, state="running"))["syslog"] is None
