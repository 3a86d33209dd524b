# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test how the guest's result is decoded, and what a task returns of it."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.decode import decode_result
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.model import DesiredExec, ObservedExec
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.result import exec_result

WANTED = DesiredExec(
    name="web",
    program="ls",
    arguments="{}",
    timeout=60,
    detach=False,
    strip_empty_ends=True,
    guest_key=None,
    datacenter=None,
    folder=None,
)
ENDED = {"rc": 0, "signal": None, "timed_out": False, "stdout": "", "stderr": "", "error": None}


def base64_of(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def result_of(desired: DesiredExec = WANTED, **fields: Any) -> dict[str, Any]:
    raw = json.dumps({**ENDED, **fields}).encode()
    return exec_result(desired, ObservedExec(machines=(), result=decode_result(raw, "web")))


def test_a_program_that_fails_is_not_a_failure_of_the_task() -> None:
    assert result_of(rc=3, stdout=base64_of(b"a\nb\n\n"), stderr=base64_of(b"oh\n")) == {
        "rc": 3,
        "stdout": "a\nb",
        "stdout_lines": ["a", "b"],
        "stderr": "oh",
        "stderr_lines": ["oh"],
        "truncated": False,
        "warnings": [],
    }


def test_newlines_at_the_end_are_kept_on_request() -> None:
    assert result_of(replace(WANTED, strip_empty_ends=False), stdout=base64_of(b"a\n\n"))["stdout"] == "a\n\n"


def test_bytes_that_are_not_utf_8_are_replaced() -> None:
    assert result_of(stdout=base64_of(b"\xff"))["stdout"] == "\ufffd"


def test_truncated_output_is_returned_with_a_warning() -> None:
    found = result_of(stdout=base64_of(b"a"), stdout_truncated=True)
    assert (found["stdout"], found["truncated"]) == ("a", True)
    (warning,) = found["warnings"]
    assert warning.startswith("The standard output of ls in container web is truncated.")


def test_a_program_that_was_killed_at_its_timeout_fails_with_its_output() -> None:
    with pytest.raises(GantryError, match=r"ls in container web did not end within 60 s \(timeout\)") as failed:
        result_of(rc=137, signal=9, timed_out=True, stdout=base64_of(b"so far"))
    assert (failed.value.details["stdout"], failed.value.details["rc"]) == ("so far", 137)


def test_a_program_that_was_not_started_fails_with_the_reason() -> None:
    error = {"code": "start_failed", "message": "there is no program ls"}
    with pytest.raises(GantryError, match=r"^Could not run ls in container web: there is no program ls\.$") as failed:
        result_of(rc=127, error=error)
    assert failed.value.details["rc"] == 127


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "is not valid JSON"),
        (b"[]", "is not a JSON object"),
        (b"{}", "its field rc is missing"),
        (json.dumps({**ENDED, "rc": "0"}).encode(), "its field rc is a string"),
        (json.dumps({**ENDED, "stdout": "?"}).encode(), "its field stdout is not valid base64"),
        (json.dumps({**ENDED, "error": {"code": "x"}}).encode(), "its field error.message is missing"),
    ],
)
def test_a_result_that_is_none_is_refused(raw: bytes, message: str) -> None:
    with pytest.raises(GantryError, match=f"The result that the guest of web reports cannot be used: .*{message}"):
        decode_result(raw, "web")


def test_a_detached_program_has_a_pid_and_no_output() -> None:
    detached = replace(WANTED, detach=True)
    assert exec_result(detached, ObservedExec(machines=(), pid=7)) == {"pid": 7}
    ended = decode_result(json.dumps({**ENDED, "rc": 3}).encode(), "web")
    assert exec_result(detached, ObservedExec(machines=(), pid=7, result=ended)) == {"pid": 7}


def test_a_detached_program_that_was_not_started_is_an_error() -> None:
    problem = {"code": "start_failed", "message": "There is no ls."}
    failed = decode_result(json.dumps({**ENDED, "rc": 127, "error": problem}).encode(), "web")
    with pytest.raises(GantryError, match=r"^Could not run ls in container web: There is no ls\.$"):
        exec_result(replace(WANTED, detach=True), ObservedExec(machines=(), pid=7, result=failed))
