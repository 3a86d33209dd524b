# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make the changes of a project: many containers in parallel, those that are interrupted group by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._container.apply import ContainerResults, run_in_order
from ansible_collections.gantry.vsphere.plugins.module_utils._container.apply_batch import ContainerWork
from ansible_collections.gantry.vsphere.plugins.module_utils._container.apply_stages import Interlude
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes import (
    Clone,
    Destroy,
    PowerOn,
    RehomeTemplate,
    Stop,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes_names import UpdateNames
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes_replacement import Discard
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes_suspend import Suspend
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import NEW, Machine
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.changes import SetChange
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.model import ENTRY_LABEL, DesiredSet

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


def apply_set(
    session: Session,
    desired: DesiredSet,
    changes: Sequence[SetChange],
    report: Report,
    *,
    names: bool = True,
    between: Interlude | None = None,
) -> ContainerResults:
    """Make the changes; return what became of each container, by the subjects of its changes.

    After a failure, the following groups of interrupted containers stay as they are, or not. A container that is
    created or started waits for those it depends on, if the task creates or starts them, and one that is stopped or
    removed waits for those that depend on it. No container waits for the replacement of one that runs.
    """
    _refuse_planned_images(changes)
    return run_in_order(session, _works(desired, changes), report, names=names, between=between)


def _works(desired: DesiredSet, changes: Sequence[SetChange]) -> list[ContainerWork]:
    by_subject: dict[str, list[SetChange]] = {}
    for change in changes:
        by_subject.setdefault(change.subject, []).append(change)
    waits = _waits(desired, by_subject)
    works: list[ContainerWork] = []
    plain: frozenset[str] = frozenset(
        subject
        for subject, made in by_subject.items()
        if made[0].listed and made[0].group is None and not isinstance(made[0].change, UpdateNames)
    )
    groups: dict[int, frozenset[str]] = {-1: plain}
    for subject, made in by_subject.items():
        if made[0].group is not None:
            number = made[0].group.number
            groups[number] = groups.get(number, frozenset()) | {subject}
    for subject, made in by_subject.items():
        work = ContainerWork(subject, made[0].change.container, tuple(one.change for one in made))
        group = made[0].group
        if group is None:
            works.append(replace(work, after=waits.get(subject, frozenset())))
            continue
        first, last = group.earlier
        earlier = frozenset().union(*(groups[number] for number in range(first, last + 1)))
        if group.tolerated == 0:
            works.append(replace(work, after=earlier))
        else:
            works.append(replace(work, follows=earlier, tolerated=group.tolerated))
    return works


def _waits(desired: DesiredSet, by_subject: Mapping[str, Sequence[SetChange]]) -> dict[str, frozenset[str]]:
    """Return the subjects that each one waits for, of those that are not changed in groups."""
    starting: dict[str, set[str]] = {}
    ending: dict[str, set[str]] = {}
    for subject, made in by_subject.items():
        entry = _entry_of(desired, made[0])
        if entry is not None and made[0].group is None:
            (ending if _ends(made) else starting).setdefault(entry, set()).add(subject)
    dependents: dict[str, list[str]] = {}
    for entry, others in desired.dependencies.items():
        for other in others:
            dependents.setdefault(other, []).append(entry)
    return {**_after(starting, desired.dependencies), **_after(ending, dependents)}


def _after(subjects: Mapping[str, set[str]], order: Mapping[str, Sequence[str]]) -> dict[str, frozenset[str]]:
    """Return the subjects that each one comes after. ``order`` has the entries that come before each entry."""
    found: dict[str, frozenset[str]] = {}
    for entry, own in subjects.items():
        before = frozenset[str]().union(*(subjects.get(other, ()) for other in order.get(entry, ())))
        found.update(dict.fromkeys(own, before))
    return found


def _entry_of(desired: DesiredSet, change: SetChange) -> str | None:
    if isinstance(change.change, RehomeTemplate | UpdateNames):
        return None
    if change.listed:
        return desired.entry_of(desired.containers[change.index].name)
    machine: Machine | None = getattr(change.change, "machine", None)
    return None if machine is None else machine.labels.get(ENTRY_LABEL)


def _ends(changes: Sequence[SetChange]) -> bool:
    """Return whether a container is stopped or removed, and not started again."""
    made = [one.change for one in changes if not isinstance(one.change, Discard)]
    starts = any(isinstance(change, Clone | PowerOn) for change in made)
    return not starts and any(isinstance(change, Destroy | Stop | Suspend) for change in made)


def _refuse_planned_images(changes: Sequence[SetChange]) -> None:
    missing = {
        one.change.image.name for one in changes if isinstance(one.change, Clone) and one.change.image.moid == NEW
    }
    if missing:
        raise GantryError(
            f"planned_images has {listed(sorted(missing))}, and no such template exists. planned_images is for check "
            "mode. Run container_image first."
        )
