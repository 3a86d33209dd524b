# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operation behind drs_recommendation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_recommendation.apply import await_moves
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_recommendation.changes import ChangeRecommendation
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_recommendation.decode import decode_recommendation
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_recommendation.desire import parse_choice
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_recommendation.model import (
    Choice,
    ObservedRecommendations,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_recommendation.options import (
    recommendation_argument_spec,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_recommendation.plan import (
    choose,
    plan_recommendations,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_recommendation.result import recommendation_result
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.observe import find_place
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.operation import Operation
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.options import argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.clusters import place_argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.selectors import select_vms
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.faults import FaultError

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


class RecommendationOperation(Operation[Choice, ObservedRecommendations, ChangeRecommendation]):
    name = "drs_recommendation"
    argument_spec = argument_spec(**place_argument_spec(), **recommendation_argument_spec())

    def desire(self, params: Mapping[str, Any]) -> Choice:
        return parse_choice(params)

    def observe(self, session: Session, desired: Choice) -> ObservedRecommendations:
        place = find_place(session, desired.cluster, desired.datacenter)
        rows = session.read([place.cluster.ref], ["recommendation"])
        found = [decode_recommendation(one) for row in rows for one in row.get("recommendation") or ()]
        vms = None
        if desired.vms is not None:
            selected = select_vms(place.inventory, desired.vms, datacenter=place.datacenter, option="vms")
            vms = frozenset(vm.moid for vm in selected)
        known = {one.key for one in found}
        missing = tuple(key for key in desired.keys or () if key not in known)
        return ObservedRecommendations(place, choose(desired, vms, found), missing)

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
        cluster = observed.place.cluster
        done: list[str] = []
        for change in plan.changes:
            report(change.describe())
            call = cluster.ref.CancelRecommendation if change.cancel else cluster.ref.ApplyRecommendation
            try:
                call(key=change.recommendation.key)
            except FaultError as error:
                before = f" Done before: {'; '.join(done)}." if done else ""
                raise GantryError(
                    f"Cannot {change.describe()}: vCenter answered {error.kind}. It may have been applied or withdrawn "
                    f"meanwhile: list the recommendations again.{before}",
                    fault=error.fault,
                ) from error
            done.append(change.describe())
        if desired.wait:
            moves = [move for change in plan.changes if not change.cancel for move in change.recommendation.moves]
            await_moves(session, observed.place, moves, desired.wait_timeout)
        return observed

    def result(self, desired: Choice, observed: ObservedRecommendations) -> dict[str, Any]:
        around = observed.place.around
        return {
            "cluster": observed.place.cluster.path,
            "recommendations": [recommendation_result(one, around) for one in observed.chosen],
            "warnings": [
                f"there is no recommendation {key} in {observed.place.cluster.path}, or not any more"
                for key in observed.missing
            ],
        }
