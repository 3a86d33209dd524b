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
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.several import ChangeOfOne, Several
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.apply import apply_pools
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.desire import desire_pools
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.model import DesiredPools, ObservedPool
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.observe import observe_pools
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.options import (
    NOT_WITH_POOLS,
    ONE_OF,
    pool_argument_spec,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.plan import plan_pools
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.result import pools_result

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


class ResourcePool(Operation[DesiredPools, Several[ObservedPool], ChangeOfOne]):
    name = "resource_pool"
    argument_spec = argument_spec(**pool_argument_spec())
    mutually_exclusive = NOT_WITH_POOLS
    required_one_of = ONE_OF

    def desire(self, params: Mapping[str, Any]) -> DesiredPools:
        return desire_pools(params)

    def observe(self, session: Session, desired: DesiredPools) -> Several[ObservedPool]:
        return observe_pools(session, desired)

    def plan(self, desired: DesiredPools, observed: Several[ObservedPool]) -> Plan[ChangeOfOne]:
        return plan_pools(desired, observed)

    def apply(
        self,
        session: Session,
        desired: DesiredPools,
        observed: Several[ObservedPool],
        plan: Plan[ChangeOfOne],
        report: Report,
    ) -> Several[ObservedPool]:
        return apply_pools(session, observed, plan, report)

    def result(self, desired: DesiredPools, observed: Several[ObservedPool]) -> dict[str, Any]:
        return pools_result(desired, observed)
