# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a start has come to what was waited for, judged from what VM and guest say."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._container.apply_wait import (
    ADDRESS_PATH,
    POWER_PATH,
    STATUS_PATH,
    PoweredOff,
    Startup,
)

ADDRESS = {ADDRESS_PATH: "10.0.0.9"}


def startup(wait_for: str = "running", before: str | None = None, *, wants_address: bool = False) -> Startup:
    return Startup("web", wait_for, 300, before, wants_address, deadline=time.monotonic() + 300)


def says(state: str, power: str = "poweredOn", **more: Any) -> dict[str, Any]:
    return {POWER_PATH: power, STATUS_PATH: json.dumps({"state": state, **more})}


def test_nothing_said_is_waited_on() -> None:
    wait = startup()
    assert not wait.seen({POWER_PATH: "poweredOn"})
    assert not wait.seen(says("booting"))
    assert not wait.seen(says("restarting"))
    assert wait.seen(says("running"))
    assert wait.reached


def test_what_a_former_run_left_is_not_believed() -> None:
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
def test_a_bad_end_is_over_at_once_and_said_with_the_log(wait_for: str, status: dict[str, Any], words: str) -> None:
    wait = startup(wait_for)
    assert wait.seen(status)
    assert not wait.reached
    error = wait.error("boom\ufffd")
    assert words in error.message
    assert "boom\ufffd" in error.message
    assert error.details["log"] == "boom\ufffd"


def test_a_failure_is_said_once() -> None:
    wait = startup()
    wait.seen(says("error", error={"code": "user_unknown", "message": "there is no user ghost"}))
    error = wait.error("something it wrote\nuser_unknown: there is no user ghost\n")
    assert error.message.count("there is no user ghost") == 1
    assert "something it wrote" in error.message
    assert "The end of its output" not in wait.error("user_unknown: there is no user ghost\n").message
    assert wait.error("user_unknown: there is no user ghost\n").details["log"] is not None


def test_a_vm_that_goes_off_before_its_guest_has_said_anything_did_not_boot() -> None:
    wait = startup()
    assert wait.seen({POWER_PATH: "poweredOff"})
    for word in ("did not boot", "memory", "kernel panic"):
        assert word in wait.error(None).message


def test_the_last_words_count_even_when_vsphere_has_forgotten_them() -> None:
    wait = startup("healthy")
    assert not wait.seen(says("running", health="starting"))
    assert wait.seen({POWER_PATH: "poweredOff", STATUS_PATH: ""})
    assert "its last state was running" in wait.error(None).message


def test_too_late_says_how_far_it_got() -> None:
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


def test_a_job_that_is_over_gets_no_address() -> None:
    wait = startup(wants_address=True)
    assert wait.seen(says("exited", exit_code=0, power="poweredOff"))
    assert wait.reached


def test_a_vm_is_off_when_it_says_so() -> None:
    wait = PoweredOff(deadline=0)
    assert not wait.seen({POWER_PATH: "poweredOn"})
    assert wait.seen({POWER_PATH: "poweredOff"})
