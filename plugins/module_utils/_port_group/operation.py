# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operation of port_group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.operation import Operation
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.options import argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._port_group.apply import apply_port_group
from ansible_collections.gantry.vsphere.plugins.module_utils._port_group.changes import PortGroupChange
from ansible_collections.gantry.vsphere.plugins.module_utils._port_group.desire import desire_port_group
from ansible_collections.gantry.vsphere.plugins.module_utils._port_group.model import (
    DesiredPortGroup,
    ObservedPortGroup,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._port_group.observe import observe_port_group
from ansible_collections.gantry.vsphere.plugins.module_utils._port_group.options import (
    NOT_TOGETHER,
    port_group_argument_spec,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._port_group.plan import plan_port_group
from ansible_collections.gantry.vsphere.plugins.module_utils._port_group.result import port_group_result

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


class PortGroup(Operation[DesiredPortGroup, ObservedPortGroup, PortGroupChange]):
    name = "port_group"
    argument_spec = argument_spec(**port_group_argument_spec())
    mutually_exclusive = NOT_TOGETHER

    def desire(self, params: Mapping[str, Any]) -> DesiredPortGroup:
        return desire_port_group(params)

    def observe(self, session: Session, desired: DesiredPortGroup) -> ObservedPortGroup:
        return observe_port_group(session, desired)

    def plan(self, desired: DesiredPortGroup, observed: ObservedPortGroup) -> Plan[PortGroupChange]:
        return plan_port_group(desired, observed)

    def apply(
        self,
        session: Session,
        desired: DesiredPortGroup,
        observed: ObservedPortGroup,
        plan: Plan[PortGroupChange],
        report: Report,
    ) -> ObservedPortGroup:
        return apply_port_group(session, desired, observed, plan, report)

    def result(self, desired: DesiredPortGroup, observed: ObservedPortGroup) -> dict[str, Any]:
        return port_group_result(observed)
