# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test when the wait for a start is over, by the state of the VM and the status of its guest."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._container.apply_wait import (
    ADDRESS_PATH,
    POWER_PATH,
    STATUS_PATH,
    Ended,
    PoweredOff,
    Startup,
)

ADDRESS = {ADDRESS_PATH: "10.0.0.9"}


def startup(wait_for: str = "running", before: str | None = None, *, wants_address: bool = False) -> Startup:
    return Startup("web", wait_for, 300, before, wants_address, deadline=time.monotonic() + 300)


def says(state: str, power: str = "poweredOn", **more: Any) -> dict[str, Any]:
    return {POWER_PATH: power, STATUS_PATH: json.dumps({"state": state, **more})}


def test_a_guest_without_a_report_is_waited_for() -> None:
    wait = startup()
    assert not wait.seen({POWER_PATH: "poweredOn"})
    assert not wait.seen(says("booting"))
    assert not wait.seen(says("restarting"))
    assert wait.seen(says("running"))
    assert wait.reached


def test_the_status_of_an_earlier_run_is_ignored() -> None:
    left = says("running", health="healthy", started_at="then")
    wait = startup("healthy", before=left[STATUS_PATH])
    assert not wait.seen(left)
    assert wait.seen(says("running", health="healthy", started_at="now"))
    assert wait.reached


def test_a_job_that_ends_with_0_did_start() -> None:
    wait = startup()
    assert wait.seen(says("exited", exit_code=0))
    assert wait.reached


@pytest.mark.parametrize(
    ("wait_for", "status", "words"),
    [
        ("running", says("exited", exit_code=3), "exited with code 3"),
        ("healthy", says("exited", exit_code=0), "exited with code 0"),
        ("running", says("error", error={"code": "user_unknown", "message": "no ghost"}), "user_unknown: no ghost"),
        ("healthy", says("running", health="unhealthy", health_output="503"), "is unhealthy: 503"),
        ("running", says("booting", power="poweredOff"), "was powered off before it was running"),
    ],
)
def test_a_failure_ends_the_wait_and_is_reported_with_the_log(
    wait_for: str, status: dict[str, Any], words: str
) -> None:
    wait = startup(wait_for)
    assert wait.seen(status)
    assert not wait.reached
    error = wait.error("boom\ufffd")
    assert words in error.message
    assert "boom\ufffd" in error.message
    assert error.details["log"] == "boom\ufffd"


def test_a_failure_is_reported_once() -> None:
    wait = startup()
    wait.seen(says("error", error={"code": "user_unknown", "message": "there is no user ghost"}))
    error = wait.error("something it wrote\nuser_unknown: there is no user ghost\n")
    assert error.message.count("there is no user ghost") == 1
    assert "something it wrote" in error.message
    assert "The end of its output" not in wait.error("user_unknown: there is no user ghost\n").message
    assert wait.error("user_unknown: there is no user ghost\n").details["log"] is not None


def test_a_vm_that_powers_off_before_its_guest_reports_did_not_boot() -> None:
    wait = startup()
    assert wait.seen({POWER_PATH: "poweredOff"})
    for word in ("did not boot", "memory", "kernel panic"):
        assert word in wait.error(None).message


def test_the_last_status_counts_even_if_vsphere_has_dropped_it() -> None:
    wait = startup("healthy")
    assert not wait.seen(says("running", health="starting"))
    assert wait.seen({POWER_PATH: "poweredOff", STATUS_PATH: ""})
    assert "its last state was running" in wait.error(None).message


def test_a_timeout_reports_the_last_state() -> None:
    wait = startup("healthy")
    wait.seen(says("running", health="starting"))
    message = wait.error(None).message
    assert "within 300 s" in message
    assert "running" in message
    assert "starting" in message


def test_an_address_is_waited_for_but_not_for_long() -> None:
    wait = startup(wants_address=True)
    assert not wait.seen(says("running"))
    assert wait.reached
    assert wait.deadline < time.monotonic() + 60
    assert wait.seen({**says("running"), **ADDRESS})


def test_a_finished_job_gets_no_address() -> None:
    wait = startup(wants_address=True)
    assert wait.seen(says("exited", exit_code=0, power="poweredOff"))
    assert wait.reached


def test_a_vm_is_off_when_its_power_state_says_so() -> None:
    wait = PoweredOff(deadline=0)
    assert not wait.seen({POWER_PATH: "poweredOn"})
    assert wait.seen({POWER_PATH: "poweredOff"})


def test_the_end_of_a_container_is_kept_from_the_wait_for_its_start() -> None:
    wait = startup(wants_address=True)
    assert not wait.seen(says("running"))
    assert wait.end is None
    ended = says("exited", exit_code=0)
    assert wait.seen(ended)
    assert wait.end == ended[STATUS_PATH]


def test_a_stop_waits_for_the_report_of_the_end_or_power_off() -> None:
    wait = Ended(deadline=time.monotonic() + 30)
    assert not wait.seen(says("stopping"))
    ended = says("exited", exit_code=143)
    assert wait.seen(ended)
    assert wait.end == ended[STATUS_PATH]
    unseen = Ended(deadline=time.monotonic() + 30)
    assert unseen.seen({POWER_PATH: "poweredOff"})
    assert unseen.end is None


def test_a_container_that_runs_and_fails_before_it_has_an_address_has_not_started() -> None:
    wait = startup(wants_address=True)
    assert not wait.seen(says("running"))
    assert wait.seen(says("exited", exit_code=3))
    assert not wait.reached
    assert "exited with code 3 before it was running" in wait.error("no configuration").message


def test_health_has_a_limit_of_its_own_once_the_container_runs() -> None:
    start = time.monotonic()
    wait = Startup("web", "healthy", 300, None, wants_address=False, deadline=start + 300, healthy_wait_timeout=1000)
    assert not wait.seen(says("booting"))
    assert wait.deadline == start + 300
    assert "within 300 s (wait_timeout)" in wait.error(None).message
    wait = Startup("web", "healthy", 300, None, wants_address=False, deadline=start + 300, healthy_wait_timeout=1000)
    assert not wait.seen(says("running", health="starting"))
    limit = wait.deadline
    assert start + 1000 <= limit <= time.monotonic() + 1000
    assert not wait.seen(says("running", health="starting", sequence=2))
    assert wait.deadline == limit
    message = wait.error(None).message
    assert "within 1000 s (healthy_wait_timeout)" in message
    assert "increase healthy_wait_timeout" in message


def test_health_has_the_limit_of_the_start_unless_one_is_given() -> None:
    wait = startup("healthy")
    limit = wait.deadline
    assert not wait.seen(says("running", health="starting"))
    assert wait.deadline == limit
