# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operation of container_vm_exec."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.apply import apply_exec
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.changes import RunProgram
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.desire import desire_exec
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.model import DesiredExec, ObservedExec
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.observe import observe_exec
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.options import (
    MUTUALLY_EXCLUSIVE,
    REQUIRED_ONE_OF,
    exec_argument_spec,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.plan import plan_exec
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.result import exec_result
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.operation import Operation
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.options import argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


class ContainerVmExec(Operation[DesiredExec, ObservedExec, RunProgram]):
    """Run a program in a container."""

    name = "container_vm_exec"
    argument_spec = argument_spec(**exec_argument_spec())
    mutually_exclusive = MUTUALLY_EXCLUSIVE
    required_one_of = REQUIRED_ONE_OF
    supports_check_mode = False

    def desire(self, params: Mapping[str, Any]) -> DesiredExec:
        return desire_exec(params)

    def observe(self, session: Session, desired: DesiredExec) -> ObservedExec:
        return observe_exec(session, desired)

    def plan(self, desired: DesiredExec, observed: ObservedExec) -> Plan[RunProgram]:
        return plan_exec(desired, observed)

    def apply(
        self, session: Session, desired: DesiredExec, observed: ObservedExec, plan: Plan[RunProgram], report: Report
    ) -> ObservedExec:
        (change,) = plan.changes
        return apply_exec(session, desired, observed, change)

    def result(self, desired: DesiredExec, observed: ObservedExec) -> dict[str, Any]:
        return exec_result(desired, observed)
