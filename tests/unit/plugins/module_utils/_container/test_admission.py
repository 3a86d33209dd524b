# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans that resource pools cannot admit are refused, and those that they can are not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from pyVmomi import vim

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import (
    OFF,
    ON,
    SUSPENDED,
    DesiredContainer,
    Machine,
    ObservedContainer,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.observe_pools import observe_pools
from ansible_collections.gantry.vsphere.plugins.module_utils._container.plan import plan_containers
from ansible_collections.gantry.vsphere.plugins.module_utils._container.plan_admission import admission_problems
from ansible_collections.gantry.vsphere.plugins.module_utils._container.target import new_machine
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.model import (
    CPU,
    MEMORY,
    NEW_ALLOCATION,
    UNLIMITED,
    PoolState,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.model_capacity import PoolCapacity
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.collector import Row
from tests.support.builders.containers import IMAGES, PLACE, POOLS, desired_container
from tests.support.builders.inventory import Property, Ref, small_inventory

ROOT = "root"


def pool(
    moid: str,
    path: str,
    *,
    parent: str | None = ROOT,
    memory: int = 0,
    cpu: int = 0,
    limit: int | str = UNLIMITED,
    expandable: bool = False,
    used: int = 0,
    free: int = 0,
) -> PoolCapacity:
    common = {**NEW_ALLOCATION, "expandable_reservation": expandable}
    allocations = {CPU: {**common, "reservation": cpu}, MEMORY: {**common, "reservation": memory, "limit": limit}}
    state = PoolState(moid, allocations, used={CPU: 0, MEMORY: used})
    return PoolCapacity(moid, path, parent, state, {CPU: 10_000, MEMORY: free})


def root(free: int) -> PoolCapacity:
    return pool(ROOT, "/C0/Resources", parent=None, expandable=True, free=free)


def tenant(number: int = 0, **settings: Any) -> PoolCapacity:
    return pool(POOLS[number].moid, f"/C0/Resources/tenant{number}", **settings)


def desire(name: str = "web", memory: str = "0", size: str = "1G", **options: Any) -> DesiredContainer:
    return desired_container(
        **{
            "name": name,
            "image": "image:0",
            "networks": [{"name": "net0"}],
            "memory_reservation": memory,
            "memory": size,
            **options,
        }
    )


def existing(desired: DesiredContainer, power: str = ON, number: int = 0) -> Machine:
    assert desired.config is not None
    machine = new_machine(desired, desired.config, desired.name, IMAGES[0], PLACE)
    assert machine.document is not None
    return replace(
        machine,
        moid=f"vm-of-{desired.name}",
        container_id="id-1",
        power=power,
        pool=POOLS[number],
        document={**machine.document, "id": "id-1"},
        status={"state": "running"},
    )


def plan(
    pools: Sequence[PoolCapacity], *ones: tuple[DesiredContainer, Machine | None], number: int = 0, image: int = 0
) -> list[str]:
    """Return the actions for containers that the task puts into a tenant's pool."""
    place = replace(PLACE, pool=POOLS[number])
    pairs = [
        (desired, ObservedContainer(machine=machine, image=IMAGES[image], place=place, pools=tuple(pools)))
        for desired, machine in ones
    ]
    return plan_containers(pairs).actions()


def refusal(pools: Sequence[PoolCapacity], *ones: tuple[DesiredContainer, Machine | None], **more: Any) -> str:
    with pytest.raises(GantryError) as caught:
        plan(pools, *ones, **more)
    return caught.value.message


def test_a_new_container_takes_its_reservation_and_its_overhead_of_the_pool() -> None:
    full = [tenant(memory=300, used=100), root(9999)]
    assert plan(full, (desire(memory="199M"), None)) == ["create web from image:0", "start web"]
    assert refusal(full, (desire(memory="200M"), None)) == (
        "Resource pool /C0/Resources/tenant0 has 200 MiB of memory left to reserve, and web would take at least 201 "
        "MiB of memory, with the overhead of what starts. Reduce memory_reservation, stop containers in the pool, "
        "select another resource_pool, or raise memory.reservation or memory.limit of the pool or make its "
        "reservation expandable; see resource_pool."
    )


def test_a_pool_that_has_nothing_starts_nothing_but_lets_it_be_created() -> None:
    empty = [tenant(), root(9999)]
    assert "0 MiB of memory left to reserve" in refusal(empty, (desire(), None))
    assert plan(empty, (desire(memory="100M", state="present"), None)) == ["create web from image:0"]
    assert plan(empty, (desire(memory="100M"), existing(desire(memory="100M")))) == []


def test_an_expandable_pool_takes_of_the_pools_above_it_up_to_its_limit() -> None:
    parts = [tenant(memory=100, used=60, expandable=True), root(59)]
    assert plan(parts, (desire(memory="98M"), None))
    assert "Resource pool /C0/Resources has 59 MiB" in refusal(parts, (desire(memory="99M"), None))
    limited = [tenant(memory=100, used=60, expandable=True, limit=1024), root(9999)]
    assert plan(limited, (desire(memory="963M"), None))
    assert "/C0/Resources/tenant0 has 964 MiB" in refusal(limited, (desire(memory="964M"), None))


def test_pools_share_what_the_pool_above_them_has() -> None:
    shared = [tenant(0, expandable=True), tenant(1, expandable=True), root(300)]
    there = existing(desire("db", memory="150M"), OFF, number=1)
    ones = (desire("web", memory="148M"), None), (desired_container(name="db"), there)
    assert plan(shared, *ones)
    larger = (desire("web", memory="149M"), None), ones[1]
    assert "web, db would take at least 301 MiB" in refusal(shared, *larger)


@pytest.mark.parametrize("power", [OFF, SUSPENDED])
def test_a_start_needs_the_reservation(power: str) -> None:
    there = existing(desire(memory="200M"), power)
    assert "would take at least 201 MiB" in refusal([tenant(memory=200), root(9999)], (desire(memory="200M"), there))


def test_more_for_a_running_container_needs_only_the_difference() -> None:
    there = existing(desire(memory="200M"))
    full = [tenant(memory=300, used=225), root(9999)]
    assert plan(full, (desire(memory="275M"), there)) == ["reconfigure web: memory_reservation"]
    message = refusal(full, (desire(memory="276M"), there))
    assert "has 75 MiB of memory left to reserve, and web would take 76 MiB of memory. Reduce" in message
    assert plan(full, (desire(memory="100M"), there)) == ["reconfigure web: memory_reservation"]


def test_cpu_is_admitted_too() -> None:
    some = [tenant(memory=500, cpu=400), root(9999)]
    assert plan(some, (desire(cpu_reservation=400), None))
    message = refusal(some, (desire(cpu_reservation=401), None))
    assert "has 400 MHz of CPU left to reserve, and web would take 401 MHz of CPU. Reduce cpu_reservation" in message


def test_a_replacement_takes_the_place_of_its_predecessor() -> None:
    there = existing(desire(memory="200M"))
    full = [tenant(memory=225, used=225), root(9999)]
    assert "start web" in plan(full, (desire(memory="200M"), there), image=1)
    assert "would take 1 MiB of memory. " in refusal(full, (desire(memory="201M"), there), image=1)


def test_a_container_that_is_stopped_makes_room_for_another_one() -> None:
    there = existing(desire("db", memory="200M"))
    full = [tenant(memory=225, used=225), root(9999)]
    ones = (desire("web", memory="200M"), None), (desire("db", memory="200M", state="stopped"), there)
    assert "start web" in plan(full, *ones)
    assert "web would take" in refusal(full, ones[0], (desire("db", memory="200M"), there))


def test_a_move_needs_the_reservation_in_the_other_pool_only() -> None:
    there = existing(desire(memory="200M"))
    inside = pool(POOLS[1].moid, "/C0/Resources/tenant0/web", parent=POOLS[0].moid, expandable=True)
    own = [tenant(memory=225, used=225), inside, root(0)]
    assert plan(own, (desire(memory="200M"), there), number=1) == ["move web to resource pool pool1"]
    other = [tenant(memory=225, used=225), tenant(1, memory=200), root(0)]
    assert "/C0/Resources/tenant1 has 200 MiB" in refusal(other, (desire(memory="200M"), there), number=1)


def test_a_root_pool_without_memory_is_no_reason_for_a_container_without_a_reservation() -> None:
    assert plan([tenant(expandable=True), root(0)], (desire(), None))
    assert refusal([tenant(expandable=True), root(0)], (desire(memory="1M"), None))


def test_the_limit_of_a_pool_is_for_all_memory_of_what_is_created_or_grows_in_it() -> None:
    limited = [tenant(memory=500, limit=1500), root(9999)]
    db = (desire("db"), existing(desire("db")))
    assert plan(limited, (desire(memory="1M", state="present"), None)) == ["create web from image:0"]
    message = refusal(limited, (desire(state="present"), None), db)
    assert "has a memory limit of 1500 MiB, and web, db would have 2048 MiB of memory in it" in message
    large = desire("db", size="2G")
    assert "db would have 2048 MiB" in refusal(limited, (large, db[1]))
    assert plan(limited, (large, existing(large))) == []


def test_what_runs_beside_each_other_in_an_update_needs_both_reservations() -> None:
    wanted = desire(memory="100M")
    old = existing(wanted)
    place = replace(PLACE, pool=POOLS[0])

    def problems(memory: int) -> list[str]:
        pools = (tenant(memory=memory, used=101), root(9999))
        planned = [(ObservedContainer(machine=old, image=IMAGES[0], place=place, pools=pools), ())]
        assert list(admission_problems(planned)) == []
        return [one.message for one in admission_problems(planned, [[old], []])]

    assert problems(202) == []
    (message,) = problems(201)
    assert message == (
        "Resource pool /C0/Resources/tenant0 has 100 MiB of memory left to reserve. The update of web starts "
        "the new VMs before it stops the old ones (order: start-first), which would take 101 MiB of memory. Raise "
        "memory.reservation or memory.limit of the pool or make its reservation expandable, give a lower parallelism, "
        "or order: stop-first."
    )


def test_a_root_pool_admits_more_memory_than_its_hosts_have() -> None:
    hosts = replace(tenant(memory=1500, limit=1500), root=True)
    assert plan([hosts], (desire(size="2G"), None)) == ["create web from image:0", "start web"]


def pool_row(moid: str, name: str, parent: str, kind: str = "ResourcePool") -> Row:
    """Return a row of a pool with reservations of 100, of which 30 are used, and nothing left above it."""
    shares = vim.SharesInfo(level="normal", shares=1)
    info = vim.ResourceAllocationInfo(reservation=100, limit=-1, expandableReservation=True, shares=shares)
    usage = {
        unit: vim.ResourcePool.ResourceUsage(reservationUsed=30 * factor, unreservedForVm=70 * factor)
        for unit, factor in (("cpu", 1), ("memory", 1 << 20))
    }
    values = {
        "name": name,
        "parent": Ref(kind, parent),
        "config": vim.ResourceConfigSpec(cpuAllocation=info, memoryAllocation=info),
        "runtime": vim.ResourcePool.RuntimeInfo(**usage),
    }
    return Row(Ref("ResourcePool", moid), [Property(key, value) for key, value in values.items()])


def test_pools_are_read_up_to_the_first_that_the_user_may_not_read() -> None:
    inventory = small_inventory(pool_row("p-web", "web", "p-prod"), pool_row("p-prod", "prod", "rp0"))
    place = replace(PLACE, pool=inventory.entry("p-web"))
    (observed,) = observe_pools(inventory, [ObservedContainer(place=place)])
    assert [(one.path.rpartition("/")[2], one.parent) for one in observed.pools] == [("web", "p-prod"), ("prod", None)]
    assert [one.free for one in observed.pools] == [{CPU: 70, MEMORY: 70}] * 2
    assert [one.state.used for one in observed.pools] == [{CPU: 30, MEMORY: 30}] * 2
    assert not any(one.root for one in observed.pools)
    inventory = small_inventory(
        pool_row("p-web", "web", "rp-c0"), pool_row("rp-c0", "Resources", "c0", "ClusterComputeResource")
    )
    (observed,) = observe_pools(inventory, [ObservedContainer(place=replace(PLACE, pool=inventory.entry("p-web")))])
    assert [one.root for one in observed.pools] == [False, True]
    place = replace(PLACE, pool=inventory.entry("rp0"))
    assert [one.pools for one in observe_pools(inventory, [ObservedContainer(place=place)])] == [()]
