# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the plan for several resource pools that depend on each other."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.several import ChangeOfOne, Several
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.desire import desire_pools
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.model import (
    CPU,
    MEMORY,
    NEW_ALLOCATION,
    ObservedPool,
    PoolState,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.model_tree import settle_pools
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.plan import plan_pools
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.resolve import resolve_pool
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.result import pools_result
from tests.support.builders.inventory import small_inventory

ROOT = "/DC0/host/C0/Resources"
FREE = {CPU: 1000, MEMORY: 1000}


def pool(path: str, reservation: int = 0, *, expandable: bool = True, **memory: Any) -> dict[str, Any]:
    return {
        "path": path,
        CPU: {"reservation": reservation, "expandable_reservation": expandable},
        MEMORY: memory or None,
    }


def plan(
    *pools: dict[str, Any], found: dict[str, PoolState] | None = None, state: str = "present"
) -> tuple[Plan[ChangeOfOne], Several[ObservedPool]]:
    """Plan for pools of which those in ``found`` exist; the root pool has 1000 MHz and 1000 MB left."""
    desired = desire_pools(
        {
            "pools": [{CPU: None, MEMORY: None, **one} for one in pools],
            "datacenter": "DC0",
            "cluster": "C0",
            "state": state,
            "assume_drs": None,
            "assume_removed": [],
        }
    )
    ones = [
        ObservedPool(resolve_pool(small_inventory(), one), (found or {}).get(one.path.text), FREE)
        for one in desired.pools
    ]
    observed = Several(tuple(ones), settle_pools)
    planned = plan_pools(desired, observed)
    after = planned.project(observed)
    assert not plan_pools(desired, after).changed
    assert len(pools_result(desired, after)["resource_pools"]) == len(pools)
    return planned, after


def test_parents_are_created_first_whatever_the_order() -> None:
    planned, _after = plan(pool("new/a/b"), pool("new"), pool("new/a"))
    assert planned.actions() == [f"create {ROOT}/new", f"create {ROOT}/new/a", f"create {ROOT}/new/a/b"]


def test_a_parent_that_is_neither_there_nor_listed_is_refused() -> None:
    with pytest.raises(GantryError, match=r"Resources/new has no pool 'a'.*list them in pools too"):
        plan(pool("new"), pool("new/a/b"))


def test_neighbors_reserve_no_more_together_than_their_parent_has() -> None:
    assert plan(pool("a", 500), pool("b", 500))[0].changed
    with pytest.raises(GantryError, match=r"takes 501 MHz more of .*Resources, and that has 500 MHz left"):
        plan(pool("a", 500), pool("b", 501))


def test_a_new_pool_gives_what_it_reserves() -> None:
    assert plan(pool("a", 500, expandable=False), pool("a/x", 200), pool("a/y", 300))[0].changed
    with pytest.raises(GantryError, match=r"takes 301 MHz more of .*Resources/a, and that has 300 MHz left"):
        plan(pool("a", 500, expandable=False), pool("a/x", 200), pool("a/y", 301))


def test_an_expandable_pool_takes_the_rest_of_its_own_parent() -> None:
    assert plan(pool("a", 500), pool("a/x", 1000))[0].changed
    with pytest.raises(GantryError, match="takes 1001 MHz more"):
        plan(pool("a", 500), pool("a/x", 1001))
    # What one branch has taken is not left for the other.
    assert plan(pool("a"), pool("b"), pool("a/x", 600), pool("b/y", 400))[0].changed
    with pytest.raises(GantryError, match=r"takes 401 MHz more of .*Resources/b, and that has 400 MHz left"):
        plan(pool("a"), pool("b"), pool("a/x", 600), pool("b/y", 401))


def test_a_pool_that_is_raised_gives_more_to_those_in_it() -> None:
    strict = {**NEW_ALLOCATION, "reservation": 100, "expandable_reservation": False}
    found = {"prod": PoolState("p-prod", {CPU: strict, MEMORY: NEW_ALLOCATION}, used={CPU: 100})}
    assert plan(pool("prod", 400, expandable=False), pool("prod/new", 300), found=found)[0].changed
    with pytest.raises(GantryError, match=r"takes 301 MHz more of .*Resources/prod, and that has 300 MHz left"):
        plan(pool("prod", 400, expandable=False), pool("prod/new", 301), found=found)


def test_pools_are_removed_parents_last() -> None:
    allocations = {CPU: NEW_ALLOCATION, MEMORY: NEW_ALLOCATION}
    found = {
        "prod": PoolState("p-prod", allocations, contents=("web",)),
        "prod/web": PoolState("p-web", allocations),
    }
    planned, after = plan({"path": "prod"}, {"path": "prod/web"}, found=found, state="absent")
    assert planned.actions() == [f"remove {ROOT}/prod/web", f"remove {ROOT}/prod"]
    assert [one.pool for one in after.ones] == [None, None]
    found["prod"] = PoolState("p-prod", allocations, contents=("db", "web"))
    with pytest.raises(GantryError, match=r"prod is not removed because it is not empty: db\."):
        plan({"path": "prod"}, {"path": "prod/web"}, found=found, state="absent")


def test_a_pool_is_listed_once() -> None:
    with pytest.raises(GantryError, match="Resources/new is listed more than once"):
        plan(pool("new"), pool(f"{ROOT}/new"))
