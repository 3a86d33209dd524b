# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The container that a task works in by guest operations; it is refused if it cannot be reached. Pure."""

from __future__ import annotations

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.guest_access import secret_of, the_container
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import ON, Machine, guest_state
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.model import (
    ObservedExec,
    ReachedGuest,
    Selection,
)


def reach(selected: Selection, observed: ObservedExec) -> ReachedGuest:
    """Return the selected container, and the secret that its guest expects."""
    machine = the_container(selected.name, observed.machines, datacenter=selected.datacenter, folder=selected.folder)
    secret = secret_of(selected.guest_key, machine)
    _refuse_not_running(machine)
    return ReachedGuest(machine, secret)


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
