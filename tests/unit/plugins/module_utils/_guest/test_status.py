# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the decoding of a guest's status with arbitrary content."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gantry.vsphere.plugins.module_utils._guest.status import decode_status
from tests.support.builders.documents import any_json, paths, with_value

STATUS: dict[str, Any] = {
    "version": 1,
    "id": "8d0c",
    "sequence": 7,
    "state": "running",
    "pid": 212,
    "exit_code": None,
    "oom_killed": False,
    "restart_count": 0,
    "health": "none",
    "health_output": "a\0b",
    "started_at": "2026-01-02T03:04:05Z",
    "finished_at": None,
    "error": None,
    "memory_available": 61865984,
    "document": "guestinfo",
    "init_version": "1.0.0",
    "kernel": "6.1.0",
    "follows": ["restart", "files"],
    "files": {"sha256": "ab", "wanted": None, "error": None},
}
SYSLOG = {"dropped": 12, "error": "connection refused"}
ERROR = {"code": "start_failed", "message": "no such file"}


def test_a_status_is_read_as_the_guest_has_written_it() -> None:
    assert decode_status(json.dumps(STATUS)) == STATUS
    assert decode_status(json.dumps({**STATUS, "error": ERROR})) == {**STATUS, "error": ERROR}
    for syslog in (None, SYSLOG, {**SYSLOG, "error": None}):
        assert decode_status(json.dumps({**STATUS, "syslog": syslog})) == {**STATUS, "syslog": syslog}


def test_missing_fields_stay_missing() -> None:
    assert decode_status('{"state": "running"}') == {"state": "running"}
    assert decode_status("") is None
    assert decode_status(None) is None


@pytest.mark.parametrize("text", ["{", "[]", "nonsense", '{"pid": NaN}'])
def test_an_invalid_status_is_an_error(text: str) -> None:
    status = decode_status(text)
    assert status is not None
    assert status["error"]["code"] == "status_invalid"
    assert "The status that the guest reports cannot be used: it is not" in status["error"]["message"]


WRONG: list[tuple[str, Any, str]] = [
    ("exit_code", "0", 'exit_code is a string ("0") and must be a whole number'),
    ("state", ["running"], "state is a list and must be a string"),
    ("restart_count", True, "restart_count is a boolean (true)"),
    ("health_output", 1, "health_output is a number (1)"),
    ("error", "failed", 'error is a string ("failed") and must be an object'),
    ("error", {"code": 1}, "error.code is a number (1)"),
    ("error", {"code": "x"}, "error.message is missing"),
    ("syslog", {"dropped": "1", "error": None}, 'syslog.dropped is a string ("1")'),
    ("syslog", {"error": None}, "syslog.dropped is missing"),
]


@pytest.mark.parametrize(("key", "value", "message"), WRONG)
def test_a_field_of_a_wrong_type_is_left_out_and_reported(key: str, value: Any, message: str) -> None:
    status = decode_status(json.dumps({**STATUS, key: value}))
    assert status is not None
    assert status["error"]["code"] == "status_invalid"
    assert f"its field {message}" in status["error"]["message"]
    expected = {name: good for name, good in STATUS.items() if name not in (key, "error")}
    assert {name: good for name, good in status.items() if name != "error"} == expected


def test_an_error_that_the_guest_reports_is_kept() -> None:
    status = decode_status(json.dumps({**STATUS, "error": ERROR, "pid": "x"}))
    assert status is not None
    assert (status["error"], "pid" in status) == (ERROR, False)


@given(st.data())
def test_an_arbitrary_value_in_a_field_does_not_affect_the_others(data: st.DataObject) -> None:
    document = {**STATUS, "error": ERROR}
    path = data.draw(st.sampled_from(list(paths(document))))
    status = decode_status(json.dumps(with_value(document, path, data.draw(any_json()))))
    assert status is not None
    for key, value in document.items():
        if key not in (path[0], "error"):
            assert status[key] == value
    assert status["error"] is None or isinstance(status["error"]["message"], str)
