# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the lines that are selected in the record of a container's end. Pure."""

from __future__ import annotations

from ansible_collections.gantry.vsphere.plugins.module_utils._container_logs.model import (
    ContainerLog,
    LogSelection,
    LogSource,
)


def decode_recorded(selection: LogSelection, source: LogSource) -> ContainerLog:
    """Return the lines that were recorded when the container ended, from the position of the task on."""
    page, position = source.machine.log_page, source.position
    if page is None:
        return ContainerLog(source, (), position, 0, more=False)
    records, lost = page.records, 0 if position is None else None
    if position is not None and position.log == page.next.log and position.number <= page.next.number:
        oldest = records[0].number if records else page.next.number
        records, lost = tuple(one for one in records if one.number >= position.number), max(0, oldest - position.number)
    chosen = [record for record in records if selection.selects(record)]
    if selection.tail is not None:
        chosen = chosen[max(0, len(chosen) - selection.tail) :]
    return ContainerLog(source, tuple(chosen), page.next, lost, more=False)
