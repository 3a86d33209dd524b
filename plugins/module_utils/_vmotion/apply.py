# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Move the VMs in parallel within vCenter's limits, and verify afterwards that each is as it was before."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.batch import Attempt, Batch, Flow, Kind, Subject
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.blockers import blockers_report, summary
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.model import VmFacts
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.observe import read_vms
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.selectors import VmSelector
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.faults import FaultError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import Job, JobOutcome, TaskLimits
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.changes import (
    AwaitMove,
    MoveChange,
    MoveVm,
    move_of,
    placement,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.limits import claims_of
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.model import (
    PRIORITIES,
    MoveOutcome,
    MoveVerification,
    ObservedMoves,
    VmotionRequest,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.observe import observe_vmotion
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.report import vms_report
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.target_stages import stages_of

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

# How long vCenter may take to learn the guest's status and addresses on the new host.
_SETTLE_SECONDS = 20.0
_LOOK_SECONDS = 1.0
# Moves take long, and report their progress often.
_LINGER_SECONDS = 0.5


@dataclass
class MoveSubject(Subject):
    """One VM, and the outcome of the job that moves it."""

    done: JobOutcome | None = None


Observe = Callable[[Sequence[VmFacts]], ObservedMoves]


def apply_vmotion(
    session: Session, desired: VmotionRequest, observed: ObservedMoves, plan: Plan[MoveChange], report: Report
) -> ObservedMoves:
    """Move the VMs. At the end, raise one error for all failures, with a report of every VM."""

    def observe(vms: Sequence[VmFacts]) -> ObservedMoves:
        selectors = tuple(_selector(vm, desired) for vm in vms)
        return observe_vmotion(session, replace(desired, selectors=selectors))

    try:
        return apply_moves(session, desired, observed, plan, report, observe)
    finally:
        if observed.handles.destination is not None:
            # The session may have been opened again since.
            observed.handles.destination.session.close()


def _selector(vm: VmFacts, desired: VmotionRequest) -> VmSelector:
    """Return a selector that still matches the VM after a move to another vCenter, which changes its MoID."""
    if desired.destination is not None and vm.instance_uuid is not None:
        return VmSelector("uuid", vm.instance_uuid)
    return VmSelector("moid", vm.moid)


def apply_moves(
    session: Session,
    desired: VmotionRequest,
    observed: ObservedMoves,
    plan: Plan[MoveChange],
    report: Report,
    observe: Observe,
) -> ObservedMoves:
    """Make the moves, and further ones that are needed after waiting for a running migration.

    ``observe`` observes some of the VMs again after a migration that was already running has ended. At the end one
    error is raised for all failures, with a report of every VM.
    """
    deadline = time.monotonic() + desired.timeout
    outcomes = dict(_run(session, desired, observed, plan.changes, report, deadline))
    awaited = [change.vm for change in plan.changes if isinstance(change, AwaitMove) and change.vm.moid not in outcomes]
    if awaited:
        outcomes.update(_finish(session, desired, observe, awaited, report, deadline))
    observed = replace(observed, outcomes=outcomes)
    for vm in observed.vms:
        _warn(session, vm, outcomes.get(vm.moid))
    _raise_failures(observed)
    return observed


def _run(
    session: Session,
    desired: VmotionRequest,
    observed: ObservedMoves,
    changes: Sequence[MoveChange],
    report: Report,
    deadline: float,
) -> Mapping[str, MoveOutcome]:
    """Make the moves, and wait for running migrations, for which only a failure to wait is an outcome."""
    subjects = [MoveSubject(change.vm.moid, change.vm.name, [change]) for change in changes]

    def move(subject: MoveSubject, change: MoveChange) -> Flow[None]:
        seconds = 0.0
        for job in _jobs(session, desired, observed, change):
            subject.done = yield Attempt(job)
            if subject.done.error is not None:
                raise subject.done.error
            seconds += subject.done.seconds or 0.0
            subject.done.seconds = seconds

    kinds = {MoveVm: Kind(move), AwaitMove: Kind(move)}
    limits, timeout = TaskLimits(linger=_LINGER_SECONDS), max(1.0, deadline - time.monotonic())
    results = Batch(session, report, kinds, limits=limits, timeout=timeout).run(subjects)
    outcomes: dict[str, MoveOutcome] = {}
    moved: list[tuple[VmFacts, JobOutcome]] = []
    for change, subject, result in zip(changes, subjects, results, strict=True):
        if isinstance(change, AwaitMove):
            # Whether that migration succeeded or failed: observing again shows where the VM is.
            if result.error is not None and not isinstance(result.error, FaultError):
                outcomes[change.vm.moid] = MoveOutcome("in_flight", message=result.error.message)
        elif result.error is not None:
            outcomes[change.vm.moid] = _failure(result.error, subject.done)
        elif subject.done is not None:
            moved.append((change.vm, subject.done))
    outcomes.update(_verify(session, observed, moved))
    return outcomes


def _jobs(session: Session, desired: VmotionRequest, observed: ObservedMoves, change: MoveChange) -> Iterator[Job]:
    vm = change.vm
    if isinstance(change, AwaitMove):
        task = session.ref("Task", change.task)
        yield Job(vm.name, "wait for the move of", lambda: task, mutates=False)
        return
    for before, target in stages_of(vm, change.target):
        yield Job(
            vm.name,
            "move",
            _mover(session, desired, vm, observed.handles.spec(session, before, target)),
            claims=claims_of(change, abroad=observed.away is not None),
        )


def _mover(session: Session, desired: VmotionRequest, vm: VmFacts, spec: Any) -> Callable[[], Any]:
    ref, priority = session.ref("VirtualMachine", vm.moid), PRIORITIES[desired.priority]
    return lambda: ref.RelocateVM_Task(spec=spec, priority=priority)


def _failure(error: GantryError, done: JobOutcome | None) -> MoveOutcome:
    """Return the facts of a failed move; a move whose request failed has no job."""
    if done is None or isinstance(error, FaultError):
        return MoveOutcome("failed", None if done is None else done.seconds, fault=error.fault, message=error.message)
    return MoveOutcome("in_flight" if done.task else "not_started", message=error.message)


def _finish(
    session: Session,
    desired: VmotionRequest,
    observe: Observe,
    awaited: Sequence[VmFacts],
    report: Report,
    deadline: float,
) -> Mapping[str, MoveOutcome]:
    """Move the VMs that are not at their target after the wait, and report where each one is."""
    again = observe(awaited)
    blocked = {blocker.vm: [one for one in again.blockers if one.vm == blocker.vm] for blocker in again.blockers}
    changes: list[MoveChange] = []
    outcomes: dict[str, MoveOutcome] = {}
    for vm in again.vms:
        now = placement(vm, again.origin)
        if vm.in_flight is not None:
            outcomes[vm.moid] = MoveOutcome(
                "in_flight", message="Another migration of it has been started in the meantime.", now=now
            )
        elif vm.path in blocked:
            outcomes[vm.moid] = MoveOutcome("failed", message=summary(blocked[vm.path]), now=now)
        elif again.targets[vm.moid].in_place:
            outcomes[vm.moid] = MoveOutcome("moved", verified=_compared(vm, _before(awaited, vm), placed=True), now=now)
        else:
            changes.append(move_of(vm, again))
    for vm in again.arrived:
        for one in awaited:
            if one.instance_uuid == vm.instance_uuid:
                outcomes[one.moid] = MoveOutcome(
                    "moved", verified=_compared(vm, one, placed=True), now=placement(vm, again.view)
                )
    if changes:
        made = _run(session, desired, again, changes, report, deadline)
        for change in changes:
            if isinstance(change, MoveVm):
                outcome = made[change.vm.moid]
                outcomes[change.vm.moid] = replace(outcome, now=outcome.now or change.destination)
    return outcomes


def _before(vms: Sequence[VmFacts], wanted: VmFacts) -> VmFacts:
    return next(vm for vm in vms if vm.moid == wanted.moid)


# -- afterwards


def _verify(
    session: Session, observed: ObservedMoves, moved: Sequence[tuple[VmFacts, JobOutcome]]
) -> Mapping[str, MoveOutcome]:
    """Compare the VMs with their former state; wait a moment for the guests' reports."""
    outcomes: dict[str, MoveOutcome] = {}
    left = list(moved)
    deadline = time.monotonic() + _SETTLE_SECONDS
    while left:
        now = _look(session, observed, [vm for vm, _outcome in left])
        over = time.monotonic() > deadline
        waiting = []
        for vm, done in left:
            seen = now.get(vm.moid)
            goal = observed.targets[vm.moid].applied_to(vm)
            verified = MoveVerification(placement=False)
            if seen is not None:
                verified = _compared(seen, vm, placed=_same_place(seen, goal))
            if verified.all_well or over:
                outcomes[vm.moid] = MoveOutcome(
                    "moved",
                    None if done.seconds is None else round(done.seconds, 1),
                    verified,
                    now=None if seen is None or verified.placement else placement(seen, observed.view),
                )
            else:
                waiting.append((vm, done))
        left = waiting
        if left:
            time.sleep(_LOOK_SECONDS)
    return outcomes


def _look(session: Session, observed: ObservedMoves, vms: Sequence[VmFacts]) -> dict[str, VmFacts]:
    """Read the VMs again, by the MoID that each had before."""
    destination = observed.handles.destination
    if destination is None:
        # Names and paths do not change.
        inventory = observed.handles.inventory
        entries = [entry for vm in vms if (entry := inventory.entry(vm.moid)) is not None]
        return {vm.moid: vm for vm in read_vms(session, inventory, entries)}
    other = destination.session
    inventory = other.inventory(vms=True, properties={"VirtualMachine": ["config.instanceUuid"]}, refresh=True)
    by_uuid: dict[str, Entry] = {str(entry.properties.get("config.instanceUuid")): entry for entry in inventory.vms()}
    old = {vm.instance_uuid: vm.moid for vm in vms}
    found = [by_uuid[uuid] for uuid in old if uuid in by_uuid]
    return {old[vm.instance_uuid]: vm for vm in read_vms(other, inventory, found)}


def _same_place(seen: VmFacts, goal: VmFacts) -> bool:
    return (seen.host, seen.home, {disk.key: disk.datastore for disk in seen.disks}) == (
        goal.host,
        goal.home,
        {disk.key: disk.datastore for disk in goal.disks},
    ) and {one.key: one.network for one in seen.adapters} == {one.key: one.network for one in goal.adapters}


def _compared(seen: VmFacts, before: VmFacts, *, placed: bool) -> MoveVerification:
    """Compare a VM with itself before the move; only a VM that was on had addresses and a process to keep."""
    return MoveVerification(
        placement=placed,
        ip_addresses=set(before.addresses) <= set(seen.addresses) if before.is_on and before.addresses else None,
        process=seen.process == before.process if before.is_on and before.process is not None else None,
    )


def _warn(session: Session, vm: VmFacts, outcome: MoveOutcome | None) -> None:
    verified = None if outcome is None else outcome.verified
    if verified is None or verified.all_well:
        return
    if not verified.placement:
        session.warn(f"{vm.path} was moved and is no longer at its target. Another client or DRS has moved it again.")
    if verified.ip_addresses is False:
        session.warn(f"{vm.path} was moved and no longer has the IP addresses {', '.join(vm.addresses)}.")
    if verified.process is False:
        session.warn(f"{vm.path} was moved and its container was restarted during the move.")


def _raise_failures(observed: ObservedMoves) -> None:
    by_status: dict[str, list[VmFacts]] = {}
    for vm in observed.vms:
        outcome = observed.outcomes.get(vm.moid)
        if outcome is not None and outcome.status != "moved":
            by_status.setdefault(outcome.status, []).append(vm)
    if not by_status:
        return
    moved = sum(outcome.status == "moved" for outcome in observed.outcomes.values())
    words = {"failed": "failed", "in_flight": "still running", "not_started": "not started"}
    summaries = "; ".join(
        f"{words[status]}: {listed(vm.name for vm in vms)}" for status, vms in sorted(by_status.items())
    )
    first = next(vm for vms in by_status.values() for vm in vms)
    outcome = observed.outcomes[first.moid]
    raise GantryError(
        f"{moved} of {len(observed.outcomes)} VMs were moved; {summaries}. {first.path}: {outcome.message} "
        "Run again to finish. VMs that are already at their target are left alone.",
        fault=outcome.fault,
        details={"vms": vms_report(observed), "blockers": blockers_report(observed.blockers)},
    )
