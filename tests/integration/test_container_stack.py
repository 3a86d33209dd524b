# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test container_stack against the lab's vCenter and registry: from a Compose file to VMs, changed, scaled, removed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.operation import ContainerStack
from tests.support.lab.containers import SUCCESSOR, VmBuilder
from tests.support.lab.control import Control
from tests.support.lab.direct import DirectRunner
from tests.support.lab.drive import drive
from tests.support.lab.images import Store
from tests.support.lab.interrupted import Kill, await_tasks, run_until_killed
from tests.support.lab.killed import SEED
from tests.support.lab.playbook import WAYS, Way
from tests.support.lab.stacks import container_names, converge_stack, stack_options
from tests.support.runtime import runtime_package

STACK = "gantry.vsphere.container_stack"
LEVELS = ("warning", "error")
# At how many of its requests an update is killed, of all that it makes.
KILLS = 20
PROJECT = "shop"
# What the services of the file add up to.
CONTAINERS = ["shop-api-1", "shop-api-2", "shop-db-1", "shop-seed-1", "shop-web-1"]
FILE = """
name: shop
services:
  web:
    image: {nginx}
    depends_on: [api]
    ports: ["8080:80"]
    configs: [{{source: site, target: /etc/site.conf}}]
  api:
    image: {tiny}
    command: [sleep, "1000"]
    environment: {{LEVEL: "${{LEVEL:-info}}"}}
    depends_on: {{seed: {{condition: service_completed_successfully}}}}
    deploy: {{replicas: 2}}
  db:
    image: {tiny}
    environment: {{LEVEL: "${{LEVEL:-info}}"}}
    volumes: ["data:/data"]
    deploy: {{resources: {{limits: {{memory: 128M}}}}}}
  seed:
    image: {tiny}
    entrypoint: [lab-guest, '{{"run_ms": 300, "exit_code": 0}}']
    command: []
    depends_on: {{db: {{condition: service_healthy}}}}
configs: {{site: {{content: "listen 80"}}}}
volumes: {{data: {{}}}}
"""


@pytest.fixture(scope="module", autouse=True)
def _runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with runtime_package(tmp_path_factory.mktemp("runtime")):
        yield


@pytest.fixture
def options(lab: dict[str, Any], builder: VmBuilder, store: Store, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Write the project, and return the options of the task. Afterwards nothing of it is left."""
    store.clear(lab["datastore"])
    builder.upload_bootstrap()
    (tmp_path / "compose.yaml").write_text(FILE.format(**lab["images"]))
    yield {
        **stack_options(lab, tmp_path / "cache"),
        "project_src": str(tmp_path),
    }
    drive("container_set", {**lab["vcenter"], "project": PROJECT, "state": "absent"})
    volume = {"name": f"{PROJECT}_data", "state": "absent", "confirm_data_loss": True}
    drive("container_volume", {**lab["vcenter"], **volume})


def converge(options: dict[str, Any], calls: Control, **more: Any) -> dict[str, Any]:
    return converge_stack({**options, **more}, calls)


def test_a_project_is_created_changed_scaled_and_removed(
    options: dict[str, Any], lab: dict[str, Any], calls: Control, builder: VmBuilder
) -> None:
    made = converge(options, calls)
    assert container_names(made) == CONTAINERS
    assert made["services"] == {
        "api": CONTAINERS[:2],
        "db": CONTAINERS[2:3],
        "seed": CONTAINERS[3:4],
        "web": CONTAINERS[4:],
    }
    assert [one["name"] for one in made["volumes"]] == ["shop_data"]
    assert len(made["images"]) == 2
    assert [one for one in made["actions"] if "folder" in one] == ["create folder /DC0/vm/gantry-images"]
    selected = {"labels": {"com.docker.compose.project": PROJECT, "com.docker.compose.service": "api"}}
    assert container_names(drive("container_vm_info", {**lab["vcenter"], **selected})) == CONTAINERS[:2]
    facts = {one["name"]: one for one in made["containers"]}
    started = sorted(CONTAINERS, key=lambda name: facts[name]["started_at"])
    assert started[:2] + started[4:] == ["shop-db-1", "shop-seed-1", "shop-web-1"]
    assert facts["shop-seed-1"]["exit_code"] == 0
    assert facts["shop-seed-1"]["finished_at"] < facts["shop-api-1"]["started_at"]
    web = builder.vm("shop-web-1").spec
    assert web["process"]["args"][0] == "/usr/sbin/nginx"
    assert builder.vm("shop-api-2").spec["process"]["env"].count("LEVEL=info") == 1

    (shop,) = drive("container_stack_info", {**lab["vcenter"], "name": [PROJECT, "other"]})["stacks"]
    assert (shop["name"], container_names(shop)) == (PROJECT, CONTAINERS)
    found = {one.pop("name"): one for one in shop["services"]}
    assert sorted(found) == ["api", "db", "seed", "web"]
    tiny = [lab["images"]["tiny"]]
    running = {"containers": CONTAINERS[:2], "images": tiny, "running": 2, "healthy": 0, "completed": 0}
    assert found["api"] == running
    assert found["seed"] == {**running, "containers": CONTAINERS[3:4], "running": 0, "completed": 1}
    assert drive("container_stack_info", {**lab["vcenter"], "name": ["other"]})["stacks"] == []

    changed = converge(options, calls, variables={"LEVEL": "debug"})
    assert {one["name"] for one in changed["effects"]} == set(CONTAINERS[:3])
    assert "shop-db-1" in changed["actions"][0]

    scaled = converge(options, calls, variables={"LEVEL": "debug"}, scale={"api": 3})
    assert "shop-api-3" in container_names(scaled)
    smaller = converge(options, calls, variables={"LEVEL": "debug"}, scale={"api": 1})
    assert container_names(smaller) == ["shop-api-1", "shop-db-1", "shop-seed-1", "shop-web-1"]

    removed = converge(options, calls, state="absent")
    assert removed["containers"] == []
    volumes = drive("container_volume_info", {**lab["vcenter"], "name": ["shop_data"]})["volumes"]
    assert [one["attached_to"] for one in volumes] == [[]]


def test_an_update_that_is_killed_anywhere_is_finished_by_the_next_run(
    options: dict[str, Any], lab: dict[str, Any], builder: VmBuilder
) -> None:
    stack, chosen = ContainerStack(), random.Random(SEED)
    versions = [{**options, "variables": {"LEVEL": level}, "scale": {"api": 1 + len(level) % 2}} for level in LEVELS]
    run_until_killed(stack, versions[0])
    changes = run_until_killed(stack, versions[1])
    assert changes is not None
    killed = 0
    for turn, after in enumerate(chosen.sample(range(changes), min(KILLS, changes))):
        wanted = versions[turn % 2]
        # One way has fewer requests than the other, so the last kills can come too late.
        killed += run_until_killed(stack, wanted, Kill(after, at_once=turn % 4 < 2)) is None
        await_tasks(builder)
        drive("container_stack", {**lab["vcenter"], **wanted})
        again = drive("container_stack", {**lab["vcenter"], **wanted})
        assert (again.get("changed"), again.get("actions")) == (False, []), (after, again)
        level = wanted["variables"]["LEVEL"]
        for name in container_names(again):
            assert not name.endswith(SUCCESSOR)
            if name.startswith(("shop-api", "shop-db")):
                assert f"LEVEL={level}" in builder.vm(name).spec["process"]["env"]
                assert builder.vm(name).power == "poweredOn"
    assert killed > KILLS // 2


def test_two_controllers_at_once_leave_one_that_the_next_run_mends(
    options: dict[str, Any], lab: dict[str, Any]
) -> None:
    """Both run at the same time with different values; nothing is lost, and nothing is there twice."""
    assert not drive("container_stack", options).get("failed")
    with ThreadPoolExecutor(2) as pool:
        tasks = [{**options, "variables": {"LEVEL": level}} for level in LEVELS]
        both = list(pool.map(lambda task: drive("container_stack", task), tasks))
    # Of two that change one VM at the same time, vCenter can refuse one.
    assert any(not one.get("failed") for one in both), both
    mended = drive("container_stack", tasks[0])
    assert not mended.get("failed"), mended
    assert container_names(mended) == CONTAINERS
    assert not drive("container_stack", tasks[0])["changed"]


@pytest.mark.parametrize("way", WAYS)
def test_what_is_not_supported_is_refused_by_its_line(
    options: dict[str, Any], calls: Control, direct: DirectRunner, way: Way
) -> None:
    text = "name: shop\nservices:\n  web:\n    image: web\n    privileged: true\n    pid: host\n"
    calls.forget()
    run = direct({STACK: {**options, "definition": text, "files": []}, "ignore_errors": True}, way=way).last
    assert run.failed
    problems = run["problems"]
    assert len(problems) == 2
    assert problems[0].startswith("definition:6: services.web.pid is not supported.")
    assert calls.mutating() == []


def test_a_mistake_in_the_file_is_named_with_its_line(options: dict[str, Any], calls: Control) -> None:
    text = "name: shop\nservices:\n  web:\n    image: web\n    enviroment: {A: b}\n"
    calls.forget()
    failed = drive("container_stack", {**options, "definition": text, "files": []})
    assert failed["failed"]
    assert "definition:5:" in failed["msg"]
    assert failed["nearest"] == "environment"
    assert calls.all() == []


def test_all_images_that_are_missing_are_named(options: dict[str, Any], calls: Control) -> None:
    services = "services: {a: {image: none/a}, b: {image: none/b}}"
    calls.forget()
    failed = drive(
        "container_stack", {**options, "definition": f"name: shop\n{services}\n", "files": [], "pull": "never"}
    )
    assert [one.split(" is not in datacenter")[0] for one in failed["problems"]] == ["Image 'none/a'", "Image 'none/b'"]
    assert calls.mutating() == []
