# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan which images of the repositories of a project are removed, because nothing uses them after the task. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import Machine
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.model import ObservedSet
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.changes import (
    PruneOfStack,
    StackChange,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.model import DesiredStack, ObservedStack
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._image_prune.changes import PruneImage
from ansible_collections.gantry.vsphere.plugins.module_utils._image_prune.model import kept_because
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.paths import without_removed


def plan_stack_prune(
    desired: DesiredStack, observed: ObservedStack, changes: Sequence[StackChange]
) -> Iterator[PruneOfStack]:
    """Yield the removals. ``changes`` are those that the task makes before them.

    An image stays that a container of the project has.
    """
    if desired.prune is None or observed.needs.prune is None:
        return
    before, after = (_machines(one.containers) for one in (observed, Plan(tuple(changes)).project(observed)))
    left = {machine.moid for machine in after}
    gone = frozenset(machine.path for machine in before if machine.moid not in left)
    digests = {machine.digest for machine in after}
    for candidate in observed.needs.prune.candidates:
        if candidate.abandoned or candidate.template.digest in digests:
            continue
        then = replace(candidate, users=tuple(without_removed(candidate.users, gone)))
        if kept_because(desired.prune, then, None) is None:
            yield PruneOfStack(PruneImage(candidate))


def _machines(observed: ObservedSet) -> list[Machine]:
    return [machine for one in (*observed.containers, *observed.unlisted) for machine in one.machines]
