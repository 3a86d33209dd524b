# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The logs as the module returns them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import guest_state
from ansible_collections.gantry.vsphere.plugins.module_utils._container_logs.model import ContainerLog, DesiredLogs
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.log_page import LogRecord

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def logs_result(desired: DesiredLogs, observed: Sequence[ContainerLog]) -> dict[str, Any]:
    """Return what a task of container_vm_logs returns."""
    return {
        "logs": [_log(desired, one) for one in observed],
        "positions": {one.source.machine.name: one.position.text for one in observed if one.position is not None},
        "warnings": [warning for one in observed for warning in _warnings(one)],
    }


def _log(desired: DesiredLogs, log: ContainerLog) -> dict[str, Any]:
    machine = log.source.machine
    lines = []
    for record in _joined(log.records):
        text = record.text.decode("utf-8", errors="replace").removesuffix("\n").removesuffix("\r")
        lines.append(f"{_time(record.time)} {text}" if desired.timestamps else text)
    return {
        "name": machine.name,
        "status": guest_state(machine),
        "source": "record" if log.source.secret is None else "guest",
        "lines": lines,
        "position": None if log.position is None else log.position.text,
        "lost": log.lost != 0,
        "lost_lines": log.lost,
        "more": log.more,
    }


def _joined(records: Sequence[LogRecord]) -> list[LogRecord]:
    """Join the parts of lines that were too long for one record. A line has the time of its first part."""
    lines: list[LogRecord] = []
    # The places of lines that have not ended, by stream.
    unfinished: dict[str, int] = {}
    for record in records:
        index = unfinished.pop(record.stream, None)
        if index is None:
            index = len(lines)
            lines.append(record)
        else:
            first = lines[index]
            lines[index] = LogRecord(first.stream, first.time, first.number, first.text + record.text)
        if not record.text.endswith(b"\n"):
            unfinished[record.stream] = index
    return lines


def _time(nanoseconds: int) -> str:
    """Return a time as in docker logs."""
    seconds, rest = divmod(nanoseconds, 10**9)
    return f"{_EPOCH + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}.{rest:09}Z"


def _warnings(log: ContainerLog) -> list[str]:
    machine = log.source.machine
    if log.source.secret is not None or machine.log_page is not None or guest_state(machine) == "created":
        return []
    text = (
        f"The end of the output of container {machine.name} is not recorded. container_vm_info with logs: true and "
        "exit_from_disk: true reads what its scratch disk has of it."
    )
    return [text]
