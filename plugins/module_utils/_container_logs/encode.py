# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Encode what a page of a log is to have in the path of its file. Pure."""

from __future__ import annotations

from ansible_collections.gantry.vsphere.plugins.module_utils._container_logs.model import LogSelection
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.log_page import LOG, STREAMS, LogPosition


def page_path(selection: LogSelection, position: LogPosition | None, request: str) -> str:
    """Return the path of a page from a position on. Each request has another id, so that each has a page of its own."""
    fields = [("id", request)]
    if position is not None:
        fields.append(("from", position.text))
    numbers = {"tail": selection.tail, "since": selection.since, "until": selection.until}
    fields += [(name, str(value)) for name, value in numbers.items() if value is not None]
    if set(selection.streams) != set(STREAMS):
        fields += [("stream", name) for name in selection.streams]
    return f"{LOG}/" + ",".join(f"{name}={value}" for name, value in fields)
