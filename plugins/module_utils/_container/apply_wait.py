# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waits for a start or a stop, decided by the state of the VM and the status of its guest. Pure."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.encode_run import is_end
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import OFF, ON
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options import COMPLETED
from ansible_collections.gantry.vsphere.plugins.module_utils._guest import keys
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.delivery import FIELD, SHA256, WAITING_FOR_FILES
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.status import decode_status

POWER_PATH = "runtime.powerState"
ADDRESS_PATH = "guest.ipAddress"
STATUS_PATH = keys.option_path(keys.STATUS)
STARTUP_PATHS = (POWER_PATH, ADDRESS_PATH, STATUS_PATH)

# VMware Tools in the guest report its address independently, at about the time when the container starts.
_ADDRESS_GRACE = 15.0


class StartupError(GantryError):
    """A container did not reach the state that was waited for; the message is complete."""


@dataclass
class Startup:
    """The wait for one container to run or to be healthy.

    ``before`` is the status text from before the start, left by an earlier run. ``delivers`` says that the task
    delivers the files that the container may wait for. ``healthy_wait_timeout`` begins when the container runs; None
    leaves it all to ``wait_timeout``.
    """

    container: str
    wait_for: str
    wait_timeout: int
    before: str | None
    wants_address: bool
    deadline: float
    delivers: bool = False
    healthy_wait_timeout: int | None = None
    waits_for_health: bool = False
    status: dict[str, Any] = field(default_factory=dict)
    power: str = ON
    failure: str | None = None
    hint: str | None = None  # what else is known of the failure, and its remedy
    reached: bool = False
    end: str | None = None  # the text of the status that reports the end of the container

    def seen(self, values: Mapping[str, Any]) -> bool:
        """Update the state from the VM's properties; return whether the wait is over, successfully or not."""
        self.power = str(values.get(POWER_PATH, ON))
        text = values.get(STATUS_PATH)
        # vSphere drops a guest's guestinfo when it powers off, so the last reported values are kept here.
        if text and text != self.before:
            self.status = decode_status(text) or self.status
            self.end = str(text) if is_end(text) else None
        self._begin_health()
        if self.reached and self.end is not None and not self._is_reached():
            # It ran, and ended with an error while the rest was waited for.
            self.reached = False
        if not self.reached and self._is_reached():
            self.reached = True
            self.deadline = min(self.deadline, time.monotonic() + _ADDRESS_GRACE)
        if self.reached:
            has_address = not self.wants_address or bool(values.get(ADDRESS_PATH))
            return has_address or self.power != ON or self.end is not None
        return self._has_failed()

    def _begin_health(self) -> None:
        """Give a container that runs its own time to become healthy."""
        limited = self.wait_for == "healthy" and self.healthy_wait_timeout is not None
        if limited and not self.waits_for_health and self.status.get("state") == "running":
            self.waits_for_health = True
            self.deadline = time.monotonic() + (self.healthy_wait_timeout or 0)

    def _is_reached(self) -> bool:
        state = self.status.get("state")
        if self.wait_for == "healthy":
            return bool(state == "running" and self.status.get("health") == "healthy")
        if self.wait_for == COMPLETED:
            return bool(state == "exited" and self.status.get("exit_code") == 0)
        # A container that has already exited with 0 did start.
        return bool(state == "running" or (state == "exited" and self.status.get("exit_code") == 0))

    def _has_failed(self) -> bool:
        state = self.status.get("state")
        if state == "error":
            error = self.status.get("error") or {}
            self.failure = f"could not be started: {error.get('code', 'error')}: {error.get('message', 'no message')}"
        elif state == "exited":
            self.failure = f"exited with code {self.status.get('exit_code')} before it was {self.wait_for}"
        elif state == "running" and self.status.get("health") == "unhealthy" and self.wait_for != COMPLETED:
            self.failure = f"is unhealthy: {self.status.get('health_output') or 'its check has no output'}"
        elif self.status.get("waiting_for") == WAITING_FOR_FILES and not self.delivers:
            self.failure = (
                "waits for its files and secrets, which are not on its disk. Run the task that gives them with files "
                "and secrets"
            )
        elif self.power != ON and state is None:
            self.failure = (
                "did not boot: its VM was powered off or reset before its guest reported anything. Probable causes "
                "are too little memory for the bootstrap, or a kernel panic. Give it more memory, and look at the VM's "
                "console"
            )
        elif self.power != ON:
            self.failure = f"was powered off before it was {self.wait_for}; its last state was {state or 'unknown'}"
        return self.failure is not None

    def _without_failure(self, log: str | None) -> str:
        """Return the log without the failure that init writes as its last line and reports in its status too."""
        error = self.status.get("error") or {}
        *output, last = (log or "").rstrip("\n").rsplit("\n", 1)
        message = error.get("message")
        return "\n".join(output) if message and message in last else log or ""

    def error(self, log: str | None) -> StartupError:
        """Return what failed, with the end of the container's output."""
        failure = self.failure
        if failure is None:
            option = "healthy_wait_timeout" if self.waits_for_health else "wait_timeout"
            seconds = self.healthy_wait_timeout if self.waits_for_health else self.wait_timeout
            failure = (
                f"was not {self.wait_for} within {seconds} s ({option}); its state "
                f"is {self.status.get('state') or 'not reported yet'}, its health "
                f"{self.status.get('health', 'unknown')}. Look at the VM's console, or increase {option}"
            )
        message = f"container {self.container} {failure}"
        if self.hint is not None:
            message += f". {self.hint}"
        output = self._without_failure(log)
        if output:
            message += f". The end of its output: {output[-2000:]}"
        return StartupError(
            message,
            details={
                "status": self.status.get("state"),
                "exit_code": self.status.get("exit_code"),
                "error": self.status.get("error"),
                "health": self.status.get("health"),
                "log": log,
            },
        )


@dataclass
class PoweredOn:
    """The wait for a VM to be on. ``before`` is the status text from before the start.

    A guest that has reported since was on, even if it is off again.
    """

    before: str | None
    deadline: float

    def seen(self, values: Mapping[str, Any]) -> bool:
        return values.get(POWER_PATH) == ON or values.get(STATUS_PATH) not in (None, self.before)


@dataclass
class FilesWanted:
    """The wait for a guest to ask for the files of its container, or to go on without.

    ``before`` is the status text from before the start.
    """

    before: str | None
    deadline: float
    asked: bool = False

    def seen(self, values: Mapping[str, Any]) -> bool:
        text = values.get(STATUS_PATH)
        status = (decode_status(text) or {}) if text and text != self.before else {}
        self.asked = status.get("waiting_for") == WAITING_FOR_FILES
        return self.asked or status.get("state") not in (None, "booting") or values.get(POWER_PATH, ON) != ON


@dataclass
class Contents:
    """The wait for a guest that runs to ask for the contents of files, or to have given them to its container."""

    sha256: str
    deadline: float
    sent: bool = False
    found: dict[str, Any] = field(default_factory=dict)
    state: str | None = None
    power: str = ON

    def seen(self, values: Mapping[str, Any]) -> bool:
        status = decode_status(values.get(STATUS_PATH)) or {}
        self.found, self.state = status.get(FIELD) or {}, status.get("state")
        self.power = str(values.get(POWER_PATH, ON))
        asked = self.asked and not self.sent
        return asked or self.replaced or self.failure is not None or not self.is_up

    @property
    def is_up(self) -> bool:
        return self.power == ON and self.state not in ("exited", "error")

    @property
    def asked(self) -> bool:
        return self.found.get("wanted") == self.sha256

    @property
    def replaced(self) -> bool:
        return self.found.get(SHA256) == self.sha256

    @property
    def failure(self) -> str | None:
        """Return why the guest could not replace the files."""
        return self.found.get("error") if self.asked else None


@dataclass
class Ended:
    """The wait for a container to report its end, or for its VM to be off."""

    deadline: float
    end: str | None = None

    def seen(self, values: Mapping[str, Any]) -> bool:
        text = values.get(STATUS_PATH)
        self.end = str(text) if is_end(text) else self.end
        return self.end is not None or values.get(POWER_PATH) == OFF


@dataclass
class PoweredOff:
    """The wait for a VM to be off."""

    deadline: float

    def seen(self, values: Mapping[str, Any]) -> bool:
        return values.get(POWER_PATH) == OFF
