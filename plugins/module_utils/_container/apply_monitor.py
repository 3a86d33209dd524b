# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Watch a container for some time after it was replaced or restarted: whether it goes on running."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._container.apply_batch import ContainerSubject
from ansible_collections.gantry.vsphere.plugins.module_utils._container.apply_wait import (
    POWER_PATH,
    STATUS_PATH,
    StartupError,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes_monitor import Monitor
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import FINAL_STATES, ON
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.batch import Flow, Watch
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.status import decode_status


@dataclass
class _Ending:
    """The wait for a container that runs to end, to be restarted by its guest, or to become unhealthy."""

    deadline: float
    restarts: int | None = None
    failure: str = ""

    def seen(self, values: Mapping[str, Any]) -> bool:
        status = decode_status(values.get(STATUS_PATH)) or {}
        state, count = status.get("state"), int(status.get("restart_count") or 0)
        if self.restarts is None:
            self.restarts = count
        if state in FINAL_STATES:
            self.failure = f"exited with code {status.get('exit_code')}"
        elif values.get(POWER_PATH, ON) != ON:
            self.failure = "was powered off"
        elif count > self.restarts:
            self.failure = f"exited with code {status.get('exit_code')} and was restarted"
        elif status.get("health") == "unhealthy":
            self.failure = f"is unhealthy: {status.get('health_output') or 'its check has no output'}"
        return bool(self.failure)


def monitor(subject: ContainerSubject, change: Monitor) -> Flow[None]:
    """Raise StartupError if the container does not go on running for the time."""
    ending = _Ending(time.monotonic() + change.seconds)
    if (yield Watch(subject.vm(change.machine), [POWER_PATH, STATUS_PATH], ending)):
        raise StartupError(
            f"Container {change.container} {ending.failure} within {change.seconds:g} s of its update (monitor). Look "
            "at its log."
        )
