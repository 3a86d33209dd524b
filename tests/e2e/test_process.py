# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test a container's process: user, environment, directory, exit code, log, restarts and stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.guests.containers import READY, READY_FILE, Containers

Shell = Callable[..., dict[str, Any]]


def test_process_has_its_environment_user_and_directory(shell: Shell) -> None:
    over = shell(
        'echo "greeting=$GREETING"; echo "large=$(printf %s "$LARGE" | wc -c)"; '
        'echo "ids=$(id -u):$(id -g)"; echo "pwd=$(pwd)"; echo "host=$(hostname)"; exit 3',
        env={"GREETING": "hi there", "LARGE": "x" * 70_000},  # more than vSphere stores as it is
        user="nobody",
        working_dir="/www",
        container_hostname="box",
    )
    lines = set(over["log"].splitlines())
    assert {"greeting=hi there", "large=70000", "ids=65534:65534", "pwd=/www", "host=box"} <= lines
    assert over["exit_code"] == 3
    assert over["status"] == "exited"


def test_a_read_only_container_has_its_files(shell: Shell) -> None:
    over = shell(
        "cat /new/directory/app.conf /etc/passwd /run/secrets/db; touch /x 2>/dev/null || echo read-only",
        read_only=True,
        guest_operations=True,
        guest_key="end-to-end-key-1",
        files=[
            {"target": "/new/directory/app.conf", "content": "a = 1\n"},
            {"target": "/etc/passwd", "content": "root:x:0:0:changed:/:/bin/sh\n"},
        ],
        secrets=[{"name": "db", "content": "password\n"}],
    )
    assert over["log"].splitlines() == ["a = 1", "root:x:0:0:changed:/:/bin/sh", "password", "read-only"]
    assert over["exit_code"] == 0


def test_log_of_a_dead_container_is_readable(shell: Shell) -> None:
    over = shell("for i in 1 2 3; do echo line $i; done; echo lost cause >&2; exit 1")
    assert over["log"].splitlines()[-4:] == ["line 1", "line 2", "line 3", "lost cause"]
    assert over["exit_code"] == 1


def test_success_is_exit_code_0(shell: Shell) -> None:
    assert shell("true")["exit_code"] == 0


def test_on_failure_restarts_as_often_as_allowed(shell: Shell) -> None:
    over = shell("echo try; exit 7", restart_policy="on-failure", restart_retries=2)
    assert over["restart_count"] == 2
    assert over["exit_code"] == 7
    assert over["log"].splitlines().count("try") == 3


def test_user_that_the_image_lacks_is_named(containers: Containers, name: str) -> None:
    tried = containers.try_to_run(name, image="tiny", user="ghost")
    assert tried.outcome.failed
    assert "ghost" in tried.outcome.msg
    assert "user_unknown" in tried.outcome.msg


@pytest.mark.parametrize(
    ("script", "code"),
    [
        pytest.param(f"trap 'exit 143' TERM; touch {READY_FILE}; sleep 1000 & wait", 143, id="heeds-term"),
        pytest.param(f"trap '' TERM; touch {READY_FILE}; while true; do sleep 1; done", 137, id="ignores-term"),
    ],
)
def test_stop(containers: Containers, name: str, script: str, code: int) -> None:
    containers.run(name, image="tiny", entrypoint=["/bin/sh", "-c"], command=[script], stop_timeout=2, **READY)
    stopped = containers.run(name, state="stopped")
    assert stopped.changed
    assert stopped["container"]["exit_code"] == code
    assert not containers.run(name, state="stopped").changed
