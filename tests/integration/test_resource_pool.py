# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""resource_pool against the lab's vCenter."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from pyVim.task import WaitForTask
from pyVmomi import vim, vmodl

from tests.support.lab.control import Control
from tests.support.lab.converging import ConvergingModule
from tests.support.lab.drive import drive
from tests.support.lab.drs import ClusterObserver

ROOT = "/DC0/host/C0/Resources"
NEW = {"reservation": 0, "limit": "unlimited", "expandable_reservation": True, "shares": "normal"}


class Pools(ConvergingModule):
    """Runs resource_pool, and looks at the pools with pyVmomi alone."""

    module = "resource_pool"

    def __init__(self, lab: dict[str, Any], calls: Control, observer: ClusterObserver) -> None:
        super().__init__(lab["vcenter"], calls)
        self.observer = observer

    @property
    def root(self) -> Any:
        return self.observer.cluster.resourcePool

    def refusal(self, path: str, **options: Any) -> str:
        """Return the message of the failure."""
        return str(self.refused(path=path, **options)["msg"])

    def pool(self, *names: str) -> Any:
        found = self.root
        for name in names:
            (found,) = [one for one in found.resourcePool if one.name == name]
        return found


@pytest.fixture
def pools(lab: dict[str, Any], calls: Control) -> Iterator[Pools]:
    """Yield what makes pools, and remove them afterwards; VMs stay, in the root pool."""
    observer = ClusterObserver(lab, lab["cluster"])
    one = Pools(lab, calls, observer)
    yield one
    calls.reset()
    while one.root.resourcePool:
        WaitForTask(one.root.resourcePool[0].Destroy_Task())
    observer.close()


def test_a_new_pool_has_the_defaults_of_vcenter(pools: Pools) -> None:
    done = pools.converge(path="prod")
    assert done["actions"] == [f"create {ROOT}/prod"]
    assert done["cluster"] == "/DC0/host/C0"
    assert done["resource_pool"] == {
        "path": f"{ROOT}/prod",
        "moid": pools.pool("prod")._moId,
        "cpu": NEW,
        "memory": {**NEW, "reservation": "0M"},
    }
    assert done["diff"]["before"] == {}
    cpu, memory = allocations(pools.pool("prod"))
    assert cpu == (0, -1, True, "normal", 4000)
    assert memory == (0, -1, True, "normal", 163840)


def test_values_are_set_and_what_is_not_given_stays(pools: Pools) -> None:
    pools.converge(
        path="prod",
        cpu={"reservation": 2000, "limit": "4000", "shares": "high"},
        memory={"reservation": "1G", "limit": "2G", "expandable_reservation": False, "shares": "1000"},
    )
    cpu, memory = allocations(pools.pool("prod"))
    assert cpu == (2000, 4000, True, "high", 8000)
    assert memory == (1024, 2048, False, "custom", 1000)
    done = pools.converge(path="prod", cpu={"limit": "unlimited"}, memory={"reservation": "512M"})
    assert done["actions"] == ["set cpu.limit: unlimited", "set memory.reservation: 512M"]
    path = f"{ROOT}/prod"
    assert done["diff"] == {
        "before": {"resource_pools": {path: {"cpu": {"limit": 4000}, "memory": {"reservation": "1024M"}}}},
        "after": {"resource_pools": {path: {"cpu": {"limit": "unlimited"}, "memory": {"reservation": "512M"}}}},
    }
    cpu, memory = allocations(pools.pool("prod"))
    assert cpu == (2000, -1, True, "high", 8000)
    assert memory == (512, 2048, False, "custom", 1000)
    assert not pools.converge(path="prod")["changed"]


def test_zero_and_false_are_values(pools: Pools) -> None:
    pools.converge(path="prod", cpu={"reservation": 100, "limit": "200"}, memory={"reservation": "64M"})
    zero = {"reservation": 0, "limit": "0", "expandable_reservation": False}
    done = pools.converge(path="prod", cpu=zero, memory={**zero, "reservation": "0"})
    assert len(done["actions"]) == 6
    cpu, memory = allocations(pools.pool("prod"))
    assert cpu[:3] == memory[:3] == (0, 0, False)


def test_a_number_of_shares_that_is_a_level_is_the_level(pools: Pools) -> None:
    done = pools.converge(path="prod", cpu={"shares": "8000"}, memory={"shares": "5000"})
    assert (done["resource_pool"]["cpu"]["shares"], done["resource_pool"]["memory"]["shares"]) == ("high", 5000)
    assert not pools.converge(path="prod", cpu={"shares": "high"})["changed"]
    assert pools.converge(path="prod", memory={"shares": "low"})["actions"] == ["set memory.shares: low"]


def test_a_pool_is_created_in_its_parent_only_if_that_exists(pools: Pools) -> None:
    message = pools.refusal("prod/web", cpu={"reservation": 100})
    assert f"{ROOT} has no pool 'prod'" in message
    pools.converge(path="prod")
    pools.converge(path="prod/a%2fb")
    assert [one.name for one in pools.pool("prod").resourcePool] == ["a%2fb"]
    # The same name in another pool is another pool, and a whole path leads to it.
    done = pools.converge(path=f"{ROOT}/a%2Fb")
    assert done["resource_pool"]["moid"] == pools.pool("a%2fb")._moId
    assert not pools.converge(path=f"{ROOT}/prod/a%2fb", cluster="C0", datacenter="DC0")["changed"]


def test_only_an_empty_pool_is_removed(pools: Pools, lab: dict[str, Any]) -> None:
    pools.converge(path="prod", cpu={"reservation": 100})
    pools.converge(path="prod/web")
    assert "not empty: web. vCenter would move" in pools.refusal("prod", state="absent")
    Control(lab["control"]).add_vms(2, "pool-vm-")
    pools.pool("prod", "web").MoveIntoResourcePool([pools.observer.vm("pool-vm-0"), pools.observer.vm("pool-vm-1")])
    assert "not empty: pool-vm-0, pool-vm-1." in pools.refusal("prod/web", state="absent")
    pools.root.MoveIntoResourcePool([pools.observer.vm("pool-vm-0"), pools.observer.vm("pool-vm-1")])
    done = pools.converge(path="prod/web", state="absent")
    assert (done["actions"], done["resource_pool"]) == ([f"remove {ROOT}/prod/web"], None)
    assert done["diff"]["after"] == {}
    pools.converge(path="prod", state="absent")
    assert pools.root.resourcePool == []


def test_what_vcenter_would_refuse_is_refused_before(pools: Pools) -> None:
    free = pools.root.runtime.cpu.unreservedForPool
    message = pools.refusal("prod", cpu={"reservation": free + 1})
    assert f"takes {free + 1} MHz more of {ROOT}, and that has {free} MHz left to reserve" in message
    pools.converge(
        path="prod", cpu={"reservation": 3000}, memory={"reservation": "256M", "expandable_reservation": False}
    )
    pools.converge(path="prod/web", cpu={"reservation": 2000})
    assert f"takes 257M more of {ROOT}/prod, and that has 256M left" in pools.refusal(
        "prod/db", memory={"reservation": "257M"}
    )
    # Where the reservation of the parent is expandable, what the root has left counts as well.
    pools.converge(path="prod/db", cpu={"reservation": 2000})
    # Only what it takes more than before counts.
    pools.converge(path="prod", cpu={"reservation": free})
    assert "1 MHz more" in pools.refusal("prod", cpu={"reservation": free + 1})
    assert "which is less than its reservation of 256M" in pools.refusal("prod", memory={"limit": "255M"})
    assert "cpu.limit of" in pools.refusal("new", cpu={"reservation": 2, "limit": "1"})
    assert "could reserve 3999 MHz at most, but its VMs and pools have reserved 4000 MHz in it" in pools.refusal(
        "prod", cpu={"reservation": 0, "limit": "3999"}
    )
    pools.converge(path="prod", cpu={"reservation": 0, "limit": "4000"})


def test_the_lab_refuses_what_the_module_refuses(pools: Pools) -> None:
    """As a check of the checks: without them vCenter's own faults would come."""
    free = pools.root.runtime.cpu.unreservedForPool
    shares = vim.SharesInfo(level="normal", shares=0)

    def spec(reservation: int, limit: int) -> Any:
        allocation = vim.ResourceAllocationInfo(
            reservation=reservation, limit=limit, expandableReservation=True, shares=shares
        )
        nothing = vim.ResourceAllocationInfo(reservation=0, limit=-1, expandableReservation=True, shares=shares)
        return vim.ResourceConfigSpec(cpuAllocation=allocation, memoryAllocation=nothing)

    def create(reservation: int, limit: int, parent: Any = pools.root) -> Any:
        return parent.CreateResourcePool("x", spec(reservation, limit))

    with pytest.raises(vim.fault.InsufficientCpuResourcesFault):
        create(free + 1, -1)
    with pytest.raises(vmodl.fault.InvalidArgument):
        create(2, 1)
    pool = create(free, -1)
    create(100, -1, parent=pool)
    with pytest.raises(vim.fault.InsufficientCpuResourcesFault):
        pool.UpdateConfig(None, spec(0, 99))
    pool.UpdateConfig(None, spec(0, 100))


def test_a_cluster_without_drs_has_no_pools(pools: Pools) -> None:
    drs = vim.cluster.DrsConfigInfo
    pools.observer.write(drsConfig=drs(enabled=False))
    try:
        assert "because DRS of /DC0/host/C0 is disabled" in pools.refusal("prod")
    finally:
        pools.observer.write(drsConfig=drs(enabled=True))


def test_wrong_values_are_refused(pools: Pools) -> None:
    assert "not a number of MHz" in pools.refusal("prod", cpu={"limit": "2GHz"})
    assert "Write unlimited for no limit" in pools.refusal("prod", cpu={"limit": "-1"})
    assert "must not be negative" in pools.refusal("prod", cpu={"reservation": -1})
    assert "in whole MiB" in pools.refusal("prod", memory={"reservation": "512"})
    assert "not a size" in pools.refusal("prod", memory={"limit": "none"})
    assert "low, normal, high or a number" in pools.refusal("prod", cpu={"shares": "custom"})
    assert "low, normal, high or a number" in pools.refusal("prod", cpu={"shares": "0"})
    assert f"not below {ROOT}" in pools.refusal("/DC0/host/C0/prod", cluster="C0")


def test_a_change_of_somebody_else_is_not_undone(pools: Pools) -> None:
    pools.converge(path="prod")
    # The task's write is late, so that it comes after another one.
    pools.calls.fault("UpdateConfig", delay_seconds=2)
    results: list[dict[str, Any]] = []
    task = threading.Thread(target=lambda: results.append(pools.run(path="prod", cpu={"reservation": 100})))
    task.start()
    while "UpdateConfig" not in pools.calls.methods():
        assert task.is_alive()
    limit = vim.ResourceAllocationInfo(limit=512)
    pools.pool("prod").UpdateConfig(
        None, vim.ResourceConfigSpec(cpuAllocation=vim.ResourceAllocationInfo(), memoryAllocation=limit)
    )
    task.join()
    (result,) = results
    assert "failed" not in result, result
    cpu, memory = allocations(pools.pool("prod"))
    assert (cpu[0], memory[1]) == (100, 512)
    assert result["resource_pool"]["memory"]["limit"] == "512M"


def test_the_fault_is_kept(pools: Pools) -> None:
    pools.calls.fault("CreateResourcePool", "NoPermission")
    result = pools.run(path="test")
    assert (result["failed"], result["fault"]["type"]) == (True, "NoPermission")


def test_nothing_to_do_is_two_reads(pools: Pools) -> None:
    pools.converge(path="prod")
    pools.run(path="prod", cpu={"shares": "normal"})
    assert len(pools.reads()) == 2
    pools.run(path="none", state="absent")
    assert len(pools.reads()) == 1


def allocations(pool: Any) -> list[tuple[Any, ...]]:
    """CPU and memory as the API has them."""
    config = pool.config
    return [
        (one.reservation, one.limit, one.expandableReservation, str(one.shares.level), one.shares.shares)
        for one in (config.cpuAllocation, config.memoryAllocation)
    ]


def test_several_pools_are_one_task_that_is_refused_before_anything_is_changed(pools: Pools) -> None:
    free = pools.root.runtime.cpu.unreservedForPool
    tree: list[dict[str, Any]] = [
        {"path": "prod/web", "cpu": {"reservation": 1000}},
        {"path": "prod", "cpu": {"reservation": 2000, "expandable_reservation": False}},
        {"path": "test", "memory": {"limit": "1G"}},
    ]

    tree[2]["cpu"] = {"reservation": free - 1999}
    message = pools.refused(pools=tree)["msg"]
    assert f"takes {free - 1999} MHz more of {ROOT}, and that has {free - 2000} MHz left" in message
    del tree[2]["cpu"]
    done = pools.converge(pools=tree)
    assert done["actions"] == [f"create {ROOT}/{path}" for path in ("prod", "test", "prod/web")]
    assert len(pools.reads()) == 2, "whatever their number"
    assert allocations(pools.pool("prod", "web"))[0][0] == 1000
    done = pools.converge(pools=tree, state="absent")
    assert done["actions"] == [f"remove {ROOT}/{path}" for path in ("prod/web", "prod", "test")]
    assert done["resource_pools"] == [None, None, None]


def test_a_playbook_that_enables_drs_first_can_be_predicted(pools: Pools, lab: dict[str, Any]) -> None:
    settings = {**lab["vcenter"], "enabled": False}
    assert "failed" not in drive("drs_cluster", settings)
    try:
        assert "because DRS of /DC0/host/C0 is disabled" in pools.refusal("prod")
        assert pools.run(path="prod", check=True, assume_drs=True)["actions"] == [f"create {ROOT}/prod"]
        drive("drs_cluster", {**settings, "enabled": True})
        assert "because DRS of /DC0/host/C0 is disabled" in pools.refusal("prod", assume_drs=False)
    finally:
        drive("drs_cluster", {**settings, "enabled": True})


def test_what_a_task_before_removes_is_assumed_to_be_gone_but_never_removed(pools: Pools, lab: dict[str, Any]) -> None:
    pools.converge(path="prod")
    Control(lab["control"]).add_vms(1, "pool-vm-")
    vm = pools.observer.vm("pool-vm-0")
    pools.pool("prod").MoveIntoResourcePool([vm])
    gone = {"state": "absent", "assume_removed": ["pool-vm-0"]}
    assert pools.run(path="prod", check=True, **gone)["actions"] == [f"remove {ROOT}/prod"]
    assert "not empty: pool-vm-0." in pools.run(path="prod", **gone)["msg"]
    assert pools.pool("prod").vm == [vm]
