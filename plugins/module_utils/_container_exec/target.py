# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The container that a task works in by guest operations; it is refused if it cannot be reached. Pure."""

from __future__ import annotations

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import ON, Machine, guest_state
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.model import (
    ObservedExec,
    ReachedGuest,
    Selection,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.guest_key import GuestKey
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.keys import KIND_CONTAINER


def reach(selected: Selection, observed: ObservedExec) -> ReachedGuest:
    """Return the selected container, and the secret that its guest expects."""
    machine = _container(selected, observed)
    secret = _secret(selected.guest_key, machine)
    _refuse_not_running(machine)
    return ReachedGuest(machine, secret)


def _container(selected: Selection, observed: ObservedExec) -> Machine:
    """Return the one container with the name."""
    containers = [machine for machine in observed.machines if machine.kind == KIND_CONTAINER]
    if len(containers) == 1:
        return containers[0]
    if containers:
        paths = sorted(machine.path for machine in containers)
        raise GantryError(
            f"name {selected.name!r} is the name of {len(paths)} containers: {', '.join(paths)}. Select one with "
            "folder or datacenter.",
            details={"candidates": paths},
        )
    where = "".join(f" in the {what} {place!r}" for what, place in _places(selected) if place is not None)
    if observed.machines:
        raise GantryError(
            f"The VM {observed.machines[0].path} is not a container VM of this collection (it has no gantry.kind "
            f"{KIND_CONTAINER!r}), and there is no container {selected.name!r}{where}. Check name."
        )
    raise GantryError(f"There is no container {selected.name!r}{where} that this user can see. Check name and folder.")


def _places(selected: Selection) -> tuple[tuple[str, str | None], ...]:
    return ("folder", selected.folder), ("datacenter", selected.datacenter)


def _secret(key: GuestKey | None, machine: Machine) -> str:
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


def _refuse_not_running(machine: Machine) -> None:
    if machine.power != ON:
        raise GantryError(
            f"Container {machine.name} is not running: its VM is {machine.power}. Start it with container_vm and "
            "state: started."
        )
    state = guest_state(machine)
    if state != "running":
        raise GantryError(
            f"Container {machine.name} is not running: its status is {state}. Wait for it with container_vm and state: "
            "started.",
            details={"error": (machine.status or {}).get("error")},
        )
    if not machine.tools_running:
        raise GantryError(
            f"The guest tools of container {machine.name} are not running, or vCenter does not know it yet. Run again "
            "after some seconds. If it stays so, restart the container."
        )
