# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the hooks of a container: commands after each start and before a stop."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.e2e.guest.conftest import Boot
from tests.support.guests.images import make_spec

# Generous for an emulated processor on a busy machine, and far shorter than the sleep of a hook that is killed.
_SOON = 30
_SERVE = "trap 'echo asked >&2; exit 143' TERM; echo serving; while :; do sleep 1 & wait; done"


def _shell(script: str, **changes: Any) -> dict[str, Any]:
    return {"args": ["sh", "-c", script], "env": [], "user": "", "cwd": "", **changes}


def _with_hooks(script: str, *, changes: dict[str, Any] | None = None, **hooks: list[dict[str, Any]]) -> dict[str, Any]:
    return {**make_spec(["sh", "-c", script], **(changes or {})), "hooks": hooks}


def test_hooks_run_in_order_inside_the_container_before_the_start_is_reported_and_the_signal_is_sent(
    boot: Boot,
) -> None:
    spec = _with_hooks(
        # The hooks write when the program does not.
        "until [ -e /tmp/second ]; do sleep 0.1; done; " + _SERVE,
        changes={"env": ["PATH=/bin", "A=container", "B=container"], "user": "web", "cwd": "/www", "capabilities": []},
        post_start=[
            _shell("sleep 1; touch /tmp/first; echo first; id -u; pwd; echo $A $B; cat /proc/self/cgroup >&2"),
            _shell(
                "ls /tmp/first && id -u && id -g && pwd && echo $A $B && touch /tmp/second",
                env=["B=hook"],
                user="0:77",
                cwd="/home",
            ),
        ],
        pre_stop=[
            _shell("echo draining; exit 4"),
            _shell("echo drained"),
            {"args": ["absent"]},
        ],
    )
    machine = boot(spec)
    machine.wait_state("running")
    # The program runs before its start is reported.
    started = [status for status in machine.statuses if status["pid"]]
    assert [status["state"] for status in started] == ["booting", "running"]
    # At the beginning of a line, because the console has the command too.
    machine.wait_log("\nserving")
    machine.request_shutdown()
    status = machine.wait_off()
    assert (status["state"], status["exit_code"], status["error"]) == ("exited", 143, None)
    assert [item["state"] for item in machine.statuses[-2:]] == ["stopping", "exited"]
    lines = machine.log().splitlines()
    # The two streams of a hook are two pipes.
    lines.remove("0::/")
    assert lines == [
        *("first", "1000", "/www", "container container"),
        *("/tmp/first", "0", "77", "/home", "container hook"),
        "serving",
        *("draining", 'gantry: pre_stop[0] "sh" ended with exit code 4'),
        "drained",
        'gantry: pre_stop[2] "absent" cannot be started: program absent is not in the image\'s PATH (/bin)',
        "asked",
    ]
    console = machine.console()
    assert "\ndrained" in console
    assert ' pre_stop[0] "sh" ended with exit code 4' in console


@pytest.mark.parametrize(
    ("hook", "said"),
    [
        (_shell("echo no room; echo here >&2; exit 3"), "ended with exit code 3: no room here"),
        (_shell("kill -9 $$"), "ended with exit code 137"),
        ({"args": ["sh"], "user": "ghost"}, 'cannot be started: user "ghost" is not in the image\'s /etc/passwd'),
    ],
    ids=["exit code", "signal", "unknown user"],
)
def test_failing_hook_ends_the_container(boot: Boot, hook: dict[str, Any], said: str) -> None:
    spec = _with_hooks(
        "trap 'echo not asked' TERM; while :; do sleep 1; done",
        changes={"restart": {"policy": "always", "max_retries": 0}},
        post_start=[_shell("true"), hook, _shell("echo not run")],
        pre_stop=[_shell("echo not stopped")],
    )
    machine = boot(spec)
    status = machine.wait_off()
    assert (status["state"], status["exit_code"], status["restart_count"]) == ("error", None, 0)
    message = f'post_start[1] "sh" {said}'
    assert status["error"] == {"code": "hook_failed", "message": message}
    assert "running" not in [item["state"] for item in machine.statuses]
    log = machine.log()
    assert log.splitlines()[-1] == f"gantry: hook_failed: {message}"
    assert "not " not in log.removesuffix(f"{message}\n")


def test_hooks_run_after_restarts_and_not_at_the_end_of_the_program(boot: Boot) -> None:
    spec = _with_hooks(
        "echo run; until [ -e /tmp/hooked ]; do sleep 0.1; done; rm /tmp/hooked; sleep 1; exit 7",
        changes={"restart": {"policy": "on-failure", "max_retries": 2}},
        post_start=[_shell("echo hook; touch /tmp/hooked")],
        pre_stop=[_shell("echo never")],
    )
    machine = boot(spec)
    status = machine.wait_off()
    assert (status["state"], status["exit_code"], status["restart_count"]) == ("exited", 7, 2)
    assert sorted(machine.log().splitlines()) == ["hook"] * 3 + ["run"] * 3


def test_the_end_of_the_program_during_a_hook_is_no_failure_of_the_hook(boot: Boot) -> None:
    # The kernel kills the hook before init can notice the end of the program.
    spec = _with_hooks(
        "sleep 0.3; exit 7",
        changes={"restart": {"policy": "on-failure", "max_retries": 5}},
        post_start=[_shell("exec sleep 1000"), _shell("echo never")],
    )
    status = boot(spec).wait_off()
    assert (status["state"], status["exit_code"], status["restart_count"]) == ("exited", 7, 5)
    assert status["error"] is None


def test_hook_that_outlasts_the_stop_timeout_is_killed_before_the_signal_is_sent(boot: Boot) -> None:
    spec = _with_hooks(
        _SERVE,
        changes={"stop": {"signal": "SIGTERM", "timeout": 2}},
        pre_stop=[_shell("echo slow; sleep 1000"), _shell("echo never")],
    )
    machine = boot(spec)
    machine.wait_log("\nserving")
    before = time.monotonic()
    machine.request_shutdown()
    status = machine.wait_status(lambda status: status["state"] == "exited", "exited")
    assert time.monotonic() - before < _SOON
    assert status["exit_code"] == 143
    machine.wait_off()
    assert machine.log().splitlines() == [
        *("serving", "slow"),
        *(f'gantry: pre_stop[{number}] "sh" was not finished: the stop timeout is over' for number in (0, 1)),
        "asked",
    ]


def test_a_stop_cancels_the_hooks_of_the_start(boot: Boot) -> None:
    machine = boot(
        _with_hooks(
            _SERVE,
            post_start=[_shell("echo waiting; sleep 1000"), _shell("echo never")],
            pre_stop=[_shell("echo draining")],
        )
    )
    machine.wait_log("\nserving")
    machine.wait_log("\nwaiting")
    machine.press_power_button()
    status = machine.wait_off(timeout=120)
    assert (status["state"], status["exit_code"], status["error"]) == ("exited", 143, None)
    assert [item["state"] for item in machine.statuses if item["pid"]] == ["booting", "stopping"]
    log = machine.log().splitlines()
    assert sorted(log[:2]) == ["serving", "waiting"]
    assert log[2:] == ["draining", "asked"]
