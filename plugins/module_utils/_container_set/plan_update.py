# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan in which groups running containers are changed that have to be stopped for it, and what is waited for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes import ContainerChange, PowerOn, Stop
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes_monitor import Monitor
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes_replacement import Retire
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import Machine, ObservedContainer
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.model import (
    DesiredSet,
    RolloutPolicy,
    UpdateGroup,
)


def update_groups(desired: DesiredSet, indices: Iterable[int]) -> dict[int, UpdateGroup]:
    """Return the groups of the containers with these indices: those that others depend on come first."""

    def entry_of(index: int) -> str:
        return desired.entry_of(desired.containers[index].name)

    found: dict[int, UpdateGroup] = {}
    before = RolloutPolicy()
    by_entry = groupby(sorted(indices, key=lambda one: (desired.depth(entry_of(one)), one)), key=entry_of)
    for entry, members in by_entry:
        policy = desired.update_policy(entry).rollout
        found.update(_groups_of(policy, list(members), before, found))
        before = policy
    return found


def _groups_of(
    policy: RolloutPolicy, members: Sequence[int], before: RolloutPolicy, earlier: dict[int, UpdateGroup]
) -> Iterator[tuple[int, UpdateGroup]]:
    """Yield the groups of one entry. Its first one follows the last one of the entry before."""
    number = first = max((one.number for one in earlier.values()), default=-1) + 1
    size = policy.parallelism or len(members)
    tolerated = policy.tolerated(len(members))
    for start in range(0, len(members), size):
        some = members[start : start + size]
        seconds = max(policy.monitor, policy.delay if start + size < len(members) else 0)
        if number == first:
            group = UpdateGroup(number, None if before.continues else 0, (number - 1, number - 1), seconds)
        else:
            # Only a number of failures is counted from the first group on.
            group = UpdateGroup(number, tolerated, (first if tolerated else number - 1, number - 1), seconds)
        yield from ((index, group) for index in some)
        number += 1


def running_beside(
    groups: Mapping[int, UpdateGroup], planned: Sequence[tuple[ObservedContainer, Sequence[ContainerChange]]]
) -> list[list[Machine]]:
    """Return the VMs of each group that go on running until the new ones have started."""
    found: dict[int, list[Machine]] = {}
    for index, group in groups.items():
        observed, changes = planned[index]
        if observed.machine is not None and _starts_first(observed.machine, changes):
            found.setdefault(group.number, []).append(observed.machine)
    return list(found.values())


def _starts_first(old: Machine, changes: Sequence[ContainerChange]) -> bool:
    for change in changes:
        if isinstance(change, PowerOn):
            return True
        if isinstance(change, Stop) and change.machine.moid == old.moid:
            return False
    return False


def monitored(
    group: UpdateGroup | None, observed: ObservedContainer, changes: Sequence[ContainerChange]
) -> Iterator[ContainerChange]:
    """Yield the changes of a container, and the wait that its group requires if it runs after them.

    A VM that is started first is watched before the old one gives its place away.
    """
    seconds = 0.0 if group is None else group.seconds
    after, started = observed, False
    for change in changes:
        if started and isinstance(change, Retire) and seconds:
            yield Monitor(change.container, change.successor, seconds)
            seconds = 0
        yield change
        started = isinstance(change, PowerOn)
        after = change.project(after)
    if seconds and after.machine is not None and after.machine.is_up:
        yield Monitor(after.machine.name, after.machine, seconds)
