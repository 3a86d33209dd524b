# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make the changes of a stack in their order: what containers need, the containers with their rules, what is left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report, Stopwatch
from ansible_collections.gantry.vsphere.plugins.module_utils._container.apply_stages import Interlude
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.model import ObservedSet
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.observe import observe_set
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.operation_update import update_set
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.plan import plan_set
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.apply import (
    apply_needs,
    container_seconds,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.apply_rules import apply_stack_rules
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.changes import (
    ContainerOfStack,
    ImageOfStack,
    PruneOfStack,
    RuleOfStack,
    StackChange,
    VolumeOfStack,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.model import DesiredStack, ObservedStack
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.model_rules import StackRules
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.observe_rules import observe_stack_rules
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.plan import plan_observed
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._image_prune.apply import apply_prune

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


def update_stack(
    session: Session, desired: DesiredStack, observed: ObservedStack, plan: Plan[StackChange], report: Report
) -> ObservedStack:
    """Make the changes and return the stack as it is then.

    Images and volumes are added first. Then the containers are planned again, because new disks now have ids. What is
    removed with a project, and what nothing uses any more, is removed when its containers are gone.
    """
    needs, containers, rules = observed.needs, observed.containers, observed.rules
    changes = made = tuple(one.change for one in plan.changes if isinstance(one, ContainerOfStack))
    has_needs = any(isinstance(one, ImageOfStack | VolumeOfStack) for one in plan.changes)
    has_rules = any(isinstance(one, RuleOfStack) for one in plan.changes)
    watch = Stopwatch(report)
    if has_needs and not desired.removes:
        needs = apply_needs(session, desired, needs, plan, report)
        containers = observe_set(session, desired.containers, refresh=True)
        changes = plan_set(desired.containers, containers).changes
    if changes:
        between = _rules_interlude(session, desired, containers, report) if has_rules else None
        update_set(session, desired.containers, containers, changes, watch, between=between)
        containers = observe_set(session, desired.containers, refresh=True)
    if changes or has_rules:
        # A container that was replaced in another cluster has left the rules of its former one.
        rules = _with_rules(session, desired, containers, {}, report)
    if has_needs and desired.removes:
        needs = apply_needs(session, desired, needs, plan, report)
    pruned = tuple(one.change for one in plan.changes if isinstance(one, PruneOfStack))
    if desired.prune is not None and pruned:
        needs = replace(needs, prune=apply_prune(session, desired.prune, Plan(pruned), report))
    return ObservedStack(needs, containers, rules, container_seconds(watch, made))


def _rules_interlude(session: Session, desired: DesiredStack, containers: ObservedSet, report: Report) -> Interlude:
    """Return the write of the rules between the creation of VMs and all other changes.

    DRS follows them at the first start of the VMs, and no rule is left without its containers when these are removed.
    """

    def write(created: Mapping[str, str]) -> None:
        _with_rules(session, desired, containers, created, report)

    return Interlude(f"write the DRS rules of {desired.project}", write)


def _with_rules(
    session: Session, desired: DesiredStack, containers: ObservedSet, created: Mapping[str, str], report: Report
) -> tuple[StackRules, ...]:
    # A container that could not be created is not in them, and the others are started with them.
    rules = observe_stack_rules(session, desired, containers, created=created)
    return apply_stack_rules(session, rules, plan_observed, report)
