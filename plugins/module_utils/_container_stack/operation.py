# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operations of container_stack and container_stack_info."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes_effects import container_effects
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import Machine
from ansible_collections.gantry.vsphere.plugins.module_utils._container.observe_info import observe_container_info
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.changes import changes_by_subject
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.observe import observe_set
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.changes import (
    ContainerOfStack,
    StackChange,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.desire import desire_stack, desire_stacks
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.model import (
    DesiredStack,
    ObservedStack,
    StackQuery,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.observe import observe_needs
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.observe_rules import observe_stack_rules
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.operation_update import update_stack
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.options import (
    MUTUALLY_EXCLUSIVE,
    REQUIRED_TOGETHER,
    stack_argument_spec,
    stack_info_argument_spec,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.plan import plan_stack, with_needs
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.plan_removal import kept_images
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.result import stack_result, stacks_result
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.result_slots import slot_rows
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.operation import Effect, InfoOperation, Operation
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.options import argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


class ContainerStack(Operation[DesiredStack, ObservedStack, StackChange]):
    """Manage the containers, volumes and images of a Compose project."""

    name = "container_stack"
    argument_spec = argument_spec(**stack_argument_spec())
    mutually_exclusive = MUTUALLY_EXCLUSIVE
    required_together = REQUIRED_TOGETHER

    def desire(self, params: Mapping[str, Any]) -> DesiredStack:
        return desire_stack(params)

    def observe(self, session: Session, desired: DesiredStack) -> ObservedStack:
        needs = observe_needs(session, desired)
        containers = observe_set(session, with_needs(desired, needs))
        return ObservedStack(needs, containers, observe_stack_rules(session, desired, containers))

    def plan(self, desired: DesiredStack, observed: ObservedStack) -> Plan[StackChange]:
        return plan_stack(desired, observed)

    def apply(
        self,
        session: Session,
        desired: DesiredStack,
        observed: ObservedStack,
        plan: Plan[StackChange],
        report: Report,
    ) -> ObservedStack:
        return update_stack(session, desired, observed, plan, report)

    def summary(self, desired: DesiredStack, observed: ObservedStack, plan: Plan[StackChange]) -> dict[str, Any]:
        kept = kept_images(desired, observed)
        return {
            "slots": slot_rows(desired, observed, plan),
            "kept_images": [{"name": one.reference, "in_use_by": list(one.users)} for one in kept],
        }

    def effects(self, plan: Plan[StackChange]) -> list[Effect]:
        containers = (one.change for one in plan.changes if isinstance(one, ContainerOfStack))
        return container_effects(changes_by_subject(containers).values())

    def result(self, desired: DesiredStack, observed: ObservedStack) -> dict[str, Any]:
        return stack_result(desired, observed)


class ContainerStackInfo(InfoOperation[StackQuery, Sequence[Machine]]):
    """Read the stacks and their containers."""

    name = "container_stack_info"
    argument_spec = argument_spec(**stack_info_argument_spec())

    def desire(self, params: Mapping[str, Any]) -> StackQuery:
        return desire_stacks(params)

    def observe(self, session: Session, desired: StackQuery) -> Sequence[Machine]:
        return observe_container_info(session, desired.containers)

    def result(self, desired: StackQuery, observed: Sequence[Machine]) -> dict[str, Any]:
        return stacks_result(desired, observed)
