# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a starting container says of itself, and whether it is what was waited for. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._container import keys
from ansible_collections.gantry.vsphere.plugins.module_utils._container.canonical import parse_object
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import ON
from ansible_collections.gantry.vsphere.plugins.module_utils._core.errors import GantryError

POWER_PATH = "runtime.powerState"
STATUS_PATH = keys.option_path(keys.STATUS)
WATCHED = (POWER_PATH, STATUS_PATH)


@dataclass
class Startup:
    """The wait for one container. ``before`` is the status text from before the start: what a former run has left."""

    container: str
    wait_for: str
    before: str | None
    status: dict[str, Any] = field(default_factory=dict)
    power: str = ON
    failure: str | None = None

    def seen(self, values: Mapping[str, Any]) -> bool:
        """Take in the VM's properties; whether the wait is over, well or badly."""
        self.power = str(values.get(POWER_PATH, ON))
        text = values.get(STATUS_PATH)
        # vSphere forgets what a guest has said when it powers off, so that what was heard is kept here.
        if text and text != self.before:
            self.status = parse_object(text) or self.status
        return self._reached() or self._failed()

    def _reached(self) -> bool:
        state = self.status.get("state")
        if self.wait_for == "healthy":
            return state == "running" and self.status.get("health") == "healthy"
        # A container that has done its work and left with 0 did start.
        return state == "running" or (state == "exited" and self.status.get("exit_code") == 0)

    def _failed(self) -> bool:
        state = self.status.get("state")
        if state == "error":
            error = self.status.get("error") or {}
            self.failure = f"could not be started: {error.get('code', 'error')}: {error.get('message', 'no message')}"
        elif state == "exited":
            self.failure = f"exited with code {self.status.get('exit_code')} while it was waited for"
        elif state == "running" and self.status.get("health") == "unhealthy":
            self.failure = f"is unhealthy: {self.status.get('health_output') or 'its check says nothing'}"
        elif self.power != ON:
            self.failure = f"was powered off before it was {self.wait_for}; its last state was {state or 'unknown'}"
        return self.failure is not None

    def error(self, log: str | None, *, wait_timeout: int) -> GantryError:
        """What went wrong, in words, with the end of the container's output."""
        failure = self.failure
        if failure is None:
            state = self.status.get("state") or "not heard of"
            failure = (
                f"was not {self.wait_for} within {wait_timeout} s (wait_timeout); it is {state}, health "
                f"{self.status.get('health', 'unknown')}, and goes on. Look at the VM's console, or give it more time"
            )
        message = f"container {self.container} {failure}"
        if log:
            message += f". Its last output: {log[-2000:]}"
        return GantryError(
            message,
            details={
                "status": self.status.get("state"),
                "exit_code": self.status.get("exit_code"),
                "error": self.status.get("error"),
                "health": self.status.get("health"),
                "log": log,
            },
        )
