# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan in which groups running containers are changed that have to be stopped for it, and what is waited for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes import ContainerChange
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes_monitor import Monitor
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import ObservedContainer
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.model import DesiredSet, UpdateGroup


def update_groups(desired: DesiredSet, indices: Iterable[int]) -> dict[int, UpdateGroup]:
    """Return the groups of the containers with these indices: those that others depend on come first."""

    def entry_of(index: int) -> str:
        return desired.entry_of(desired.containers[index].name)

    found: dict[int, UpdateGroup] = {}
    number, continues = 0, False
    for entry, members in groupby(sorted(indices, key=lambda one: (desired.depth(entry_of(one)), one)), key=entry_of):
        policy = desired.update_policy(entry)
        left = list(members)
        while left:
            size = policy.parallelism or len(left)
            some, left = left[:size], left[size:]
            seconds = max(policy.monitor, policy.delay if left else 0)
            found.update(dict.fromkeys(some, UpdateGroup(number, continues, seconds)))
            number, continues = number + 1, policy.continues
    return found


def monitored(
    group: UpdateGroup | None, observed: ObservedContainer, changes: Sequence[ContainerChange]
) -> Iterator[ContainerChange]:
    """Yield the changes of a container, and the wait that its group requires if it runs after them."""
    after = observed
    for change in changes:
        yield change
        after = change.project(after)
    if group is not None and group.seconds and after.machine is not None and after.machine.is_up:
        yield Monitor(after.machine.name, after.machine, group.seconds)
