# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test which recommendations are selected, in which order, and which cannot be canceled."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_recommendation.desire import desire_recommendations
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_recommendation.model import Move, Recommendation
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_recommendation.options import (
    recommendation_argument_spec,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_recommendation.plan import plan_recommendations
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_recommendation.target import choose
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.clusters import place_argument_spec
from tests.support.builders.drs import AROUND, params

MOVE = Recommendation("1", "antiAffin", "Fix", 5, (Move("vm-0", "host-0", "host-1"),))
LATER = Recommendation("2", "fairnessCpuAvg", "Balance", 2, (Move("vm-1", "host-0", "host-2"),), (), ("3",))
FIRST = Recommendation("3", "fairnessCpuAvg", "Balance", 2, (Move("vm-2", "host-2", "host-0"),), (), ("2",))
START = Recommendation("4", "powerOnVm", "Power on", 1, (Move("vm-3", None, "host-3"),))
ALL = [MOVE, LATER, FIRST, START]


def chosen(selected: set[str] | None = None, /, **options: Any) -> list[str]:
    choice = desire_recommendations(params({**place_argument_spec(), **recommendation_argument_spec()}, **options))
    return [one.key for one in choose(choice, None if selected is None else frozenset(selected), ALL)]


def test_all_given_criteria_must_match() -> None:
    assert chosen() == ["1", "2", "3", "4"]
    assert chosen(reasons=["fairnessCpuAvg"]) == ["2", "3"]
    assert chosen({"vm-2"}, vms=["x"], reasons=["fairnessCpuAvg"]) == ["3"]
    assert chosen(keys=["1", "9"]) == ["1"]
    assert chosen(keys=["1"], reasons=["powerOnVm"]) == []


def test_prerequisites_of_a_recommendation_are_applied_before_it() -> None:
    # 2 and 3 are prerequisites of each other, which must not loop forever.
    assert chosen(action="apply", keys=["2"]) == ["3", "2"]
    assert chosen(action="apply", all=True) == ["1", "3", "2", "4"]
    assert chosen(action="cancel", keys=["4"]) == ["4"]


def test_only_placements_are_canceled() -> None:
    choice = desire_recommendations(
        params({**place_argument_spec(), **recommendation_argument_spec()}, action="cancel", all=True)
    )
    with pytest.raises(GantryError, match="move vm-0 from host-0 to host-1"):
        plan_recommendations(choice, ALL, AROUND)
    plan = plan_recommendations(choice, [START], AROUND)
    assert plan.actions() == ["cancel recommendation 4 (powerOnVm): power on vm-3 at host-3"]
    assert plan.diff() == {"before": {"recommendations": {"4": "Power on"}}, "after": {}}


@pytest.mark.parametrize(
    ("options", "message"),
    [({"action": "apply"}, "requires keys"), ({"action": "apply", "all": True, "keys": ["1"]}, "mutually exclusive")],
)
def test_invalid_selections_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(GantryError, match=message):
        chosen(**options)
