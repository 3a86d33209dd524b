# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Apply or cancel recommendations, and wait for the moves that they start."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_recommendation.model import Move
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.model import Place
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_of
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.waiter import watch

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


@dataclass
class Arrival:
    """Waits for a VM to be on a host, and if it is to be powered on there, to be that too."""

    move: Move
    deadline: float

    def seen(self, values: Mapping[str, Any]) -> bool:
        now = values.get("runtime.host")
        there = now is not None and moid_of(now) == self.move.destination
        return there and (self.move.source is not None or str(values.get("runtime.powerState")) == "poweredOn")


def await_moves(session: Session, place: Place, moves: Sequence[Move], timeout: int) -> None:
    """Applying only sets migrations going: wait until the VMs have arrived."""
    deadline = time.monotonic() + timeout
    # The last move of a VM is where it is going to be.
    waiting = {move.vm: Arrival(move, deadline) for move in moves}
    if not waiting:
        return
    missed = watch(session, ["runtime.host", "runtime.powerState"], waiting)
    if missed:
        around = place.around
        late = [f"{around.path(vm)} to {around.path(waiting[vm].move.destination)}" for vm in sorted(missed)]
        raise GantryError(
            f"these moves did not end within {timeout} s: {', '.join(late)}. See the tasks of these VMs in vCenter for "
            "why; a longer wait_timeout helps where they are still under way",
            details={"vms": around.sorted_paths(missed)},
        )
