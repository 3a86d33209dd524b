# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Observe the logs of containers: in the guests of those that run, and in the records of those that have ended.

A fixed number of requests finds the containers. Each page of a running container takes two.
"""

from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.decode import LOG_PROPERTIES
from ansible_collections.gantry.vsphere.plugins.module_utils._container.guest_access import Guests, explained
from ansible_collections.gantry.vsphere.plugins.module_utils._container.observe_guests import observe_guests
from ansible_collections.gantry.vsphere.plugins.module_utils._container_logs.decode import decode_recorded
from ansible_collections.gantry.vsphere.plugins.module_utils._container_logs.model import (
    ContainerLog,
    DesiredLogs,
    LogSelection,
    LogSource,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_logs.target import log_sources
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.log_page import (
    MAX_PAGE_BYTES,
    LogPage,
    LogPosition,
    LogRecord,
    decode_page,
    page_path,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.programs import USER
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.faults import FaultError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.guest_operations import GuestPrograms

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

# Containers at a time.
_PARALLEL = 8
# While a VM moves, its guest does not answer, and a transfer that was initiated on the former host fails. Reading a
# page changes nothing, so it is repeated.
_PASSING = ("GuestOperationsUnavailable", "TaskInProgress")
_PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0)
# A transfer that fails for another reason than a move fails again.
_TRANSFER_TRIES = 4
_REMEDIES = {
    "FileNotFound": "The container was started with a bootstrap ISO that does not offer its log: restart it",
    "CannotAccessFile": "The container has not been started yet: run again when it runs",
}


def observe_logs(session: Session, desired: DesiredLogs) -> tuple[ContainerLog, ...]:
    """Return the logs in the order of the names."""
    found = observe_guests(
        session, desired.names, datacenter=desired.datacenter, folder=desired.folder, properties=LOG_PROPERTIES
    )
    sources = log_sources(desired, found.machines)
    with ThreadPoolExecutor(_PARALLEL) as pool:
        return tuple(pool.map(partial(_observe_log, session, desired, found), sources))


def _observe_log(session: Session, desired: DesiredLogs, guests: Guests, source: LogSource) -> ContainerLog:
    if source.secret is None:
        return decode_recorded(desired.selection, source)
    vm = session.ref("VirtualMachine", source.machine.moid)
    reader = _Reader(GuestPrograms(session, vm, guests.managers, USER, source.secret), guests, source)
    with explained(f"Could not read the log of container {source.machine.name}", **_REMEDIES):
        return reader.read(desired.selection, desired.max_bytes)


class _Reader:
    """Reads the log of one running container, page by page."""

    def __init__(self, programs: GuestPrograms, guests: Guests, source: LogSource) -> None:
        self._programs = programs
        self._guests = guests
        self._source = source

    def read(self, selection: LogSelection, max_bytes: int) -> ContainerLog:
        """Return the lines that are selected up to the end that the log has now, or until it is enough."""
        page = self._page(selection, self._source.position)
        end, lost = page.end, page.lost
        records: list[LogRecord] = [*page.records]
        size = sum(len(record.text) for record in records)
        unknown = page.unknown_position
        # The tail was counted in the first page.
        rest = replace(selection, tail=None)
        while page.next.number < end.number and size < max_bytes:
            if not page.records:
                raise GantryError(f"The guest of {self._source.machine.name} reports an empty page before the end.")
            page = self._page(rest, page.next)
            records += page.records
            lost += page.lost
            size += sum(len(record.text) for record in page.records)
            unknown = unknown or page.unknown_position
        return ContainerLog(
            self._source,
            tuple(records),
            page.next,
            None if unknown else lost,
            more=page.next.number < end.number,
        )

    def _page(self, selection: LogSelection, position: LogPosition | None) -> LogPage:
        path = page_path(
            uuid.uuid4().hex,
            position=position,
            tail=selection.tail,
            since=selection.since,
            until=selection.until,
            streams=selection.streams,
        )
        for number, pause in enumerate(_PAUSES):
            try:
                return self._read_page(path)
            except GantryError as error:
                is_passing = error.kind in _PASSING if isinstance(error, FaultError) else number < _TRANSFER_TRIES
                if not is_passing:
                    raise
            time.sleep(pause)
        return self._read_page(path)

    def _read_page(self, path: str) -> LogPage:
        machine = self._source.machine
        raw = self._programs.read(path, MAX_PAGE_BYTES, lambda address: self._guests.host_config(address, machine))
        return decode_page(raw, f"The log that the guest of {machine.name} reports")
