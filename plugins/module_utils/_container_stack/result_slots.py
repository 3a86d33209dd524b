# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of a stack's slots: what a plan does to each container, why, and from which image to which. Pure.

A slot is the place of one container: the same replica of the same service, whatever VM is in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._compose.model import SERVICE_LABEL
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes import (
    AwaitStatus,
    Clone,
    ContainerChange,
    PowerOn,
    Promote,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes_effects import container_effects
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes_replacement import Reinstate
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import Machine, ObservedContainer
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.changes import (
    changes_by_subject,
    listed_subject,
    unlisted_subject,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.model import ENTRY_LABEL
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.changes import (
    ContainerOfStack,
    StackChange,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.model import DesiredStack, ObservedStack
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan

CREATED, REPLACED, CHANGED, STARTED = "created", "replaced", "changed", "started"
AWAITED, STOPPED, REMOVED, NONE = "awaited", "stopped", "removed", "none"


def slot_rows(desired: DesiredStack, observed: ObservedStack, plan: Plan[StackChange]) -> list[dict[str, Any]]:
    """Return the rows of all containers of the services, and of the others that the plan removes."""
    made = changes_by_subject(one.change for one in plan.changes if isinstance(one, ContainerOfStack))
    services = {entry: service for service, entry in desired.services.items()}
    containers, rows = observed.containers, []
    for index, (wanted, found) in enumerate(zip(desired.containers.containers, containers.containers, strict=True)):
        changes = made.get(listed_subject(index), [])
        after = _after(found, changes)
        action, reason = _listed(changes, found.machine, after)
        service = services[desired.containers.entry_of(wanted.name)]
        rows.append(_row(service, wanted.name, action, reason, found.machine, after))
    for index, found in enumerate(containers.unlisted):
        machine = found.machine or next(iter(found.successors), None)
        if machine is not None and made.get(unlisted_subject(index)):
            reason = _removal_reason(desired, machine)
            rows.append(_row(machine.labels.get(SERVICE_LABEL), machine.name, REMOVED, reason, machine, None))
    return rows


def _after(found: ObservedContainer, changes: Sequence[ContainerChange]) -> Machine | None:
    for change in changes:
        found = change.project(found)
    return found.machine


def _listed(
    changes: Sequence[ContainerChange], before: Machine | None, after: Machine | None
) -> tuple[str, str | None]:
    """Return what is done to a container of a service, and why."""
    if not changes:
        return NONE, None
    if before is None:
        clones = any(isinstance(change, Clone) for change in changes)
        return CREATED, "it did not exist" if clones else "an interrupted replacement is finished"
    for promotion in (change for change in changes if isinstance(change, (Promote, Reinstate))):
        reasons = [change.reason for change in changes if isinstance(change, Clone)]
        return REPLACED, next(iter(reasons), ", ".join(promotion.causes or ()) or None)
    effects = container_effects([changes])
    reason = f"{', '.join(effects[0].options)} ({effects[0].effect})" if effects else None
    if before.running and after is not None and not after.running:
        return STOPPED, reason or "state is stopped"
    if effects:
        return CHANGED, reason
    if any(isinstance(change, PowerOn) for change in changes):
        return STARTED, "it did not run"
    if any(isinstance(change, AwaitStatus) for change in changes):
        return AWAITED, "it was not ready"
    return CHANGED, "what an interrupted run has left is removed"


def _removal_reason(desired: DesiredStack, machine: Machine) -> str:
    if desired.removes:
        return "state is absent"
    entry = machine.labels.get(ENTRY_LABEL)
    if entry in desired.containers.scaled:
        return "surplus replica of the service" if desired.containers.entries[entry] else "the service has no replicas"
    return "it belongs to no service"


def _row(
    service: str | None, name: str, action: str, reason: str | None, old: Machine | None, new: Machine | None
) -> dict[str, Any]:
    return {
        "service": service,
        "container": name,
        "action": action,
        "reason": reason,
        "old_image": None if old is None else old.image,
        "old_digest": None if old is None else old.digest,
        "new_image": None if new is None else new.image,
        "new_digest": None if new is None else new.digest,
    }
