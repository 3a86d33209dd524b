# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test rollbacks and removals of stacks that are killed, and two controllers at once. The next run finishes."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.operation import ContainerStack
from tests.support.lab.containers import VmBuilder, building
from tests.support.lab.control import Control
from tests.support.lab.drive import drive
from tests.support.lab.drs import ClusterObserver
from tests.support.lab.interrupted import Kill, Recorded, await_tasks, run_until_killed
from tests.support.lab.killed import SEED
from tests.support.lab.observer import datastore_files
from tests.support.lab.stacks import Stack, stack_options
from tests.support.runtime import runtime_package

OLD, NEW = "registry.example.com/killed:1", "registry.example.com/killed:2"
WEBS = ["shop-web-1", "shop-web-2", "shop-web-3"]
CONTAINERS = ["shop-db-1", *WEBS]
POWER_ON = "PowerOnMultiVM_Task"
# Of each order of an update.
ROLLBACK_KILLS = 6
REMOVAL_KILLS = 10


@pytest.fixture(scope="module")
def builder(lab: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[VmBuilder]:
    with runtime_package(tmp_path_factory.mktemp("runtime")), building(lab) as one:
        yield one


def make_images(builder: VmBuilder) -> None:
    builder.make_image(OLD, 1, {"Cmd": ["serve"]})
    builder.make_image(NEW, 3, {"Cmd": ["serve"]})


@pytest.fixture
def shop(
    lab: dict[str, Any], builder: VmBuilder, calls: Control, cluster: ClusterObserver, tmp_path: Path
) -> Iterator[Stack]:
    """Yield the project, of which nothing is left afterwards."""
    make_images(builder)
    options = {**stack_options(lab, tmp_path / "cache"), "wait_timeout": 20}
    # The rules of projects whose containers other tests have removed by other means.
    cluster.clear()
    yield Stack("shop", options, builder, calls, cluster)
    calls.reset()
    drive("container_set", {**lab["vcenter"], "project": "shop", "state": "absent"})
    volume = {"name": "shop_data", "state": "absent", "confirm_data_loss": True}
    drive("container_volume", {**lab["vcenter"], **volume})
    builder.clear(images=True)
    cluster.clear()


def shop_task(shop: Stack, image: str, **more: Any) -> dict[str, Any]:
    """Return a task with three replicas and a database with a volume, all of which are replaced by an update."""
    order = more.pop("order", "stop-first")
    update = {"failure_action": "rollback", "order": order}
    services = {
        "web": {"image": image, "deploy": {"replicas": 3, "update_config": update}},
        "db": {"image": image, "volumes": ["data:/data"], "deploy": {"update_config": update}},
    }
    return shop.task(services, top={"volumes": {"data": {}}}, **more)


def of(image: str) -> dict[str, str]:
    return dict.fromkeys(CONTAINERS, image)


def webs(shop: Stack) -> dict[str, str]:
    """Return the ids of the VMs of the replicas."""
    return {name: moid for name, (moid, _image, _on) in shop.vms().items() if name in WEBS}


def files(lab: Mapping[str, Any]) -> list[str]:
    """Return what is on the datastore, without vCenter's folder of volumes, which stays."""
    return [path for path in datastore_files(lab["vcenter"], lab["datastore"]) if not path.endswith("] /fcd")]


def fail_start(shop: Stack, number: int) -> None:
    """Let one of the starts that a task makes fail. The first one is that of the database."""
    shop.calls.release()
    shop.calls.fault(POWER_ON, "InsufficientResourcesFault", skip=number - 1, in_task=True)


def run(task: Mapping[str, Any], kill: Kill | Recorded) -> bool:
    """Run a task that may fail; return whether it was killed."""
    try:
        return run_until_killed(ContainerStack(), task, kill) is None
    except GantryError:
        return False


@pytest.mark.parametrize("order", ["stop-first", "start-first"])
def test_a_rollback_that_is_killed_anywhere_is_finished_by_the_former_definition(shop: Stack, order: str) -> None:
    former, wanted = (shop_task(shop, image, order=order) for image in (OLD, NEW))
    shop.settle(former, of(OLD))
    before, whole = webs(shop), Recorded()
    fail_start(shop, 3)
    assert not run(wanted, whole)
    # The update of the database was over before, so it is not rolled back.
    assert webs(shop) == before
    shop.assert_only({**of(OLD), "shop-db-1": NEW})
    shop.settle(former, of(OLD))
    # From the failure on.
    first, last = whole.numbers(POWER_ON)[2] + 1, whole.requests[-1][0] + 1
    chosen = random.Random(SEED).sample(range(first, last), min(ROLLBACK_KILLS, last - first))
    assert len(chosen) > ROLLBACK_KILLS // 2
    for turn, after in enumerate(chosen):
        fail_start(shop, 3)
        assert run(wanted, Kill(after, at_once=turn % 2 == 0)), after
        await_tasks(shop.builder)
        shop.settle(former, of(OLD))
        if order == "stop-first":
            # Each replica has its former VM, with what it has written.
            assert webs(shop) == before, after


def test_a_removal_that_is_killed_anywhere_is_finished_without_a_trace(shop: Stack, lab: dict[str, Any]) -> None:
    up = shop_task(shop, OLD)
    gone = shop_task(shop, OLD, state="absent", remove_volumes=True, remove_images="all", confirm_data_loss=True)
    shop.builder.clear(images=True)
    empty, whole = files(lab), Recorded()

    def removed(kill: Kill | Recorded) -> bool:
        """Return whether a removal was killed, which the next one has finished."""
        make_images(shop.builder)
        shop.settle(up, of(OLD))
        killed = run(gone, kill)
        await_tasks(shop.builder)
        shop.settle(gone, {})
        images = drive("container_image_info", {**lab["vcenter"]})["images"]
        assert [one["reference"] for one in images] == [NEW]
        assert shop.volumes() == []
        assert shop.cluster.rules() == {}
        shop.builder.clear(images=True)
        assert files(lab) == empty, kill
        return killed

    assert not removed(whole)
    points = range(whole.requests[-1][0] + 1)
    chosen = random.Random(SEED).sample(points, min(REMOVAL_KILLS, len(points)))
    for turn, after in enumerate(chosen):
        assert removed(Kill(after, at_once=turn % 2 == 0)), after


@pytest.mark.parametrize("order", ["stop-first", "start-first"])
def test_two_controllers_that_update_and_roll_back_leave_what_the_next_run_mends(shop: Stack, order: str) -> None:
    former, wanted = (shop_task(shop, image, order=order) for image in (OLD, NEW))
    shop.settle(former, of(OLD))
    for both, failing in (((wanted, former), None), ((wanted, wanted), 2), ((wanted, former), 3)):
        if failing is not None:
            fail_start(shop, failing)
        with ThreadPoolExecutor(2) as pool:
            results = list(pool.map(lambda task: drive("container_stack", task), both))
        assert not any("does not know" in one.get("msg", "") for one in results), results
        await_tasks(shop.builder)
        shop.settle(wanted, of(NEW))
        shop.settle(former, of(OLD))
