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
from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_recommendation.changes import ChangeRecommendation
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_recommendation.model import Choice, Move
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.model import ClusterPlace
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.faults import FaultError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_of
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.waiter import watch

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


def apply_recommendations(
    session: Session, desired: Choice, place: ClusterPlace, changes: Sequence[ChangeRecommendation], report: Report
) -> None:
    """Apply or cancel the recommendations in their order, then wait for the VMs that they move."""
    done: list[str] = []
    for change in changes:
        report(change.describe())
        call = place.cluster.ref.CancelRecommendation if change.cancel else place.cluster.ref.ApplyRecommendation
        try:
            call(key=change.recommendation.key)
        except FaultError as error:
            sentences = [FaultError(f"Cannot {change.describe()}", error.cause).message, _hint(error)]
            if done:
                sentences.append(f"Done before: {'; '.join(done)}.")
            raise GantryError(" ".join(sentences), fault=error.fault) from error
        done.append(change.describe())
    if desired.wait:
        moves = [move for change in changes if not change.cancel for move in change.recommendation.moves]
        _wait_for_moves(session, place, moves, desired.wait_timeout)


def _hint(error: FaultError) -> str:
    if error.kind == "NoPermission":
        return "Run the task as a user who has the privilege."
    return "The recommendation may have been applied or withdrawn in the meantime. List the recommendations again."


@dataclass
class _Arrival:
    """A wait for a VM to be on a host and, if the recommendation powers it on, to be powered on."""

    move: Move
    deadline: float

    def seen(self, values: Mapping[str, Any]) -> bool:
        now = values.get("runtime.host")
        there = now is not None and moid_of(now) == self.move.destination
        return there and (self.move.source is not None or str(values.get("runtime.powerState")) == "poweredOn")


def _wait_for_moves(session: Session, place: ClusterPlace, moves: Sequence[Move], timeout: int) -> None:
    """Wait until the VMs have arrived; vCenter only starts the migrations."""
    deadline = time.monotonic() + timeout
    # The last move of a VM determines its final host.
    waiting = {move.vm: _Arrival(move, deadline) for move in moves}
    if not waiting:
        return
    missed = watch(session, ["runtime.host", "runtime.powerState"], waiting)
    if missed:
        around = place.around
        late = [f"{around.path(vm)} to {around.path(waiting[vm].move.destination)}" for vm in sorted(missed)]
        raise GantryError(
            f"These moves did not end within {timeout} s: {', '.join(late)}. See the tasks of these VMs in vCenter for "
            "the reason. A longer wait_timeout helps if they are still running.",
            details={"vms": around.sorted_paths(missed)},
        )
