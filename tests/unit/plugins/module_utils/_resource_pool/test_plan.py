# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resource pools: plans that converge, what vCenter would refuse, and the API's own words for allocations."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.decode import decode_allocations
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.desire import desire_pool
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.encode import encode_pool
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.model import (
    CPU,
    LEVEL_OF_SHARES,
    MEMORY,
    NEW_ALLOCATION,
    SHARES_LEVELS,
    UNLIMITED,
    DesiredPool,
    ObservedPool,
    PoolState,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.plan import plan_pool
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.resolve import resolve_pool
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.result import pool_result
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.collector import Row
from tests.support.builders.inventory import REFS, Property, Ref, small_inventory

PATH = "/DC0/host/C0/Resources/prod"
ENOUGH = {CPU: 10_000, MEMORY: 10_000}
DEFAULTS = {CPU: dict(NEW_ALLOCATION), MEMORY: dict(NEW_ALLOCATION)}


def desired(path: str = "prod", **params: Any) -> DesiredPool:
    unset = {"datacenter": "DC0", "cluster": "C0", "state": "present", CPU: None, MEMORY: None}
    return desire_pool({"path": path, **unset, **params})


def observed(task: DesiredPool, pool: PoolState | None, **facts: Any) -> ObservedPool:
    return ObservedPool(resolve_pool(small_inventory(), task), pool, **{"free": ENOUGH, **facts})


def state(used: dict[str, int] | None = None, **cpu: Any) -> PoolState:
    return PoolState("p-prod", {CPU: {**NEW_ALLOCATION, **cpu}, MEMORY: NEW_ALLOCATION}, used or {})


def _allocation(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    amounts = st.integers(0, 5000)
    shares = st.sampled_from(SHARES_LEVELS) | st.integers(1, 100_000).filter(lambda n: n not in LEVEL_OF_SHARES[kind])
    values = {
        "reservation": amounts,
        "limit": st.just(UNLIMITED) | amounts,
        "expandable_reservation": st.booleans(),
        "shares": shares,
    }
    valid = st.fixed_dictionaries(values)
    return valid.filter(lambda one: one["limit"] == UNLIMITED or one["limit"] >= one["reservation"])


_allocations = st.fixed_dictionaries({CPU: _allocation(CPU), MEMORY: _allocation(MEMORY)})


def _params(allocations: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """As a task gives them."""
    memory = {
        name: f"{value}M" if name in ("reservation", "limit") and value != UNLIMITED else value
        for name, value in allocations[MEMORY].items()
    }
    given = {CPU: allocations[CPU], MEMORY: memory}
    return {kind: {**one, "limit": str(one["limit"]), "shares": str(one["shares"])} for kind, one in given.items()}


@given(_allocations, _allocations)
def test_a_plan_leads_to_what_is_desired_and_then_to_nothing(
    wanted: dict[str, dict[str, Any]], found: dict[str, dict[str, Any]]
) -> None:
    task = desired(**_params(wanted))
    for pool in (None, PoolState("p-prod", found)):
        before = observed(task, pool)
        after = plan_pool(task, before).project(before)
        assert after.pool is not None
        assert after.pool.allocations == wanted
        assert not plan_pool(task, after).changed


@given(_allocations, st.sampled_from((CPU, MEMORY)), st.sampled_from(("expandable_reservation", "shares")))
def test_only_what_is_given_changes(found: dict[str, dict[str, Any]], kind: str, name: str) -> None:
    value: Any = not found[kind][name] if name == "expandable_reservation" else "1"
    task = desired(**{kind: {name: value}})
    before = observed(task, PoolState("p-prod", found))
    plan = plan_pool(task, before)
    after = plan.project(before).pool
    assert after is not None
    now = {one: dict(allocation) for one, allocation in after.allocations.items()}
    now[kind][name] = found[kind][name]
    assert now == found


@given(_allocations)
def test_the_api_says_the_same(allocations: dict[str, dict[str, Any]]) -> None:
    assert decode_allocations(encode_pool(allocations)) == allocations


def test_the_diff_has_values_as_the_options_take_them() -> None:
    task = desired(cpu={"limit": "100"}, memory={"reservation": "1G"})
    plan = plan_pool(task, observed(task, state()))
    assert plan.actions() == ["set cpu.limit: 100", "set memory.reservation: 1024M"]
    assert plan.diff() == {
        "before": {"resource_pools": {PATH: {"cpu": {"limit": "unlimited"}, "memory": {"reservation": "0M"}}}},
        "after": {"resource_pools": {PATH: {"cpu": {"limit": 100}, "memory": {"reservation": "1024M"}}}},
    }


def test_a_new_pool_needs_its_parent_and_drs() -> None:
    task = desired("prod/db/replica")
    with pytest.raises(GantryError, match="prod has no pool 'db'"):
        plan_pool(task, observed(task, None))
    task = desired("new")
    with pytest.raises(GantryError, match="because DRS of /DC0/host/C0 is disabled"):
        plan_pool(task, observed(task, None, drs_enabled=False))
    made = plan_pool(task, observed(task, None)).project(observed(task, None))
    assert pool_result(made)["resource_pool"] == {
        "path": "/DC0/host/C0/Resources/new",
        "moid": None,
        "cpu": NEW_ALLOCATION,
        "memory": {**NEW_ALLOCATION, "reservation": "0M"},
    }


def test_the_pool_of_a_name_is_that_of_its_cluster() -> None:
    inventory = small_inventory()

    def moid(path: str, **params: Any) -> str | None:
        pool = resolve_pool(inventory, desired(path, **params)).pool
        return None if pool is None else pool.moid

    assert moid("prod") == "p-prod"
    assert moid("prod", cluster="C1") == "p-prod1"
    assert moid("prod/web") == "p-web"
    assert moid("web") is None
    assert moid("/DC0/host/C1/Resources/prod", cluster=None, datacenter=None) == "p-prod1"
    with pytest.raises(GantryError, match="not below /DC0/host/C0/Resources"):
        moid("/DC0/host/C1/Resources/prod")


def test_a_pool_can_be_in_a_vapp_but_is_none() -> None:
    facts = {"name": "shop", "parent": REFS["rp0"], "owner": REFS["c0"]}
    vapp = Row(Ref("VirtualApp", "vapp"), [Property(name, value) for name, value in facts.items()])
    inventory = small_inventory(vapp)
    place = resolve_pool(inventory, desired("shop/web"))
    assert (place.parent.moid, place.missing) == ("vapp", ("web",))
    with pytest.raises(GantryError, match="'shop' is a vApp, not a resource pool"):
        resolve_pool(inventory, desired("shop"))


def test_no_more_is_reserved_than_the_parent_has_left() -> None:
    free = {CPU: 100, MEMORY: 50}
    task = desired("new", cpu={"reservation": 101})
    with pytest.raises(GantryError, match="takes 101 MHz more of /DC0/host/C0/Resources, and that has 100 MHz left"):
        plan_pool(task, observed(task, None, free=free))
    # Of a pool that exists only what it takes more counts; an expandable one may have taken it already.
    task = desired(cpu={"reservation": 350})
    assert plan_pool(task, observed(task, state(reservation=250), free=free)).changed
    assert plan_pool(task, observed(task, state(used={CPU: 250}), free=free)).changed
    with pytest.raises(GantryError, match="101 MHz more"):
        plan_pool(task, observed(task, state(reservation=249), free=free))
    strict = state(expandable_reservation=False)
    with pytest.raises(GantryError, match="350 MHz more"):
        plan_pool(task, observed(task, strict, free=free))
    # Without a word of vCenter it is left to vCenter, and less is always possible.
    assert plan_pool(task, observed(task, state(), free={})).changed
    less = desired(cpu={"reservation": 0})
    assert plan_pool(less, observed(less, state(reservation=250), free={CPU: 0, MEMORY: 0})).changed


def test_a_limit_is_not_less_than_the_reservation() -> None:
    task = desired(cpu={"limit": "99"})
    with pytest.raises(GantryError, match="would be 99 MHz, which is less than its reservation of 100 MHz"):
        plan_pool(task, observed(task, state(reservation=100)))
    assert plan_pool(task, observed(task, state(reservation=99))).changed


def test_a_pool_keeps_what_is_reserved_in_it() -> None:
    used = {CPU: 300, MEMORY: 0}
    lower = desired(cpu={"limit": "299"})
    with pytest.raises(GantryError, match=r"could reserve 299 MHz at most.* reserved 300 MHz.* Change cpu\.limit,"):
        plan_pool(lower, observed(lower, state(used)))
    for task in (desired(cpu={"reservation": 299}), desired(cpu={"reservation": 0})):
        with pytest.raises(GantryError, match=r"Change cpu\.reservation or make it expandable,"):
            plan_pool(task, observed(task, state(used, reservation=400, expandable_reservation=False)))
        assert plan_pool(task, observed(task, state(used, reservation=400))).changed
    fixed = desired(cpu={"expandable_reservation": False})
    with pytest.raises(GantryError, match="could reserve 100 MHz at most"):
        plan_pool(fixed, observed(fixed, state(used, reservation=100)))
    assert plan_pool(fixed, observed(fixed, state(used, reservation=300))).changed
    # What does not make it worse is left to vCenter.
    shares = desired(cpu={"shares": "high", "limit": "250"})
    assert plan_pool(shares, observed(shares, state(used, limit=200))).changed


def test_only_an_empty_pool_is_removed() -> None:
    task = desired(state="absent")
    full = PoolState("p-prod", DEFAULTS, contents=("vm1", "web"))
    with pytest.raises(GantryError, match=r"not empty: vm1, web\. vCenter would move that"):
        plan_pool(task, observed(task, full))
    before = observed(task, state())
    plan = plan_pool(task, before)
    assert plan.actions() == [f"remove {PATH}"]
    gone = plan.project(before)
    assert pool_result(gone) == {"cluster": "/DC0/host/C0", "resource_pool": None}
    assert not plan_pool(task, gone).changed


@pytest.mark.parametrize(
    ("kind", "given", "message"),
    [
        (CPU, {"limit": "2GHz"}, "not a number of MHz"),
        (CPU, {"limit": "-1"}, "Write unlimited for no limit"),
        (CPU, {"reservation": -1}, r"must not be negative\.$"),
        (CPU, {"shares": "custom"}, "low, normal, high or a number"),
        (CPU, {"shares": "0"}, "low, normal, high or a number"),
        (MEMORY, {"reservation": "512"}, "512 bytes"),
        (MEMORY, {"reservation": "1.0001M"}, "whole MiB"),
        (MEMORY, {"limit": "infinite"}, "not a size"),
    ],
)
def test_wrong_values_are_refused(kind: str, given: dict[str, Any], message: str) -> None:
    with pytest.raises(GantryError, match=message):
        desired(**{kind: given})


def test_values_of_options() -> None:
    task = desired(
        cpu={"reservation": 0, "limit": "0", "expandable_reservation": False, "shares": "4000"},
        memory={"reservation": "0", "limit": "1.5G", "expandable_reservation": None, "shares": "81920"},
    )
    assert task.allocations == {
        CPU: {"reservation": 0, "limit": 0, "expandable_reservation": False, "shares": "normal"},
        MEMORY: {"reservation": 0, "limit": 1536, "shares": "low"},
    }
