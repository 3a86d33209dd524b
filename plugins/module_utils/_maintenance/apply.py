# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Evacuate the host unless DRS does it, enter or leave maintenance mode, and report where the VMs are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.batch import Batch, Flow, Kind, Subject
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.batch_result import raise_failures
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._maintenance.changes import (
    AwaitMaintenance,
    Evacuate,
    EvacuateTemplate,
    HostChange,
    LeaveMaintenance,
    MaintenanceChange,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._maintenance.model import MaintenanceRequest, ObservedHost
from ansible_collections.gantry.vsphere.plugins.module_utils._maintenance.observe import (
    observe_maintenance,
    whereabouts,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._maintenance.report import evacuated_report
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.model import VmFacts
from ansible_collections.gantry.vsphere.plugins.module_utils._templates.apply import rehome
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import vim
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import Job
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.apply import apply_moves
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.changes import MoveChange
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.model import ObservedMoves

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

# vCenter ends the task itself after its timeout; the timeout here must be longer.
_GRACE_SECONDS = 60.0


@dataclass
class TemplateSubject(Subject):
    """A template that leaves the host."""

    session: Session = field(kw_only=True)


def apply_maintenance(
    session: Session,
    desired: MaintenanceRequest,
    observed: ObservedHost,
    plan: Plan[MaintenanceChange],
    report: Report,
) -> ObservedHost:
    _move_templates(session, plan, report)
    moves = _moves_of(plan)
    if moves.changed:
        observed = replace(observed, moves=_evacuate(session, desired, observed, moves, report))
    for change in plan.changes:
        if not isinstance(change, (Evacuate, EvacuateTemplate)):
            _host_change(session, desired, observed, change, report)
    return _with_whereabouts(session, observed).with_maintenance(desired.present)


def _move_templates(session: Session, plan: Plan[MaintenanceChange], report: Report) -> None:
    """Move the templates first, so that images are never on a host that does not clone."""
    subjects = [
        TemplateSubject(change.rehoming.moid, change.rehoming.path, [change], session=session)
        for change in plan.changes
        if isinstance(change, EvacuateTemplate)
    ]
    if subjects:
        raise_failures(Batch(session, report, _TEMPLATES).run(subjects), "templates")


def _move_template(subject: TemplateSubject, change: EvacuateTemplate) -> Flow[None]:
    yield from rehome(subject.session, change.rehoming)


# The maximum number of templates that are moved in parallel.
_TEMPLATES: dict[type[Any], Kind[TemplateSubject]] = {EvacuateTemplate: Kind(_move_template, limit=16)}


def _moves_of(plan: Plan[MaintenanceChange]) -> Plan[MoveChange]:
    """Return the moves of the plan, which come before the change to the host."""
    return Plan(tuple(change.move for change in plan.changes if isinstance(change, Evacuate)))


def _evacuate(
    session: Session,
    desired: MaintenanceRequest,
    observed: ObservedHost,
    plan: Plan[MoveChange],
    report: Report,
) -> ObservedMoves:
    def observe(vms: Sequence[VmFacts]) -> ObservedMoves:
        """Observe again the VMs that are still on the host after their running migration has ended."""
        wanted = {vm.moid for vm in vms}
        again = observe_maintenance(session, desired).moves
        return replace(again, vms=tuple(vm for vm in again.vms if vm.moid in wanted))

    return apply_moves(session, desired.as_vmotion(), observed.moves, plan, report, observe)


def _host_change(
    session: Session, desired: MaintenanceRequest, observed: ObservedHost, change: HostChange, report: Report
) -> None:
    host = session.ref("HostSystem", observed.moid)
    job = Job(observed.name, *_start(session, desired, host, change))
    try:
        session.run_one(job, report, timeout=desired.timeout + _GRACE_SECONDS)
    except GantryError as error:
        if isinstance(change, LeaveMaintenance):
            raise
        raise _stuck(session, observed, error) from error


def _start(session: Session, desired: MaintenanceRequest, host: Any, change: HostChange) -> tuple[str, Any]:
    if isinstance(change, AwaitMaintenance):
        task = session.ref("Task", change.task)
        return "wait for the maintenance mode of", lambda: task
    if isinstance(change, LeaveMaintenance):
        return "end the maintenance mode of", lambda: host.ExitMaintenanceMode_Task(timeout=desired.timeout)
    spec = None
    if desired.vsan_mode is not None:
        spec = vim.host.MaintenanceSpec(vsanMode=vim.vsan.host.DecommissionMode(objectAction=desired.vsan_mode))
    return "put into maintenance mode", lambda: host.EnterMaintenanceMode_Task(
        timeout=desired.timeout, evacuatePoweredOffVms=desired.evacuate_powered_off, maintenanceSpec=spec
    )


def _stuck(session: Session, observed: ObservedHost, error: GantryError) -> GantryError:
    """Return the error with the VMs that are still on the host, and where the others are."""
    now = _with_whereabouts(session, observed)
    still = sorted(vm.path for vm in observed.leaving if now.now.get(vm.moid) == observed.name)
    there = f" Still on it: {listed(still)}." if still else ""
    return GantryError(
        f"{error.message.rstrip('.')}.{there} Run again to continue.",
        fault=error.fault,
        details={"evacuated": evacuated_report(now), "remaining": still},
    )


def _with_whereabouts(session: Session, observed: ObservedHost) -> ObservedHost:
    view = observed.moves.view
    places = whereabouts(session, observed.evacuated)
    return replace(observed, now={moid: view.host_name(host) for moid, host in places.items()})
