# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operations of container_vm and container_vm_info."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import raise_all
from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._container.apply import apply_containers
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes import ContainerChange
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes_effects import container_effects
from ansible_collections.gantry.vsphere.plugins.module_utils._container.desire import (
    desire_container,
    desire_container_info,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import (
    ContainerSelection,
    DesiredContainer,
    Machine,
    ObservedContainer,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.observe import observe_container
from ansible_collections.gantry.vsphere.plugins.module_utils._container.observe_info import observe_container_info
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options import (
    container_argument_spec,
    info_argument_spec,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_refused import refusals
from ansible_collections.gantry.vsphere.plugins.module_utils._container.plan import plan_containers
from ansible_collections.gantry.vsphere.plugins.module_utils._container.result import (
    container_task_result,
    containers_result,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.operation import Effect, InfoOperation, Operation
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.options import argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


class ContainerVm(Operation[DesiredContainer, ObservedContainer, ContainerChange]):
    """Manage one container VM."""

    name = "container_vm"
    argument_spec = argument_spec(**container_argument_spec())

    def refuse(self, options: Iterable[str]) -> None:
        raise_all(refusals(options))

    def desire(self, params: Mapping[str, Any]) -> DesiredContainer:
        return desire_container(params)

    def observe(self, session: Session, desired: DesiredContainer) -> ObservedContainer:
        return observe_container(session, desired)

    def plan(self, desired: DesiredContainer, observed: ObservedContainer) -> Plan[ContainerChange]:
        return plan_containers([(desired, observed)])

    def apply(
        self,
        session: Session,
        desired: DesiredContainer,
        observed: ObservedContainer,
        plan: Plan[ContainerChange],
        report: Report,
    ) -> ObservedContainer:
        apply_containers(session, plan.changes, report)
        return observe_container(session, desired, refresh=True)

    def effects(self, plan: Plan[ContainerChange]) -> list[Effect]:
        return container_effects([plan.changes])

    def result(self, desired: DesiredContainer, observed: ObservedContainer) -> dict[str, Any]:
        return container_task_result(desired, observed)


class ContainerVmInfo(InfoOperation[ContainerSelection, Sequence[Machine]]):
    """container_vm_info."""

    name = "container_vm_info"
    argument_spec = argument_spec(**info_argument_spec())

    def desire(self, params: Mapping[str, Any]) -> ContainerSelection:
        return desire_container_info(params)

    def observe(self, session: Session, desired: ContainerSelection) -> Sequence[Machine]:
        return observe_container_info(session, desired)

    def result(self, desired: ContainerSelection, observed: Sequence[Machine]) -> dict[str, Any]:
        return containers_result(observed, desired)
