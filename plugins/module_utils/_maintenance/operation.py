# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operation of host_maintenance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.operation import Operation
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.options import argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._maintenance.apply import apply_maintenance
from ansible_collections.gantry.vsphere.plugins.module_utils._maintenance.changes import MaintenanceChange
from ansible_collections.gantry.vsphere.plugins.module_utils._maintenance.desire import desire_maintenance
from ansible_collections.gantry.vsphere.plugins.module_utils._maintenance.model import MaintenanceRequest, ObservedHost
from ansible_collections.gantry.vsphere.plugins.module_utils._maintenance.observe import observe_maintenance
from ansible_collections.gantry.vsphere.plugins.module_utils._maintenance.options import maintenance_argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._maintenance.plan import plan_maintenance
from ansible_collections.gantry.vsphere.plugins.module_utils._maintenance.result import maintenance_result

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


class HostMaintenance(Operation[MaintenanceRequest, ObservedHost, MaintenanceChange]):
    """Put a host into maintenance mode, or take it out."""

    name = "host_maintenance"
    argument_spec = argument_spec(**maintenance_argument_spec())

    def desire(self, params: Mapping[str, Any]) -> MaintenanceRequest:
        return desire_maintenance(params)

    def observe(self, session: Session, desired: MaintenanceRequest) -> ObservedHost:
        return observe_maintenance(session, desired)

    def plan(self, desired: MaintenanceRequest, observed: ObservedHost) -> Plan[MaintenanceChange]:
        return plan_maintenance(desired, observed)

    def apply(
        self,
        session: Session,
        desired: MaintenanceRequest,
        observed: ObservedHost,
        plan: Plan[MaintenanceChange],
        report: Report,
    ) -> ObservedHost:
        return apply_maintenance(session, desired, observed, plan, report)

    def result(self, desired: MaintenanceRequest, observed: ObservedHost) -> dict[str, Any]:
        return maintenance_result(observed)
