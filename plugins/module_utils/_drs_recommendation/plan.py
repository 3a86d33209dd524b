# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What DRS recommends, and the choice of what of it is applied or refused. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_recommendation.changes import ChangeRecommendation
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_recommendation.model import (
    APPLY,
    CANCEL,
    LIST,
    Choice,
    Recommendation,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.model import Surroundings
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan


def choose(
    choice: Choice, vms: frozenset[str] | None, recommendations: Sequence[Recommendation]
) -> tuple[Recommendation, ...]:
    """Those meant, in vCenter's order. To apply one is also to apply what it presupposes, which comes before it."""
    chosen = [
        one
        for one in recommendations
        if (choice.keys is None or one.key in choice.keys)
        and (choice.reasons is None or one.reason in choice.reasons)
        and (vms is None or any(move.vm in vms for move in one.moves))
    ]
    if choice.action != APPLY:
        return tuple(chosen)
    known = {one.key: one for one in recommendations}
    ordered: dict[str, Recommendation] = {}

    def take(one: Recommendation, above: frozenset[str]) -> None:
        for key in one.prerequisites:
            if key in known and key not in above:
                take(known[key], above | {key})
        ordered.setdefault(one.key, one)

    for one in chosen:
        take(one, frozenset({one.key}))
    return tuple(ordered.values())


def plan_recommendations(
    choice: Choice, chosen: Sequence[Recommendation], around: Surroundings
) -> Plan[ChangeRecommendation]:
    if choice.action == LIST:
        return Plan()
    if choice.action == CANCEL:
        fixed = [one.describe(around) for one in chosen if not one.is_placement]
        if fixed:
            raise GantryError(
                "vCenter cancels only recommendations of where VMs are powered on, and not "
                f"{'; '.join(fixed)}. Such a recommendation goes when its cause does; to have a VM left where it is, "
                "use drs_override. To cancel those that can be, give reasons: [powerOnVm]"
            )
    return Plan(tuple(ChangeRecommendation(around, one, choice.action == CANCEL) for one in chosen))
