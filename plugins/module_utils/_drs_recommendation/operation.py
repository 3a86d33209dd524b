# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operation of drs_recommendation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_recommendation.apply import apply_recommendations
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_recommendation.changes import ChangeRecommendation
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_recommendation.desire import desire_recommendations
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_recommendation.model import (
    Choice,
    ObservedRecommendations,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_recommendation.observe import observe_recommendations
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_recommendation.options import (
    recommendation_argument_spec,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_recommendation.plan import plan_recommendations
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_recommendation.result import recommendations_result
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.operation import Operation
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.options import argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.clusters import place_argument_spec

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


class DrsRecommendation(Operation[Choice, ObservedRecommendations, ChangeRecommendation]):
    name = "drs_recommendation"
    argument_spec = argument_spec(**place_argument_spec(), **recommendation_argument_spec())

    def desire(self, params: Mapping[str, Any]) -> Choice:
        return desire_recommendations(params)

    def observe(self, session: Session, desired: Choice) -> ObservedRecommendations:
        return observe_recommendations(session, desired)

    def plan(self, desired: Choice, observed: ObservedRecommendations) -> Plan[ChangeRecommendation]:
        return plan_recommendations(desired, observed.chosen, observed.place.around)

    def apply(
        self,
        session: Session,
        desired: Choice,
        observed: ObservedRecommendations,
        plan: Plan[ChangeRecommendation],
        report: Report,
    ) -> ObservedRecommendations:
        apply_recommendations(session, desired, observed.place, plan.changes, report)
        return observed

    def result(self, desired: Choice, observed: ObservedRecommendations) -> dict[str, Any]:
        return recommendations_result(observed)
