# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test updates of containers that run: old VMs that are kept, started and drained in order, and rolled back."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.operation import ContainerSet
from tests.support.lab.containers import PREFIX, VmBuilder, building
from tests.support.lab.control import Control
from tests.support.lab.drive import drive
from tests.support.lab.interrupted import Kill, await_tasks, run_until_killed
from tests.support.lab.killed import SEED
from tests.support.lab.projects import Project

OLD, NEW = "registry.example.com/update:1", "registry.example.com/update:2"
WEB, CACHE = f"{PREFIX}web", f"{PREFIX}cache"
REPLICAS = [f"{WEB}-{number}" for number in (1, 2, 3)]
ROLLS_BACK = {"failure_action": "rollback"}
# A container that ends soon after its start.
ENDS = ["lab-guest", json.dumps({"run_ms": 600, "exit_code": 3})]
KILLS = 20


def web(**options: Any) -> dict[str, Any]:
    return {"name": WEB, "image": OLD, "replicas": 3, **options}


@pytest.fixture(scope="module")
def builder(lab: dict[str, Any]) -> Iterator[VmBuilder]:
    with building(lab) as one:
        one.make_image(OLD, 1, {"Cmd": ["serve"]})
        one.make_image(NEW, 3, {"Cmd": ["serve"], "Healthcheck": {"Test": ["CMD", "true"]}})
        yield one


def _values(row: Any) -> dict[str, str]:
    return {one.key: str(one.value) for one in row["config.extraConfig"]}


@pytest.fixture
def project(builder: VmBuilder, calls: Control) -> Iterator[Project]:
    calls.reset()
    yield Project(builder, calls)
    calls.reset()
    builder.clear()


@pytest.mark.parametrize("update", [ROLLS_BACK, {"order": "start-first"}, {"drain": "300ms"}])
def test_an_update_is_predicted_and_leaves_nothing(project: Project, update: dict[str, Any]) -> None:
    project.ok(web())
    wanted = web(image=NEW, update_config=update)
    predicted = project.ok(wanted, check=True)
    assert project.calls.mutating() == []
    made = project.ok(wanted)
    assert (made["actions"], made["diff"]) == (predicted["actions"], predicted["diff"])
    assert project.running() == dict.fromkeys(REPLICAS, NEW)
    assert [(one["name"], one["effect"]) for one in made["effects"]] == [(name, "replaced") for name in REPLICAS]
    again = project.ok(wanted)
    assert (again["changed"], again["actions"]) == (False, [])


def test_old_vms_are_kept_until_all_of_their_entry_are_replaced(project: Project) -> None:
    project.ok(web())
    project.ok(web(image=NEW, update_config=ROLLS_BACK))
    assert project.order() == ["clone", "start"] * 3 + ["destroy"] * 3


def test_a_new_vm_is_started_before_the_old_one_is_stopped(project: Project) -> None:
    project.ok(web(replicas=1))
    made = project.ok(web(image=NEW, replicas=1, update_config={"order": "start-first", "monitor": "200ms"}))
    kinds = ("PowerOnMultiVM_Task", "ShutdownGuest", "Destroy_Task")
    assert tuple(dict.fromkeys(method for method in project.calls.methods() if method in kinds)) == kinds
    words = [action.split()[0] for action in made["actions"]]
    assert words == ["create", "start", "monitor", "rename", "rename", "stop", "remove"]
    assert made["actions"][0].endswith("(another image; start-first)"), made["actions"]


def test_a_failed_update_gives_the_old_vms_their_places_again(project: Project) -> None:
    project.ok(web())
    before = project.images()
    wanted = web(image=NEW, update_config=ROLLS_BACK)
    project.calls.fault("PowerOnMultiVM_Task", "InsufficientResourcesFault", skip=1, in_task=True)
    failed = project.run(wanted)
    assert failed["failed"]
    assert failed["changed"]
    assert failed["rolled_back"] == {WEB: REPLICAS[:2]}
    assert f"The update of {WEB} failed and was rolled back: {REPLICAS[0]}, {REPLICAS[1]} as before." in failed["msg"]
    assert project.images() == before
    # The third one was never touched.
    assert not any(REPLICAS[2] in one["name"] for one in failed["subjects"] if one["status"] != "not_started")
    assert project.ok(wanted)["changed"]
    assert not project.ok(wanted)["changed"]


def test_a_start_that_fails_first_leaves_the_old_vm_running(project: Project) -> None:
    project.ok(web())
    before = project.images()
    project.calls.fault("PowerOnMultiVM_Task", "InsufficientResourcesFault", in_task=True)
    failed = project.run(web(image=NEW, update_config={**ROLLS_BACK, "order": "start-first"}))
    assert failed["rolled_back"] == {WEB: REPLICAS[:1]}
    assert project.images() == before
    assert "ShutdownGuest" not in project.calls.methods()


def test_settings_changed_in_place_are_set_back(project: Project) -> None:
    project.ok(web(env={"LEVEL": "info"}))
    before, specs = project.images(), [project.builder.vm(name).spec for name in REPLICAS]
    update = {**ROLLS_BACK, "monitor": "20s", "parallelism": 2}
    failed = project.run(web(command=ENDS, env={"LEVEL": "debug"}, memory="512M", update_config=update))
    assert failed["rolled_back"] == {WEB: REPLICAS[:2]}
    assert f"{REPLICAS[0]}: Container {REPLICAS[0]} exited with code 3 within 20 s of its update" in failed["msg"]
    assert project.images() == before
    assert [project.builder.vm(name).spec for name in REPLICAS] == specs
    # What the task wanted before is what there is.
    assert not project.ok(web(env={"LEVEL": "info"}))["changed"]


def test_a_rollback_that_fails_is_reported_and_not_rolled_back(project: Project) -> None:
    project.ok(web())
    project.calls.fault("PowerOnMultiVM_Task", "InsufficientResourcesFault", skip=1, count=2, in_task=True)
    failed = project.run(web(image=NEW, update_config=ROLLS_BACK))
    assert failed["rolled_back"] == {WEB: []}
    assert f"The rollback of {REPLICAS[0]} failed: " in failed["msg"]
    # The next run with the former list finishes it.
    assert project.ok(web())["changed"]
    assert {(image, on) for _moid, image, on in project.images().values()} == {(OLD, True)}
    assert sorted(project.images()) == REPLICAS


def test_some_failures_are_tolerated(project: Project) -> None:
    project.ok(web())
    wanted = web(image=NEW, update_config={**ROLLS_BACK, "max_failure_ratio": 0.4})
    project.calls.fault("PowerOnMultiVM_Task", "InsufficientResourcesFault", in_task=True)
    failed = project.run(wanted)
    assert {one["name"]: one["status"] for one in failed["subjects"]} == {
        REPLICAS[0]: "failed",
        REPLICAS[1]: "done",
        REPLICAS[2]: "done",
    }
    assert "rolled_back" not in failed
    assert project.ok(wanted)["changed"]
    assert sorted(project.images()) == REPLICAS
    assert not project.ok(wanted)["changed"]


def test_a_pool_must_have_room_for_the_vms_that_run_beside_each_other(project: Project) -> None:
    lab, path = project.builder.lab, f"{PREFIX}peak"

    def limit(memory: str) -> None:
        pool = {"path": path, "cluster": lab["cluster"], "memory": {"limit": memory}}
        assert "failed" not in drive("resource_pool", {**lab["vcenter"], **pool})

    limit("1000M")
    own = {"resource_pool": path, "memory": "256M"}
    first = {"order": "start-first", "parallelism": 2}
    project.ok(web(**own))
    refused = project.run(web(image=NEW, **own, update_config=first))
    assert (
        f"has a memory limit of 1000 MiB. The update of {REPLICAS[0]}, {REPLICAS[1]} starts the new VMs before it "
        "stops the old ones (order: start-first), and all together would have 1280 MiB of memory in it."
        in refused["msg"]
    )
    assert project.run(web(image=NEW, **own, update_config=first), check=True)["msg"] == refused["msg"]
    # One after the other needs no more than there is with it.
    limit("1024M")
    project.ok(web(image=NEW, **own, update_config={"order": "start-first"}))
    limit("768M")
    project.ok(web(image=OLD, **own, update_config={"order": "stop-first"}))


@pytest.mark.parametrize(
    ("change", "suffix"),
    [({"image": NEW}, "-gantry-previous"), ({"env": {"A": "b"}}, "")],
    ids=["replaced", "restarted"],
)
def test_a_container_that_is_drained_is_not_found_and_goes_on_running(
    project: Project, change: dict[str, Any], suffix: str
) -> None:
    network = {"networks": [{"name": "VM Network", "aliases": ["app"]}]}
    cache = {"name": CACHE, "image": OLD, **network}
    project.ok(cache, web(replicas=1, **network))

    def is_found() -> bool:
        rows = project.builder.session.read_all("VirtualMachine", ["name", "config.extraConfig"])
        (values,) = [_values(row) for row in rows if row["name"] == CACHE]
        return REPLICAS[0] in json.loads(values["guestinfo.gantry.names"])["names"]

    assert is_found()
    wanted = web(replicas=1, update_config={"drain": "3s"}, **network) | change
    predicted = project.ok(cache, wanted, check=True)
    with ThreadPoolExecutor(1) as pool:
        update = pool.submit(project.run, cache, wanted)
        drained = False
        while not update.done() and not drained:
            old = [one for name, one in project.images().items() if name == REPLICAS[0] + suffix]
            drained = bool(old) and old[0][2] and not is_found()
            time.sleep(0.05)
    assert update.result()["actions"] == predicted["actions"]
    assert drained
    assert is_found()
    assert not project.ok(cache, wanted)["changed"]


def test_an_update_that_is_killed_anywhere_is_finished_by_the_next_run(project: Project) -> None:
    operation, chosen = ContainerSet(), random.Random(SEED)
    update = {**ROLLS_BACK, "order": "start-first", "parallelism": 2}
    versions = [project.options(web(image=image, update_config=update)) for image in (OLD, NEW)]
    run_until_killed(operation, versions[0])
    changes = run_until_killed(operation, versions[1])
    assert changes is not None
    killed = 0
    for turn, after in enumerate(chosen.sample(range(changes), min(KILLS, changes))):
        wanted = versions[turn % 2]
        killed += run_until_killed(operation, wanted, Kill(after, at_once=turn % 4 < 2)) is None
        await_tasks(project.builder)
        finished = drive("container_set", wanted)
        assert "failed" not in finished, (after, finished)
        again = drive("container_set", wanted)
        assert (again["changed"], again["actions"]) == (False, []), (after, again)
        image = wanted["containers"][0]["image"]
        assert project.running() == dict.fromkeys(REPLICAS, image)
    assert killed > KILLS // 2


def test_a_removed_project_leaves_no_kept_vm(project: Project) -> None:
    project.ok(web())
    options = project.options(web(image=NEW, update_config=ROLLS_BACK))
    # Killed after the first VM has given its place away.
    for after in range(1, 60):
        run_until_killed(ContainerSet(), options, Kill(after, at_once=True))
        await_tasks(project.builder)
        if any(name.endswith("-gantry-previous") for name in project.images()):
            break
    else:
        pytest.fail("no run was killed while an old VM was kept")
    removed = drive("container_set", {**options, "state": "absent"})
    assert "failed" not in removed, removed
    assert project.images() == {}


def test_a_surplus_container_is_drained_before_it_is_removed(project: Project) -> None:
    network = {"networks": [{"name": "VM Network", "aliases": ["app"]}]}
    wanted = web(replicas=2, update_config={"drain": "300ms"}, **network)
    project.ok(wanted)
    fewer = {"containers": [{**wanted, "replicas": 1}], "remove_unlisted": True}
    options = {**project.options(), **fewer}
    predicted = drive("container_set", options, check=True)
    made = drive("container_set", options)
    assert made["actions"] == predicted["actions"]
    assert made["actions"][:3] == [f"drain {REPLICAS[1]} for 0.3 s", f"stop {REPLICAS[1]}", f"remove {REPLICAS[1]}"]
    assert sorted(project.images()) == REPLICAS[:1]
    # Nobody is left that could ask it.
    assert [action.split()[0] for action in project.ok(wanted)["actions"]].count("drain") == 0
    options = {**project.options(), "state": "absent"}
    assert not any("drain" in action for action in drive("container_set", options)["actions"])
