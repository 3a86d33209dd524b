# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test what is written before a start and at the end of a container."""

from __future__ import annotations

import base64
import json

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._container.encode_run import (
    end_values,
    is_end,
    start_values,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._guest import keys

READY = {keys.SPEC: "{1}", keys.KEPT_SPEC: "{1}", keys.STATUS: keys.NOT_REPORTED, keys.KEPT_STATUS: keys.STARTED}
FRESH_REPORT = {keys.STATUS: keys.NOT_REPORTED, keys.LOG: keys.NOT_REPORTED}


def test_a_new_container_is_ready() -> None:
    assert start_values(READY) == {}


@pytest.mark.parametrize("guest", [None, "{}"])
def test_the_document_is_restored_from_its_copy(guest: str | None) -> None:
    found = {**READY, keys.SPEC: guest or ""}
    assert start_values(found) == {keys.SPEC: "{1}"}
    del found[keys.SPEC]
    assert start_values(found) == {keys.SPEC: "{1}"}


def test_a_lost_copy_is_restored_from_the_document() -> None:
    assert start_values({**READY, keys.KEPT_SPEC: ""}) == {keys.KEPT_SPEC: "{1}"}


def test_the_record_and_the_report_of_an_earlier_run_are_removed() -> None:
    ended = json.dumps({"state": "exited", "exit_code": 3})
    record = {keys.KEPT_STATUS: keys.STARTED, keys.KEPT_LOG: ""}
    assert start_values({**READY, keys.KEPT_STATUS: ended}) == record
    assert start_values({**READY, keys.STATUS: ended}) == FRESH_REPORT
    without = {key: value for key, value in READY.items() if key not in (keys.STATUS, keys.KEPT_STATUS)}
    assert start_values(without) == {**FRESH_REPORT, **record}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (json.dumps({"state": "exited"}), True),
        (json.dumps({"state": "error"}), True),
        (json.dumps({"state": "running"}), False),
        (keys.STARTED, False),
        (keys.NOT_REPORTED, False),
        ("not JSON", False),
        (None, False),
    ],
)
def test_only_final_states_are_an_end(status: str | None, expected: bool) -> None:
    assert is_end(status) is expected


def test_the_record_is_what_the_guest_has_reported() -> None:
    status, log = json.dumps({"state": "exited", "exit_code": 3}), base64.b64encode(b"x" * (16 << 10)).decode()
    assert end_values(status, log) == {keys.KEPT_STATUS: status, keys.KEPT_LOG: log}
    assert end_values(status, None)[keys.KEPT_LOG] == ""


def test_a_guest_cannot_make_the_record_long() -> None:
    status = json.dumps({"state": "exited", "exit_code": 3, "health_output": "x" * (1 << 20)})
    assert end_values(status, "A" * (1 << 20)) == {
        keys.KEPT_STATUS: '{"exit_code":3,"state":"exited"}',
        keys.KEPT_LOG: "",
    }
