# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make the changes of a project, and roll back the entries of which too many containers have failed in an update."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._container.apply import run_in_order, write_tables
from ansible_collections.gantry.vsphere.plugins.module_utils._container.apply_batch import ContainerWork
from ansible_collections.gantry.vsphere.plugins.module_utils._container.apply_stages import Interlude
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes import ContainerChange
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes_monitor import Monitor
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes_replacement import Discard
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import (
    DesiredContainer,
    ObservedContainer,
    PlacementOption,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.observe import observe_containers
from ansible_collections.gantry.vsphere.plugins.module_utils._container.plan import plan_container
from ansible_collections.gantry.vsphere.plugins.module_utils._container.plan_restoration import plan_restoration
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.apply import apply_set
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.changes import SetChange
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.model import (
    DesiredSet,
    ObservedSet,
    RolloutPolicy,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.plan_rollback import Slot, Update
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.batch_result import FAILED, SubjectResult

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

# Reasons in the message; all of them are in the details.
_MOST_REASONS = 10


def update_set(
    session: Session,
    desired: DesiredSet,
    observed: ObservedSet,
    changes: Sequence[SetChange],
    report: Report,
    *,
    between: Interlude | None = None,
) -> None:
    """Make the changes. ``between`` is called when all new VMs exist, and before any other change.

    The VMs that were replaced are removed when the update of their entry is over. If it has failed, they take their
    places again, if the entry says so.
    """
    updating = [one for one in changes if not isinstance(one.change, Discard)]
    results = apply_set(session, desired, updating, report, names=False, between=between)
    update = Update(desired, observed, updating, results.works)
    rollbacks = [
        _roll_back(session, entry, update.slots(entry), policy, report)
        for entry in update.failed
        if (policy := desired.update_policy(entry).rollback) is not None
    ]
    # Only now: nobody should find a container that has failed and is rolled back.
    tables = write_tables(session, (one.change for one in updating), report)
    confirmed = [one for one in changes if isinstance(one.change, Discard) and update.confirms(one)]
    removals = apply_set(session, desired, confirmed, report)
    _raise_for_rollbacks(rollbacks, results.works)
    replace(results, tables=tables).raise_failures()
    removals.raise_failures()


@dataclass(frozen=True)
class Rollback:
    """What became of the rollback of an entry: the containers that are as they were, and the failures."""

    entry: str
    restored: Sequence[str]
    failures: Sequence[SubjectResult]


def _roll_back(session: Session, entry: str, slots: Sequence[Slot], policy: RolloutPolicy, report: Report) -> Rollback:
    """Restore the containers of an entry group by group.

    It is never rolled back itself: with more failures than the policy tolerates, the others stay as they are.
    """
    restored: list[str] = []
    failures: list[SubjectResult] = []
    size, tolerated = policy.parallelism or len(slots), policy.tolerated(len(slots))
    for start in range(0, len(slots), size):
        some = slots[start : start + size]
        left = start + size < len(slots)
        try:
            failed = _restore(session, some, max(policy.monitor, policy.delay if left else 0), report)
        except GantryError as error:
            # What cannot even be planned must not hide why the update has failed.
            failed = [SubjectResult(slot.wanted.name, FAILED, error=error) for slot in some]
        names = {one.name for one in failed}
        restored += [slot.wanted.name for slot in some if slot.wanted.name not in names]
        failures += failed
        if tolerated is not None and len(failures) > tolerated:
            break
    return Rollback(entry, restored, failures)


def _raise_for_rollbacks(rollbacks: Sequence[Rollback], results: Mapping[str, SubjectResult]) -> None:
    """Raise one error for the updates that were rolled back, with the reasons."""
    if not rollbacks:
        return
    failed = [one for one in results.values() if one.status == FAILED and one.error is not None]
    reasons = " ".join(f"{one.name}: {_message(one)}" for one in failed[:_MOST_REASONS])
    parts = []
    for one in rollbacks:
        parts.append(
            f"The update of {one.entry} failed and was rolled back: {listed(one.restored)} as before."
            if one.restored
            else f"The update of {one.entry} failed."
        )
        parts += [f"The rollback of {each.name} failed: {_message(each)}" for each in one.failures]
    raise GantryError(
        f"{' '.join(parts)} {reasons} Correct what failed, then run again.",
        fault=failed[0].error.fault if failed and failed[0].error is not None else None,
        details={
            "rolled_back": {one.entry: list(one.restored) for one in rollbacks},
            "subjects": [one.as_result() for one in results.values()],
        },
    )


def _message(result: SubjectResult) -> str:
    return "" if result.error is None else f"{result.error.message.rstrip('.')}."


def _restore(session: Session, slots: Sequence[Slot], seconds: float, report: Report) -> list[SubjectResult]:
    """Restore some containers at the same time; return the failures."""
    wanted = [_as_before(slot) for slot in slots]
    found = observe_containers(session, wanted, refresh=True)
    first = {
        one.name: plan_restoration(one, slot.before, now) for one, slot, now in zip(wanted, slots, found, strict=True)
    }
    failures = list(_failed(session, first, report))
    names = {one.name for one in failures}
    wanted = [one for one in wanted if one.name not in names]
    found = observe_containers(session, wanted, refresh=True)
    second = {one.name: _started(one, now, seconds) for one, now in zip(wanted, found, strict=True)}
    return [*failures, *_failed(session, second, report)]


def _as_before(slot: Slot) -> DesiredContainer:
    """Return how a container is stopped and started again, without a configuration."""
    machine = slot.before.machine or next(iter(slot.before.predecessors), None)
    place = PlacementOption()
    if machine is not None and machine.datacenter is not None and machine.folder is not None:
        place = PlacementOption(datacenter=machine.datacenter.path, folder=machine.folder.path)
    return DesiredContainer(
        name=slot.wanted.name,
        state="ready",
        placement=place,
        guest_key=slot.wanted.guest_key,
        stop_timeout=slot.wanted.stop_timeout,
        wait_timeout=slot.wanted.wait_timeout,
        healthy_wait_timeout=slot.wanted.healthy_wait_timeout,
    )


def _started(wanted: DesiredContainer, now: ObservedContainer, seconds: float) -> Sequence[ContainerChange]:
    changes = plan_container(wanted, now)
    machine = now.machine
    if machine is None or not changes or not seconds:
        return changes
    return [*changes, Monitor(wanted.name, machine, seconds)]


def _failed(session: Session, planned: dict[str, Sequence[ContainerChange]], report: Report) -> Iterator[SubjectResult]:
    works = [ContainerWork(name, name, changes) for name, changes in planned.items() if changes]
    results = run_in_order(session, works, report)
    yield from (one for one in results.works.values() if one.error is not None)
