# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test container_set against the lab's vCenter: replicas of a project, order of changes, unlisted containers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.lab.containers import PREFIX, VmBuilder, building
from tests.support.lab.control import Control
from tests.support.lab.drive import drive
from tests.support.lab.projects import Project

OLD, NEW = "registry.example.com/app:1", "registry.example.com/app:2"
WEB, CACHE = f"{PREFIX}web", f"{PREFIX}cache"
REPLICAS = [f"{WEB}-{number}" for number in (1, 2, 3)]
MANY = 50
BUDGET = 20


def web(**options: Any) -> dict[str, Any]:
    return {"name": WEB, "image": OLD, "replicas": 3, **options}


@pytest.fixture(scope="module")
def builder(lab: dict[str, Any]) -> Iterator[VmBuilder]:
    with building(lab) as one:
        one.make_image(OLD, 1, {"Cmd": ["serve"]})
        one.make_image(NEW, 3, {"Cmd": ["serve"], "Healthcheck": {"Test": ["CMD", "true"]}})
        yield one


@pytest.fixture
def project(builder: VmBuilder, calls: Control) -> Iterator[Project]:
    yield Project(builder, calls)
    calls.reset()
    builder.clear()


def test_check_mode_predicts_what_the_run_does_and_a_second_run_does_nothing(project: Project) -> None:
    containers = (web(env={"TIER": "front"}), {"name": CACHE, "image": NEW})
    predicted = project.ok(*containers, check=True, defaults={"env": {"A": "b"}})
    assert project.calls.mutating() == []
    made = project.ok(*containers, defaults={"env": {"A": "b"}})
    assert made["actions"] == predicted["actions"]
    assert project.names() == [CACHE, *REPLICAS]
    assert made["entries"] == {WEB: REPLICAS, CACHE: [CACHE]}
    assert {one["name"]: one["health"] for one in made["containers"]} == {
        CACHE: "healthy",
        **dict.fromkeys(REPLICAS, "none"),
    }
    assert {"A=b", "TIER=front"} <= set(project.builder.vm(REPLICAS[0]).spec["process"]["env"])
    again = project.ok(*containers, defaults={"env": {"A": "b"}})
    assert (again["changed"], again["actions"]) == (False, [])


def test_create_only_creates_what_is_missing_and_starts_nothing(project: Project) -> None:
    project.ok(web(replicas=1))
    made = project.ok(web(image=NEW, replicas=2), create_only=True)
    assert [action.partition(" from")[0] for action in made["actions"]] == [f"create {REPLICAS[1]}"]
    assert {one["name"]: (one["state"], one["image"]) for one in made["containers"]} == {
        REPLICAS[0]: ("running", OLD),
        REPLICAS[1]: ("stopped", NEW),
    }


def test_running_containers_are_replaced_one_after_the_other_up_to_the_first_that_fails(project: Project) -> None:
    project.ok(web())
    lab = project.builder.lab
    options = {
        **lab["vcenter"],
        "project": "shop",
        "containers": [web(image=NEW, replicas=4)],
        "cluster": lab["cluster"],
    }
    project.calls.reset()
    # The new replica and the first that is replaced start, and the second does not.
    project.calls.fault("PowerOnMultiVM_Task", "InsufficientResourcesFault", skip=2, in_task=True)
    failed = drive("container_set", options)
    assert failed["failed"], failed
    assert {one["name"]: one["status"] for one in failed["subjects"]} == {
        f"{WEB}-4": "done",
        REPLICAS[0]: "done",
        REPLICAS[1]: "failed",
        REPLICAS[2]: "not_started",
    }
    assert f"Not started, because they come after one that failed: {REPLICAS[2]}." in failed["msg"]
    left = project.builder.vm(REPLICAS[2])
    assert (left.config["gantry.image"], left.power) == (OLD, "poweredOn")
    done = project.ok(web(image=NEW, replicas=4))
    assert {one["image"] for one in done["containers"]} == {NEW}
    assert not project.ok(web(image=NEW, replicas=4))["changed"]


def test_running_containers_are_replaced_in_groups(project: Project) -> None:
    project.ok(web())
    wanted = web(image=NEW, update_config={"parallelism": 2, "delay": "700ms", "monitor": "300ms"})
    predicted = project.ok(wanted, check=True)
    done = project.ok(wanted)
    assert done["actions"] == predicted["actions"]
    assert [action for action in done["actions"] if "monitor" in action] == [
        f"monitor {REPLICAS[0]} for 0.7 s",
        f"monitor {REPLICAS[1]} for 0.7 s",
        f"monitor {REPLICAS[2]} for 0.3 s",
    ]
    kinds = {"CloneVM_Task": "clone", "PowerOnMultiVM_Task": "start"}
    order = [kinds[method] for method in project.calls.methods() if method in kinds]
    assert order[:2] == ["clone", "clone"]
    assert order[-3:] == ["start", "clone", "start"]
    assert not project.ok(wanted)["changed"]


def test_a_failure_does_not_stop_an_update_that_continues(project: Project) -> None:
    project.ok(web())
    lab = project.builder.lab
    wanted = web(image=NEW, update_config={"failure_action": "continue"})
    project.calls.reset()
    project.calls.fault("PowerOnMultiVM_Task", "InsufficientResourcesFault", in_task=True)
    place = {"project": "shop", "cluster": lab["cluster"], "containers": [wanted]}
    failed = drive("container_set", {**lab["vcenter"], **place})
    statuses = {one["name"]: one["status"] for one in failed["subjects"]}
    assert statuses == {REPLICAS[0]: "failed", REPLICAS[1]: "done", REPLICAS[2]: "done"}
    assert project.ok(wanted)["changed"]


def test_a_container_that_ends_soon_after_its_update_stops_it(project: Project) -> None:
    project.ok(web())
    ends = ["lab-guest", json.dumps({"run_ms": 600, "exit_code": 3})]
    failed = project.run(web(command=ends, update_config={"monitor": "20s"}))
    assert {one["name"]: one["status"] for one in failed["subjects"]} == {
        REPLICAS[0]: "failed",
        REPLICAS[1]: "not_started",
        REPLICAS[2]: "not_started",
    }
    assert f"Container {REPLICAS[0]} exited with code 3 within 20 s of its update" in failed["msg"]


def test_replaced_containers_stay_in_the_rules_of_their_vms(project: Project) -> None:
    project.ok(web())
    lab = project.builder.lab
    group, overridden = {"name": f"{PREFIX}all", "type": "vm", "members": REPLICAS}, {"vms": REPLICAS[:1]}
    apart = {"name": f"{PREFIX}apart", "type": "vm_anti_affinity", "vms": REPLICAS}
    hosts = {"name": f"{PREFIX}hosts", "type": "host", "members": lab["hosts"][:3]}
    inside = {"name": f"{PREFIX}in", "type": "vm_host_affinity", "vm_group": group["name"], "host_group": hosts["name"]}
    ruleset = {
        **lab["vcenter"],
        "cluster": lab["cluster"],
        "groups": [group, hosts],
        "rules": [apart, {**inside, "mandatory": True}],
        "overrides": [{**overridden, "automation_level": "manual"}],
    }
    try:
        assert drive("drs_ruleset", ruleset)["changed"]
        replaced = project.ok(web(image=NEW, update_config={"parallelism": 2}))
        assert len(replaced["effects"]) == 3
        left = drive("drs_ruleset", ruleset)
        assert (left["changed"], left["actions"]) == (False, [])
        assert len(left["rules"][0]["vms"]) == 3
    finally:
        names = [{"name": one["name"], "state": "absent"} for one in (inside, apart)]
        groups = [{"name": one["name"], "type": one["type"], "state": "absent"} for one in (group, hosts)]
        gone = drive("drs_ruleset", {**lab["vcenter"], "cluster": lab["cluster"], "groups": groups, "rules": names})
        assert gone["changed"], gone


def test_one_replica_is_running_at_any_time_of_a_replacement(project: Project) -> None:
    project.ok(web())
    project.ok(web(image=NEW))
    kinds = {"CloneVM_Task": "clone", "Destroy_Task": "destroy", "PowerOnMultiVM_Task": "start"}
    order = [kinds[method] for method in project.calls.methods() if method in kinds]
    assert order == ["clone", "destroy", "start"] * 3


def test_unlisted_containers_are_returned_and_only_removed_on_request(project: Project) -> None:
    project.ok(web(), {"name": CACHE, "image": NEW})
    kept = project.ok({"name": CACHE, "image": NEW})
    assert (kept["changed"], [one["name"] for one in kept["unlisted"]]) == (False, REPLICAS)
    assert [one["entry"] for one in kept["unlisted"]] == [WEB] * 3
    removed = project.ok({"name": CACHE, "image": NEW}, remove_unlisted=True)
    assert removed["unlisted"] == []
    assert project.names() == [CACHE]


def test_surplus_replicas_are_removed_if_the_number_is_given_separately(project: Project) -> None:
    project.ok(web(), {"name": CACHE, "image": NEW})
    scaled = project.ok(web(), replicas={WEB: 1})
    assert project.names() == [CACHE, REPLICAS[0]]
    assert [one["name"] for one in scaled["unlisted"]] == [CACHE]
    grown = project.ok(web(), replicas={WEB: "2"})
    assert [one["name"] for one in grown["containers"]] == REPLICAS[:2]


def test_absent_removes_the_project_and_nothing_else(project: Project) -> None:
    project.ok(web())
    project.ok({"name": CACHE, "image": NEW}, project="other")
    project.ok(web(), state="absent")
    assert project.names() == [CACHE]
    assert not project.ok(state="absent")["changed"]


def test_a_container_of_another_project_is_not_taken_over(project: Project) -> None:
    project.ok({"name": CACHE, "image": NEW}, project="other")
    refused = project.refused({"name": CACHE, "image": NEW})
    assert "belongs to project 'other', while project is 'shop'" in refused["msg"]


def test_a_planned_image_counts_in_check_mode_only(project: Project) -> None:
    project.ok(web())
    planned = {
        "reference": OLD,
        "name": "gantry-image-999999999999-99999999",
        "digest": f"sha256:{'9' * 64}",
        "disk": "9" * 64,
        "datastore": project.builder.lab["datastore"],
        "config": {"Cmd": ["serve"]},
    }
    missing = {**planned, "reference": "registry.example.com/new:1"}
    predicted = project.ok(web(), {"name": CACHE, "image": missing["reference"]}, planned_images=[missing], check=True)
    assert predicted["actions"] == [f"create {CACHE} from {missing['reference']}", f"start {CACHE}"]
    # The tag has moved: all replicas are replaced.
    moved = project.ok(web(), planned_images=[planned], check=True)
    assert sum("another image" in action for action in moved["actions"]) == 3
    refused = project.refused(web(), {"name": CACHE, "image": missing["reference"]}, planned_images=[missing])
    assert "Run container_image first." in refused["msg"]


def test_all_problems_are_reported_together_before_anything_changes(project: Project) -> None:
    refused = project.refused(
        {"name": WEB, "imgae": OLD},
        {"name": CACHE, "image": OLD, "memory": "lots"},
        {"name": CACHE, "image": OLD},
        {"name": f"{PREFIX}A:b", "image": "A:b:c"},
        {"name": f"{PREFIX}x", "image": OLD, "replicas": "two"},
        {"name": f"{PREFIX}y", "image": OLD, "replicas": 2},
        {"name": f"{PREFIX}y-2", "image": OLD},
        {"name": f"{PREFIX}z"},
        replicas={"nothing": 1},
    )
    assert len(refused["problems"]) == 8, refused
    for part in (
        "has the unknown option 'imgae'. Did you mean image?",
        "'lots'",
        f"The container {CACHE} is listed more than once",
        "A container's name has letters",
        "replicas: 'two'",
        f"both have a container named {PREFIX}y-2",
        "image is missing",
        "replicas names nothing",
    ):
        assert part in refused["msg"]


def test_problems_of_the_inventory_are_reported_together_too(project: Project) -> None:
    refused = project.refused(
        web(cluster="C9"), {"name": CACHE, "image": "registry.example.com/none:1", "datastore": "nowhere"}
    )
    assert len(refused["problems"]) == 2, refused
    assert "'C9'" in refused["msg"]
    assert "'nowhere'" in refused["msg"]


def test_the_containers_of_a_cluster_may_have_more_memory_than_its_hosts(project: Project) -> None:
    lab, session = project.builder.lab, project.builder.session
    clusters = session.read_all("ClusterComputeResource", ["name", "summary.totalMemory", "host"])
    (cluster,) = [row for row in clusters if row["name"] == lab["cluster"]]
    total, hosts = cluster["summary.totalMemory"] >> 20, len(cluster["host"])
    more_than_half = (total // hosts // 2 // 4 + 1) * 4
    project.ok(web(replicas=2 * hosts, memory=f"{more_than_half}M"))


def test_a_pool_with_too_little_memory_is_refused(project: Project) -> None:
    lab, path = project.builder.lab, f"{PREFIX}small"
    pool = {"path": path, "cluster": lab["cluster"], "memory": {"limit": "500M"}}
    assert "failed" not in drive("resource_pool", {**lab["vcenter"], **pool})
    refused = project.refused(web(resource_pool=path, replicas=2))
    wanted = f"has a memory limit of 500 MiB, and {WEB}-1, {WEB}-2 would have 512 MiB of memory in it"
    assert wanted in refused["msg"]
    assert wanted in project.refused(web(resource_pool=path, replicas=2), create_only=True)["msg"]
    project.ok(web(resource_pool=path, replicas=2, memory="248M"))
    changed = project.ok(web(resource_pool=path, replicas=2, memory="248M", labels={"tier": "front"}), check=True)
    effects = [{"name": f"{WEB}-{number}", "effect": "in place", "options": ["labels"]} for number in (1, 2)]
    assert changed["effects"] == effects
    assert not project.ok(web(resource_pool=path, replicas=2, memory="248M"))["changed"]


def test_fifty_containers_with_nothing_to_do_stay_below_the_budget(project: Project) -> None:
    fleet = {"name": WEB, "image": OLD, "replicas": MANY}
    project.ok(fleet)
    assert not project.ok(fleet)["changed"]
    assert len(project.calls.methods()) <= BUDGET, project.calls.methods()
    assert project.calls.mutating() == []
