# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether and how a task reaches the guest of a container by guest operations. Pure."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import Machine
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.guest_key import GuestKey
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.keys import KIND_CONTAINER

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
}


@dataclass(frozen=True)
class Guests:
    """VMs with the names of containers, and what is needed to reach their guests."""

    machines: tuple[Machine, ...]
    # The managers of guest operations by the names of their properties.
    managers: Mapping[str, Any] = field(default_factory=dict)
    # The HostConfigSummary of ESXi hosts, by name in lower case.
    host_configs: Mapping[str, Any] = field(default_factory=dict)

    def host_config(self, address: str, machine: Machine) -> Any:
        """Return that of the host with this address; if it is not a known name, that of the VM's host."""
        own = "" if machine.host is None else machine.host.name
        return self.host_configs.get(address.lower()) or self.host_configs.get(own.lower())


def the_container(name: str, machines: Sequence[Machine], *, datacenter: str | None, folder: str | None) -> Machine:
    """Return the one container with the name."""
    containers = [machine for machine in machines if machine.kind == KIND_CONTAINER]
    if len(containers) == 1:
        return containers[0]
    if containers:
        paths = sorted(machine.path for machine in containers)
        raise GantryError(
            f"name {name!r} is the name of {len(paths)} containers: {', '.join(paths)}. Select one with folder "
            "or datacenter.",
            details={"candidates": paths},
        )
    places = ("folder", folder), ("datacenter", datacenter)
    where = "".join(f" in the {what} {place!r}" for what, place in places if place is not None)
    if machines:
        raise GantryError(
            f"The VM {machines[0].path} is not a container VM of this collection (it has no gantry.kind "
            f"{KIND_CONTAINER!r}), and there is no container {name!r}{where}. Check name."
        )
    raise GantryError(f"There is no container {name!r}{where} that this user can see. Check name and folder.")


def secret_of(key: GuestKey | None, machine: Machine) -> str:
    """Return the secret that the guest expects: the same as the one that the key of the task gives."""
    if machine.guest_operations is None:
        raise GantryError(
            f"Container {machine.name} permits no guest operations. Enable them with guest_operations: true and a "
            "guest_key, in the task of container_vm or container_set that manages it."
        )
    if key is None:
        raise GantryError(
            f"There is no guest_key, and container {machine.name} permits only guest operations with its secret, which "
            "is derived from the key. Give guest_key, or set the environment variable GANTRY_GUEST_KEY."
        )
    container_id = machine.container_id or ""
    if key.guest_field(container_id) != machine.guest_operations:
        raise GantryError(
            f"Container {machine.name} has the secret of another guest_key. Give the key that it was created with, or "
            "run the task of container_vm or container_set that manages it with guest_operations: true and this key, "
            "which restarts it."
        )
    return key.secret(container_id)


@contextlib.contextmanager
def explained(failed: str, **remedies: str) -> Iterator[None]:
    """Raise errors with what failed and their remedy; ``remedies`` has those that depend on the operation."""
    try:
        yield
    except GantryError as error:
        message = f"{failed}: {error.message}"
        hint = {**_HINTS, **remedies}.get((error.fault or {}).get("type", ""))
        if hint:
            message = f"{message.rstrip('.')}. {hint}."
        raise GantryError(message, fault=error.fault, details=error.details) from error
