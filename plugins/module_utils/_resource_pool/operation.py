# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operation of resource_pool."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.operation import Operation
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.options import argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.apply import apply_pool
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.changes import PoolChange
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.desire import desire_pool
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.model import DesiredPool, ObservedPool
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.observe import observe_pool
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.options import pool_argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.plan import plan_pool
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.result import pool_result

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


class ResourcePool(Operation[DesiredPool, ObservedPool, PoolChange]):
    name = "resource_pool"
    argument_spec = argument_spec(**pool_argument_spec())

    def desire(self, params: Mapping[str, Any]) -> DesiredPool:
        return desire_pool(params)

    def observe(self, session: Session, desired: DesiredPool) -> ObservedPool:
        return observe_pool(session, desired)

    def plan(self, desired: DesiredPool, observed: ObservedPool) -> Plan[PoolChange]:
        return plan_pool(desired, observed)

    def apply(
        self,
        session: Session,
        desired: DesiredPool,
        observed: ObservedPool,
        plan: Plan[PoolChange],
        report: Report,
    ) -> ObservedPool:
        return apply_pool(session, observed, plan, report)

    def result(self, desired: DesiredPool, observed: ObservedPool) -> dict[str, Any]:
        return pool_result(observed)
