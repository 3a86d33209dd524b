# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Convert a task's options to the logs to read. Pure; invalid options are refused here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.values import KIB, parse_duration, parse_strings
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_parsers import number_from, size_from
from ansible_collections.gantry.vsphere.plugins.module_utils._container_logs.model import DesiredLogs, LogSelection
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.guest_key import parse_guest_key
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.log_page import LogPosition, parse_position

_MIN_SIZE = 16 * KIB
_TIME = re.compile(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)")
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def desire_logs(params: Mapping[str, Any], now: datetime) -> DesiredLogs:
    """Return the logs to read. Durations are counted back from ``now``."""
    names = tuple(dict.fromkeys(params["name"]))
    if not names or not all(names):
        raise GantryError(
            "name must have the names of the containers whose logs are read. It has none, or an empty one."
        )
    if not params["streams"]:
        raise GantryError("streams is empty, so there is nothing to read. Give stdout, stderr, or both.")
    tail = params["tail"]
    return DesiredLogs(
        names=names,
        selection=LogSelection(
            tail=None if tail is None else number_from(0, "tail")(tail, params),
            since=_time(params["since"], "since", now),
            until=_time(params["until"], "until", now),
            streams=tuple(dict.fromkeys(params["streams"])),
        ),
        timestamps=params["timestamps"],
        positions=_positions(params["positions"] or {}),
        max_bytes=size_from(_MIN_SIZE, "max_size")(params["max_size"], params),
        guest_key=parse_guest_key(params["guest_key"]),
        datacenter=params["datacenter"],
        folder=params["folder"],
    )


def _time(given: str | None, option: str, now: datetime) -> int | None:
    """Return a time in nanoseconds since 1970."""
    if given is None:
        return None
    found = _TIME.fullmatch(given.strip())
    if found is None:
        return _nanoseconds(now - timedelta(seconds=_duration(given, option)))
    try:
        seconds = datetime.fromisoformat(found[1] + found[3].replace("Z", "+00:00"))
    except ValueError as error:
        raise GantryError(f"{option} is {given!r}, which is not a valid time: {error}.") from None
    return _nanoseconds(seconds) + int((found[2] or "").ljust(9, "0"))


def _duration(given: str, option: str) -> float:
    try:
        return parse_duration(given, option)
    except GantryError:
        raise GantryError(
            f"{option} is {given!r}. It must be a time with its offset, such as 2026-03-01T12:00:00Z, or a duration "
            "that is counted back from now, such as 10m or 1h30m."
        ) from None


def _nanoseconds(time: datetime) -> int:
    return (time - _EPOCH) // timedelta(microseconds=1) * 1000


def _positions(given: Mapping[Any, Any]) -> dict[str, LogPosition]:
    # The position of a container that has no log is null in the result of an earlier task.
    texts = parse_strings({name: text for name, text in given.items() if text is not None}, "positions")
    positions = {}
    for name, text in texts.items():
        position = parse_position(text)
        if position is None:
            raise GantryError(
                f"positions has {text!r} for {name}, which is not a position. Give the positions that an earlier task "
                "has returned."
            )
        positions[name] = position
    return positions
