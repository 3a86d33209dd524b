# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan the moves. Pure."""

from __future__ import annotations

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.blockers import blockers_report, summary
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.model import VmFacts
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.changes import (
    AwaitMove,
    MoveChange,
    move_of,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.model import ObservedMoves, VmotionRequest
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.report import vms_report


def plan_moves(desired: VmotionRequest, observed: ObservedMoves) -> Plan[MoveChange]:
    """Plan the moves; raise an error if any of them has a blocker, before anything is moved."""
    if desired.precheck == "report":
        return Plan()
    if observed.blockers:
        raise refusal(observed)
    return Plan(tuple(change for vm in observed.vms if (change := _change(vm, observed)) is not None))


def refusal(observed: ObservedMoves) -> GantryError:
    blocked = len({blocker.vm for blocker in observed.blockers})
    vms = "One VM" if blocked == 1 else f"{blocked} VMs"
    return GantryError(
        f"{vms} of {len(observed.vms)} cannot be moved. {summary(observed.blockers)} Nothing was moved.",
        details={"blockers": blockers_report(observed.blockers), "vms": vms_report(observed)},
    )


def _change(vm: VmFacts, observed: ObservedMoves) -> MoveChange | None:
    if vm.in_flight is not None:
        return AwaitMove(vm, vm.in_flight.task)
    target = observed.targets[vm.moid]
    return None if target.in_place else move_of(vm, observed)
