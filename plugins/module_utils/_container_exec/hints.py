# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Explain the faults of guest operations. Pure."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError

_LOGIN = (
    "The running guest has another secret than the VM's configuration: the guest_key has changed since it was started. "
    "Restart the container"
)
_ENDED = "The container has stopped in the meantime: start it with container_vm and state: started"
_HINTS = {
    "InvalidGuestLogin": _LOGIN,
    "OperationDisabledByGuest": (
        "Guest operations were enabled after the container was started: restart it, which container_vm does by itself"
    ),
    "OperationNotSupportedByGuest": (
        "The container was started with another bootstrap ISO, which does not support this: restart it"
    ),
    "GuestOperationsUnavailable": (
        "The guest tools do not answer: the container is starting or has ended, or it has no memory left. Run again "
        "when it runs"
    ),
    "InvalidPowerState": _ENDED,
    "GuestProcessNotFound": _ENDED,
    "InvalidArgument": "The container's bootstrap ISO has another version than the collection: update it",
    "FileNotFound": (
        "The guest has dropped the result, because it has no memory for all of them: run fewer programs at once"
    ),
}


@contextlib.contextmanager
def explained(failed: str) -> Iterator[None]:
    """Raise errors with what failed and their remedy."""
    try:
        yield
    except GantryError as error:
        message = f"{failed}: {error.message}"
        hint = _HINTS.get((error.fault or {}).get("type", ""))
        if hint:
            message = f"{message.rstrip('.')}. {hint}."
        raise GantryError(message, fault=error.fault, details=error.details) from error
