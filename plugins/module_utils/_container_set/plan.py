# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan the changes of a project. Pure.

Containers that do not run yet, removals and changes that interrupt nothing come first and are made in parallel. Then
those containers follow that have to be stopped, one after the other or in groups, as update_config of their entry says.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError, raise_all
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes import (
    ContainerChange,
    Destroy,
    Stop,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes_replacement import Discard, Retire
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import (
    DesiredContainer,
    Machine,
    ObservedContainer,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.plan import plan_container, template_moves
from ansible_collections.gantry.vsphere.plugins.module_utils._container.plan_admission import admission_problems
from ansible_collections.gantry.vsphere.plugins.module_utils._container.plan_names import plan_names
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.changes import SetChange
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.model import (
    ENTRY_LABEL,
    PROJECT_LABEL,
    DesiredSet,
    ObservedSet,
    UpdateGroup,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.plan_update import (
    monitored,
    running_beside,
    update_groups,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan


def plan_set(desired: DesiredSet, observed: ObservedSet) -> Plan[SetChange]:
    """Return the plan for all containers of the project; all problems are reported together."""
    problems: list[GantryError] = []
    planned: list[tuple[ObservedContainer, Sequence[ContainerChange]]] = []
    # The index of each, and whether it is listed.
    places: list[tuple[int, bool]] = []
    interrupted: list[int] = []
    # With everything that a later task does if this one only creates: pools must admit all of it.
    wholes: list[tuple[ObservedContainer, Sequence[ContainerChange]]] = []
    for index, (wanted, found) in enumerate(zip(desired.containers, observed.containers, strict=True)):
        try:
            _refuse_other_project(desired, found.machine)
            whole = plan_container(wanted, found)
            made = _changes(desired, wanted, found, whole)
        except GantryError as error:
            problems.append(error)
            continue
        if _interrupts(wanted, found, made):
            interrupted.append(index)
        planned.append((found, made))
        places.append((index, True))
        wholes.append((found, whole))
    raise_all(problems)
    for index, found in enumerate(observed.unlisted):
        removal = _removal(desired, found)
        wholes.append((found, removal))
        if not desired.create_only:
            planned.append((found, removal))
            places.append((index, False))
    groups = update_groups(desired, interrupted)
    raise_all(list(admission_problems(wholes, running_beside(groups, wholes))))
    with_names, updates = plan_names(planned)
    changes = [
        SetChange(change, index, listed=listed, group=_group_of(change, groups.get(index) if listed else None))
        for (index, listed), (found, _made), made in zip(places, planned, with_names, strict=True)
        for change in _ordered(groups.get(index) if listed else None, found, made)
    ]
    moves = [SetChange(move, 0) for move in template_moves(one.change for one in changes)]
    tables = [SetChange(update, 0) for update in updates]
    # Stable: running containers that are interrupted are last, in the order of their groups.
    in_order = sorted(changes, key=_place)
    return Plan((*moves, *in_order, *tables))


def _group_of(change: ContainerChange, group: UpdateGroup | None) -> UpdateGroup | None:
    """Return the group of a change. What an update keeps to its end is removed after all groups."""
    return None if isinstance(change, Discard) else group


def _place(change: SetChange) -> float:
    if isinstance(change.change, Discard):
        return math.inf
    return -1 if change.group is None else change.group.number


def _ordered(
    group: UpdateGroup | None, found: ObservedContainer, made: Sequence[ContainerChange]
) -> Iterator[ContainerChange]:
    """Yield the changes with the wait of their group. What an update keeps to the end is removed after the wait."""
    kept = [change for change in made if isinstance(change, Discard)]
    yield from monitored(group, found, [change for change in made if not isinstance(change, Discard)])
    yield from kept


def _changes(
    desired: DesiredSet, wanted: DesiredContainer, found: ObservedContainer, whole: Sequence[ContainerChange]
) -> Sequence[ContainerChange]:
    """Return what the task changes of what would make the container as it is wanted."""
    if not desired.create_only:
        return whole
    if wanted.state == "absent" or found.machine is not None or found.successors:
        return ()
    return plan_container(replace(wanted, state="present"), found)


def _refuse_other_project(desired: DesiredSet, machine: Machine | None) -> None:
    other = None if machine is None else machine.labels.get(PROJECT_LABEL)
    if machine is not None and other not in (None, desired.project):
        raise GantryError(
            f"Container {machine.path} belongs to project {other!r}, while project is {desired.project!r}. "
            "Rename the container in the list, or give another folder."
        )


def _interrupts(wanted: DesiredContainer, found: ObservedContainer, changes: Sequence[ContainerChange]) -> bool:
    """Return whether a container that runs and is to go on running is stopped."""
    if found.machine is None or not found.machine.is_up or not wanted.wants_running:
        return False
    own = found.machine.moid
    return any(isinstance(change, (Stop, Destroy, Retire)) and change.machine.moid == own for change in changes)


def _removal(desired: DesiredSet, found: ObservedContainer) -> Sequence[ContainerChange]:
    machine = next(iter(found.machines), None)
    if machine is None:
        return ()
    entry = machine.labels.get(ENTRY_LABEL, "")
    if not desired.removes(entry):
        return ()
    # Those that stay must not ask one that is about to go.
    replacement = desired.update_policy(entry).replacement
    return plan_container(DesiredContainer(name=_name(found), state="absent", replacement=replacement), found)


def _name(found: ObservedContainer) -> str:
    return found.machines[0].name
