# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operation of drs_cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_cluster.apply import apply_settings
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_cluster.changes import ChangeSetting
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_cluster.desire import desire_settings
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_cluster.model import DesiredSettings, ObservedSettings
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_cluster.observe import observe_settings
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_cluster.options import settings_argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_cluster.plan import plan_cluster
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_cluster.result import settings_result
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.operation import Operation
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.options import argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.clusters import place_argument_spec

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


class DrsCluster(Operation[DesiredSettings, ObservedSettings, ChangeSetting]):
    name = "drs_cluster"
    argument_spec = argument_spec(**place_argument_spec(), **settings_argument_spec())

    def desire(self, params: Mapping[str, Any]) -> DesiredSettings:
        return desire_settings(params)

    def observe(self, session: Session, desired: DesiredSettings) -> ObservedSettings:
        return observe_settings(session, desired)

    def plan(self, desired: DesiredSettings, observed: ObservedSettings) -> Plan[ChangeSetting]:
        return plan_cluster(observed)

    def apply(
        self,
        session: Session,
        desired: DesiredSettings,
        observed: ObservedSettings,
        plan: Plan[ChangeSetting],
        report: Report,
    ) -> ObservedSettings:
        return apply_settings(session, observed, plan, plan_cluster, report)

    def result(self, desired: DesiredSettings, observed: ObservedSettings) -> dict[str, Any]:
        return settings_result(observed)
