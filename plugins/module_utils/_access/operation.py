# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operation of access."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._access.apply import apply_access
from ansible_collections.gantry.vsphere.plugins.module_utils._access.changes import AccessChange
from ansible_collections.gantry.vsphere.plugins.module_utils._access.desire import desire_access
from ansible_collections.gantry.vsphere.plugins.module_utils._access.model import DesiredAccess, ObservedAccess
from ansible_collections.gantry.vsphere.plugins.module_utils._access.observe import observe_access
from ansible_collections.gantry.vsphere.plugins.module_utils._access.options import access_argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._access.plan import plan_access
from ansible_collections.gantry.vsphere.plugins.module_utils._access.result import access_result
from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.operation import Operation
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.options import argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


class Access(Operation[DesiredAccess, ObservedAccess, AccessChange]):
    name = "access"
    argument_spec = argument_spec(**access_argument_spec())

    def desire(self, params: Mapping[str, Any]) -> DesiredAccess:
        return desire_access(params)

    def observe(self, session: Session, desired: DesiredAccess) -> ObservedAccess:
        return observe_access(session, desired)

    def plan(self, desired: DesiredAccess, observed: ObservedAccess) -> Plan[AccessChange]:
        return plan_access(desired, observed)

    def apply(
        self,
        session: Session,
        desired: DesiredAccess,
        observed: ObservedAccess,
        plan: Plan[AccessChange],
        report: Report,
    ) -> ObservedAccess:
        return apply_access(session, observed, plan, report)

    def result(self, desired: DesiredAccess, observed: ObservedAccess) -> dict[str, Any]:
        return access_result(desired, observed)
