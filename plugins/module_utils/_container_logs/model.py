# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The logs to read, and what was read of them. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import Machine
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.guest_key import GuestKey
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.log_page import STREAMS, LogPosition, LogRecord


@dataclass(frozen=True)
class LogSelection:
    """The lines of a log to read."""

    # The last so many; None: all.
    tail: int | None = None
    # Nanoseconds since 1970; lines before the first and from the second on are left out. None: no limit.
    since: int | None = None
    until: int | None = None
    streams: tuple[str, ...] = STREAMS

    def selects(self, record: LogRecord) -> bool:
        """Return whether a line is selected, whatever the number of lines."""
        return (
            record.stream in self.streams
            and (self.since is None or record.time >= self.since)
            and (self.until is None or record.time < self.until)
        )


@dataclass(frozen=True)
class DesiredLogs:
    """The containers whose logs are read, and which lines of them."""

    names: tuple[str, ...]
    selection: LogSelection
    timestamps: bool
    # Where reading goes on, by the name of the container.
    positions: Mapping[str, LogPosition]
    max_bytes: int
    guest_key: GuestKey | None
    datacenter: str | None
    folder: str | None


@dataclass(frozen=True)
class LogSource:
    """A container, and where its log is read."""

    machine: Machine
    # Of its guest operations; None: the log is read in the record of the container's end.
    secret: str | None
    position: LogPosition | None


@dataclass(frozen=True)
class ContainerLog:
    """What was read of a container's log."""

    source: LogSource
    records: tuple[LogRecord, ...]
    # Where reading goes on; None: there is no log.
    position: LogPosition | None
    # How many lines since the position of the task are gone; None: the position is of another log.
    lost: int | None
    # Whether there was more when the task began.
    more: bool
