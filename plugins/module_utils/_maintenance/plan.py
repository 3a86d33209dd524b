# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan how a host enters or leaves maintenance mode. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._maintenance.changes import (
    AwaitMaintenance,
    EnterMaintenance,
    Evacuate,
    EvacuateTemplate,
    LeaveMaintenance,
    MaintenanceChange,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._maintenance.model import MaintenanceRequest, ObservedHost
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.blockers import blockers_report, summary
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.changes import MoveChange
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.plan import plan_moves


def plan_maintenance(desired: MaintenanceRequest, observed: ObservedHost) -> Plan[MaintenanceChange]:
    """Plan the changes; raise an error if there are blockers, before anything is changed."""
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
            f"Host {observed.name} is entering maintenance mode ({progress.task}), so it cannot leave it. Wait "
            "until the task is over, or cancel it, and run again."
        )
    else:
        yield AwaitMaintenance(observed.name, progress.task, entering=False)


def _enter(desired: MaintenanceRequest, observed: ObservedHost) -> Iterator[MaintenanceChange]:
    progress = observed.in_progress
    if progress is not None:
        if not progress.entering:
            raise GantryError(
                f"Host {observed.name} is leaving maintenance mode ({progress.task}). Run again when that is over."
            )
        yield from _templates(observed)
        if not desired.by_drs:
            yield from _evacuate(plan_moves(desired.as_vmotion("skip"), observed.moves))
        yield AwaitMaintenance(observed.name, progress.task, entering=True)
        return
    if observed.blockers:
        raise GantryError(
            f"Host {observed.name} cannot enter maintenance mode. {summary(observed.blockers)} Nothing was changed.",
            details={"blockers": blockers_report(observed.blockers), "evacuated": [], "staying": []},
        )
    yield from _templates(observed)
    if not desired.by_drs:
        yield from _evacuate(plan_moves(desired.as_vmotion(), observed.moves))
    yield EnterMaintenance(observed.name, tuple(vm.path for vm in observed.leaving) if desired.by_drs else ())


def _templates(observed: ObservedHost) -> Iterator[EvacuateTemplate]:
    yield from (EvacuateTemplate(rehoming) for rehoming in observed.templates)


def _evacuate(moves: Plan[MoveChange]) -> Iterator[Evacuate]:
    yield from (Evacuate(move) for move in moves.changes)
