# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test what the options of container_vm_logs select, and which of them are refused."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container_logs.desire import desire_logs
from ansible_collections.gantry.vsphere.plugins.module_utils._container_logs.model import DesiredLogs
from ansible_collections.gantry.vsphere.plugins.module_utils._container_logs.options import logs_argument_spec
from tests.support.builders.log_pages import position

NOW = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=timezone.utc)
SECOND = 10**9
NOON = 1_772_366_400 * SECOND


def desire(**given: Any) -> DesiredLogs:
    defaults = {name: option.get("default") for name, option in logs_argument_spec().items()}
    return desire_logs({**defaults, "name": ["web"], **given}, NOW)


def test_by_default_all_lines_of_both_streams_are_read() -> None:
    wanted = desire()
    assert (wanted.names, wanted.max_bytes, wanted.positions) == (("web",), 16 << 20, {})
    selection = wanted.selection
    assert (selection.tail, selection.since, selection.until) == (None, None, None)
    assert selection.streams == ("stdout", "stderr")


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-03-01T12:00:00Z", NOON),
        ("2026-03-01 13:00:00.5+01:00", NOON + SECOND // 2),
        ("2026-03-01T12:00:00.000000001Z", NOON + 1),
        ("10m", NOON + SECOND // 4 - 600 * SECOND),
        ("1h30m", NOON + SECOND // 4 - 5400 * SECOND),
        ("0", NOON + SECOND // 4),
    ],
)
def test_times_and_durations(text: str, time: int) -> None:
    selection = desire(since=text, until=text).selection
    assert (selection.since, selection.until) == (time, time)


@pytest.mark.parametrize("text", ["yesterday", "2026-03-01", "2026-03-01T12:00:00", "2026-13-01T12:00:00Z", ""])
def test_a_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(GantryError, match=r"^since is "):
        desire(since=text)


def test_positions_are_those_of_an_earlier_task() -> None:
    found = desire(positions={"web": position(5), "db": None}).positions
    assert {name: (one.text, one.number) for name, one in found.items()} == {"web": (position(5), 5)}
    with pytest.raises(GantryError, match="positions has '17' for web, which is not a position"):
        desire(positions={"web": "17"})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": []}, "name must have"),
        ({"name": ["web", ""]}, "name must have"),
        ({"streams": []}, "streams is empty"),
        ({"tail": -1}, "tail"),
        ({"max_size": "1K"}, "max_size is '1K'. It must be at least 16K"),
        ({"max_size": "much"}, "max_size is 'much'"),
        ({"guest_key": "short"}, "guest_key has 5 characters"),
    ],
)
def test_invalid_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(GantryError, match=re.escape(message)):
        desire(**options)
