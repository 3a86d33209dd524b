# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operation of container_vm_copy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._container_copy.apply import apply_copy
from ansible_collections.gantry.vsphere.plugins.module_utils._container_copy.changes import CopyChange
from ansible_collections.gantry.vsphere.plugins.module_utils._container_copy.desire import desire_copy
from ansible_collections.gantry.vsphere.plugins.module_utils._container_copy.model import DesiredCopy, ObservedCopy
from ansible_collections.gantry.vsphere.plugins.module_utils._container_copy.observe import observe_copy
from ansible_collections.gantry.vsphere.plugins.module_utils._container_copy.options import (
    MUTUALLY_EXCLUSIVE,
    REQUIRED_BY,
    REQUIRED_ONE_OF,
    copy_argument_spec,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_copy.plan import plan_copy
from ansible_collections.gantry.vsphere.plugins.module_utils._container_copy.result import copy_result
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.operation import Operation
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.options import argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


class ContainerVmCopy(Operation[DesiredCopy, ObservedCopy, CopyChange]):
    """Copy files into or out of a container."""

    name = "container_vm_copy"
    argument_spec = argument_spec(**copy_argument_spec())
    mutually_exclusive = MUTUALLY_EXCLUSIVE
    required_one_of = REQUIRED_ONE_OF
    required_by = REQUIRED_BY

    def desire(self, params: Mapping[str, Any]) -> DesiredCopy:
        return desire_copy(params)

    def observe(self, session: Session, desired: DesiredCopy) -> ObservedCopy:
        return observe_copy(session, desired)

    def plan(self, desired: DesiredCopy, observed: ObservedCopy) -> Plan[CopyChange]:
        return plan_copy(desired, observed)

    def apply(
        self,
        session: Session,
        desired: DesiredCopy,
        observed: ObservedCopy,
        plan: Plan[CopyChange],
        report: Report,
    ) -> ObservedCopy:
        (change,) = plan.changes
        return apply_copy(session, desired, observed, change)

    def result(self, desired: DesiredCopy, observed: ObservedCopy) -> dict[str, Any]:
        return copy_result(desired, observed)
