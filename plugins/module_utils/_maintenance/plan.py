# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what is on a host to the way into maintenance mode and out of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._maintenance.changes import (
    AwaitMaintenance,
    EnterMaintenance,
    Evacuate,
    LeaveMaintenance,
    MaintenanceChange,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._maintenance.desire import vmotion_of
from ansible_collections.gantry.vsphere.plugins.module_utils._maintenance.model import MaintenanceRequest, ObservedHost
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.blockers import summary
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.changes import MoveChange
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.plan import plan_moves
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.result import blockers_result


def plan_maintenance(desired: MaintenanceRequest, observed: ObservedHost) -> Plan[MaintenanceChange]:
    """Raises where anything keeps the host from it: nothing has been changed then."""
    if observed.maintenance is desired.present and observed.in_progress is None:
        return Plan()
    if desired.present and desired.precheck == "report":
        return Plan()
    return Plan(tuple(_enter(desired, observed) if desired.present else _leave(observed)))


def _leave(observed: ObservedHost) -> Iterator[MaintenanceChange]:
    progress = observed.in_progress
    if progress is None:
        yield LeaveMaintenance(observed.name)
    elif progress.entering:
        raise GantryError(
            f"host {observed.name} is about to enter maintenance mode ({progress.task}), so it cannot leave it. Wait "
            "until that is over, or cancel the task, and run again."
        )
    else:
        yield AwaitMaintenance(observed.name, progress.task, entering=False)


def _enter(desired: MaintenanceRequest, observed: ObservedHost) -> Iterator[MaintenanceChange]:
    progress = observed.in_progress
    if progress is not None:
        if not progress.entering:
            raise GantryError(
                f"host {observed.name} is about to leave maintenance mode ({progress.task}). Run again when that is "
                "over."
            )
        if not desired.by_drs:
            yield from _evacuate(plan_moves(vmotion_of(desired, "skip"), observed.moves))
        yield AwaitMaintenance(observed.name, progress.task, entering=True)
        return
    if observed.blockers:
        raise GantryError(
            f"Host {observed.name} cannot enter maintenance mode, and nothing was changed. "
            f"{summary(observed.blockers)}",
            details={"blockers": blockers_result(observed.blockers), "evacuated": [], "staying": []},
        )
    if not desired.by_drs:
        yield from _evacuate(plan_moves(vmotion_of(desired), observed.moves))
    yield EnterMaintenance(observed.name, tuple(vm.path for vm in observed.leaving) if desired.by_drs else ())


def _evacuate(moves: Plan[MoveChange]) -> Iterator[Evacuate]:
    yield from (Evacuate(move) for move in moves.changes)


def moves_of(plan: Plan[MaintenanceChange]) -> Plan[MoveChange]:
    """The moves of the plan, which come before what is done to the host."""
    return Plan(tuple(change.move for change in plan.changes if isinstance(change, Evacuate)))
