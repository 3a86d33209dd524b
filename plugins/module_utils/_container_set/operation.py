# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operation of container_set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes_effects import container_effects
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.changes import SetChange, changes_by_subject
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.desire import desire_set
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.model import DesiredSet, ObservedSet
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.observe import observe_set
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.operation_update import update_set
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.options import set_argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.plan import plan_set
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.result import set_result
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.operation import Effect, Operation
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.options import argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


class ContainerSet(Operation[DesiredSet, ObservedSet, SetChange]):
    """Manage the containers of a project."""

    name = "container_set"
    argument_spec = argument_spec(**set_argument_spec())

    def desire(self, params: Mapping[str, Any]) -> DesiredSet:
        return desire_set(params)

    def observe(self, session: Session, desired: DesiredSet) -> ObservedSet:
        return observe_set(session, desired)

    def plan(self, desired: DesiredSet, observed: ObservedSet) -> Plan[SetChange]:
        return plan_set(desired, observed)

    def apply(
        self, session: Session, desired: DesiredSet, observed: ObservedSet, plan: Plan[SetChange], report: Report
    ) -> ObservedSet:
        update_set(session, desired, observed, plan.changes, report)
        return observe_set(session, desired, refresh=True)

    def effects(self, plan: Plan[SetChange]) -> list[Effect]:
        return container_effects(changes_by_subject(plan.changes).values())

    def result(self, desired: DesiredSet, observed: ObservedSet) -> dict[str, Any]:
        return set_result(desired, observed)
