# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decode the tasks that put a host into maintenance mode or take it out. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._maintenance.model import MaintenanceProgress

_ENTER, _LEAVE = "HostSystem.enterMaintenanceMode", "HostSystem.exitMaintenanceMode"


def decode_progress(tasks: Iterable[tuple[str, Mapping[str, Any]]]) -> MaintenanceProgress | None:
    """Return the running task that changes a host's maintenance mode, of its recent tasks: their MoIDs and ``info``."""
    for moid, properties in tasks:
        info = properties.get("info")
        if info is not None and info.state in ("queued", "running") and info.descriptionId in (_ENTER, _LEAVE):
            return MaintenanceProgress(moid, info.descriptionId == _ENTER)
    return None
