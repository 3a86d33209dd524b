# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the options of container_stack that act on a part of a project, or on it in another way."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.lab.containers import VmBuilder
from tests.support.lab.control import Control
from tests.support.lab.drive import drive
from tests.support.lab.images import Store
from tests.support.lab.playbook import PlaybookRunner
from tests.support.lab.stacks import container_names, converge_stack, run_predicted, stack_options
from tests.support.runtime import runtime_package

PROJECT = "store"
CONTAINERS = ["store-db-1", "store-other-1", "store-seed-1", "store-web-1", "store-web-2"]
FILE = """
name: store
services:
  web:
    image: {tiny}
    environment: {{LEVEL: "${{LEVEL:-info}}"}}
    depends_on: {{seed: {{condition: service_completed_successfully}}}}
    deploy: {{replicas: 2}}
  seed:
    image: {tiny}
    entrypoint: [lab-guest, '{{"run_ms": 300, "exit_code": 0}}']
    command: []
    environment: {{ROUND: "${{ROUND:-1}}"}}
    depends_on: [db]
  db:
    image: {tiny}
    volumes: ["data:/data"]
  other:
    image: {tiny}
    environment: {{LEVEL: "${{LEVEL:-info}}"}}
volumes: {{data: {{}}}}
"""


@pytest.fixture(scope="module", autouse=True)
def _runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with runtime_package(tmp_path_factory.mktemp("runtime")):
        yield


@pytest.fixture
def options(lab: dict[str, Any], builder: VmBuilder, store: Store, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Return the options of a task with the project, of which nothing is left afterwards."""
    store.clear(lab["datastore"])
    builder.upload_bootstrap()
    yield {**stack_options(lab, tmp_path / "cache"), "definition": FILE.format(**lab["images"])}
    drive("container_set", {**lab["vcenter"], "project": PROJECT, "state": "absent"})
    volume = {"name": f"{PROJECT}_data", "state": "absent", "confirm_data_loss": True}
    drive("container_volume", {**lab["vcenter"], **volume})


def power(builder: VmBuilder) -> dict[str, str]:
    return {name: builder.vm(name).power for name in CONTAINERS}


def slots(result: dict[str, Any]) -> dict[str, tuple[str, str | None]]:
    """Return what was done to each container, and why."""
    return {one["container"]: (one["action"], one["reason"]) for one in result["slots"]}


def own_actions(result: dict[str, Any]) -> list[str]:
    """Return the actions besides those by which containers find others."""
    return sorted(one for one in result["actions"] if not one.startswith("update the names"))


def test_a_stopped_project_exists_and_is_stopped_from_its_end(
    options: dict[str, Any], calls: Control, builder: VmBuilder
) -> None:
    made = converge_stack({**options, "state": "stopped"}, calls)
    assert container_names(made) == CONTAINERS
    assert set(power(builder).values()) == {"poweredOff"}
    assert {one["status"] for one in made["containers"]} == {"created"}
    converge_stack(options, calls)
    stopped = converge_stack({**options, "state": "stopped"}, calls)
    assert slots(stopped)["store-db-1"] == ("stopped", "state is stopped")
    assert set(power(builder).values()) == {"poweredOff"}
    ended = {one["name"]: one["finished_at"] for one in stopped["containers"]}
    assert max(ended["store-web-1"], ended["store-web-2"]) <= ended["store-db-1"]
    started = converge_stack(options, calls)
    assert slots(started)["store-db-1"] == ("started", "it did not run")
    # The job has completed before, and is not run again.
    assert slots(started)["store-seed-1"] == ("none", None)
    assert own_actions(started) == [f"start {name}" for name in CONTAINERS if "seed" not in name]
    # A job that is changed runs, when the project does.
    changed = {**options, "variables": {"ROUND": "2"}}
    assert slots(converge_stack({**changed, "state": "stopped"}, calls))["store-seed-1"] == ("none", None)
    assert "run store-seed-1 to its end" in converge_stack(changed, calls)["actions"]


def test_a_project_is_drained_and_removed_from_its_end(
    options: dict[str, Any], calls: Control, builder: VmBuilder
) -> None:
    file = options["definition"].replace("deploy: {replicas: 2}", "deploy: {replicas: 2}\n    x-gantry: {drain: 1s}")
    converge_stack({**options, "definition": file}, calls)
    names = {f"VirtualMachine:{builder.vm(name).moid}": name for name in CONTAINERS}
    calls.forget()
    removed = run_predicted({**options, "definition": file, "state": "absent"}, calls)
    assert {f"drain store-web-{number} for 1 s" for number in (1, 2)} <= set(removed["actions"])
    destroyed = [names[one["this"]] for one in calls.all() if one["method"] == "Destroy_Task"]
    assert sorted(destroyed) == CONTAINERS
    in_order = [name for name in destroyed if name != "store-other-1"]
    assert set(in_order[:2]) == {"store-web-1", "store-web-2"}
    assert in_order[2:] == ["store-seed-1", "store-db-1"]


def test_images_that_an_update_leaves_unused_are_pruned(
    options: dict[str, Any], calls: Control, builder: VmBuilder
) -> None:
    images, vcenter = builder.lab["images"], builder.lab["vcenter"]
    first, second, other = (f"registry.example.com/pruned:{tag}" for tag in ("1", "2", "other"))
    unrelated = "registry.example.com/prunedtoo:1"

    def add(reference: str, image: str) -> None:
        place = {"datastore": options["datastore"], "cache_path": options["cache_path"], "registry_tls_verify": False}
        done = drive("container_image", {**vcenter, **place, "name": reference, "source": f"docker://{image}"})
        assert "failed" not in done, done

    def project(image: str, **more: Any) -> dict[str, Any]:
        services = {"web": {"image": image}, "none": {"image": other, "deploy": {"replicas": 0}}}
        return {**options, "definition": json.dumps({"name": PROJECT, "services": services}), **more}

    def references() -> list[str]:
        found = drive("container_image_info", {**vcenter})["images"]
        return sorted(reference for one in found for reference in one["references"])

    for reference, image in ((first, "tiny"), (other, "redis"), (unrelated, "multi")):
        add(reference, images[image])
    converge_stack(project(first, prune=True), calls)
    user = {**options, "definition": json.dumps({"name": "user", "services": {"web": {"image": first}}})}
    converge_stack(user, calls)
    add(second, images["nginx"])
    kept = converge_stack(project(second, prune=True), calls)
    # The other project uses it.
    assert (kept["pruned_images"], references()) == ([], sorted([first, second, other, unrelated]))
    drive("container_set", {**vcenter, "project": "user", "state": "absent"})
    # It has a reference of another repository, because that is the same image.
    assert converge_stack(project(second, prune=True), calls)["pruned_images"] == []
    drive("container_image", {**vcenter, "name": unrelated, "state": "absent"})
    assert references() == sorted([first, second, other])
    pruned = converge_stack(project(second, prune=True), calls)
    assert [one["references"] for one in pruned["pruned_images"]] == [[first]]
    assert len(pruned["actions"]) == 1
    # What the update itself leaves.
    add(first, images["tiny"])
    back = converge_stack(project(first, prune=True), calls)
    assert [one["references"] for one in back["pruned_images"]] == [[second]]
    assert references() == sorted([first, other])
    converge_stack(project(first, services=["web"], prune=True), calls)
    assert references() == sorted([first, other])
    refused = drive("container_stack", project(first, state="absent", prune=True))
    assert "prune is given with state: absent" in refused["msg"]


def test_services_are_changed_stopped_and_removed_alone(
    options: dict[str, Any], calls: Control, builder: VmBuilder
) -> None:
    some = converge_stack({**options, "services": ["web"]}, calls)
    assert container_names(some) == [name for name in CONTAINERS if name != "store-other-1"]
    converge_stack(options, calls)
    debug = {"variables": {"LEVEL": "debug"}}
    changed = converge_stack({**options, **debug, "services": ["web"], "remove_orphans": True}, calls)
    assert {one["name"] for one in changed["effects"]} == {"store-web-1", "store-web-2"}
    assert changed["orphans"] == []
    assert slots(changed) == {
        "store-db-1": ("none", None),
        "store-seed-1": ("none", None),
        "store-web-1": ("changed", "env (restarted)"),
        "store-web-2": ("changed", "env (restarted)"),
    }
    assert "LEVEL=info" in builder.vm("store-other-1").spec["process"]["env"]
    stopped = converge_stack({**options, **debug, "services": ["web"], "state": "stopped"}, calls)
    assert own_actions(stopped) == ["stop store-web-1", "stop store-web-2"]
    removed = converge_stack({**options, "services": ["web"], "state": "absent", "remove_orphans": True}, calls)
    separation = "cluster C0: remove vm_anti_affinity rule gantry:store:web:1"
    assert own_actions(removed) == [separation, "remove store-web-1", "remove store-web-2"]
    left = drive("container_stack", options, check=True)
    assert [one for one in left["actions"] if one.startswith("create ")] == [
        f"create store-web-{number} from {options['definition'].split('image: ')[1].split()[0]}" for number in (1, 2)
    ]


def test_recreate_replaces_what_has_not_changed_and_never_what_has(
    options: dict[str, Any], calls: Control, builder: VmBuilder
) -> None:
    converge_stack(options, calls)
    before = {name: builder.vm(name).moid for name in CONTAINERS}
    again = run_predicted({**options, "services": ["web"], "recreate": "always"}, calls)
    assert {(one["name"], one["effect"]) for one in again["effects"]} == {
        ("store-web-1", "replaced"),
        ("store-web-2", "replaced"),
    }
    assert slots(again)["store-web-1"] == ("replaced", "recreate")
    after = {name: builder.vm(name).moid for name in CONTAINERS}
    assert {name for name in CONTAINERS if before[name] != after[name]} == {"store-web-1", "store-web-2"}
    kept = converge_stack({**options, "variables": {"LEVEL": "debug"}, "recreate": "never"}, calls)
    assert kept["actions"] == []
    more = {"variables": {"LEVEL": "debug"}, "recreate": "never", "scale": {"web": 3}}
    assert [one.split(" from")[0] for one in own_actions(converge_stack({**options, **more}, calls))] == [
        "create store-web-3",
        "start store-web-3",
    ]
    assert "LEVEL=debug" in builder.vm("store-web-3").spec["process"]["env"]


def test_without_wait_a_task_ends_before_the_containers_run(options: dict[str, Any], calls: Control) -> None:
    made = converge_stack({**options, "wait": False}, calls)
    states = {one["name"]: one["status"] for one in made["containers"]}
    assert states["store-seed-1"] == "exited"
    assert states["store-web-1"] in ("booting", "running")


def test_a_project_is_removed_with_its_volumes_and_images(
    options: dict[str, Any], lab: dict[str, Any], calls: Control
) -> None:
    image = lab["images"]["tiny"]
    made = converge_stack(options, calls)
    (db,) = [one for one in made["slots"] if one["container"] == "store-db-1"]
    assert {**db, "new_digest": None} == {
        "service": "db",
        "container": "store-db-1",
        "action": "created",
        "reason": "it did not exist",
        "old_image": None,
        "old_digest": None,
        "new_image": image,
        "new_digest": None,
    }
    gone = {**options, "state": "absent", "remove_images": "all", "remove_volumes": True}
    calls.forget()
    unconfirmed = drive("container_stack", gone)
    assert "Say confirm_data_loss: true" in unconfirmed["msg"]
    assert calls.mutating() == []
    removed = converge_stack({**gone, "confirm_data_loss": True}, calls)
    assert slots(removed) == dict.fromkeys(CONTAINERS, ("removed", "state is absent"))
    assert removed["volumes"] == removed["images"] == removed["kept_images"] == []
    volumes = drive("container_volume_info", {**lab["vcenter"], "name": ["store_data"]})["volumes"]
    images = drive("container_image_info", {**lab["vcenter"]})["images"]
    assert (volumes, images) == ([], [])


def test_an_image_that_others_use_is_kept_and_their_volume_is_not_deleted(
    options: dict[str, Any], lab: dict[str, Any], calls: Control
) -> None:
    converge_stack(options, calls)
    guest = {"name": "guest", "image": lab["images"]["tiny"], "cluster": lab["cluster"], "datastore": lab["datastore"]}
    other = {**lab["vcenter"], **guest}
    assert drive("container_vm", other)["changed"]
    try:
        removed = converge_stack({**options, "state": "absent", "remove_images": "all"}, calls)
        (kept,) = removed["kept_images"]
        assert kept["name"].endswith(lab["images"]["tiny"].rpartition("/")[2])
        assert [path.rpartition("/")[2] for path in kept["in_use_by"]] == ["guest"]
        assert drive("container_vm", {**other, "volumes": ["store_data:/data"]})["changed"]
        gone = {**options, "state": "absent", "remove_volumes": True, "confirm_data_loss": True}
        calls.forget()
        failed = drive("container_stack", gone)
        assert "store_data is not deleted because it is attached to guest" in failed["msg"]
        assert calls.mutating() == []
    finally:
        drive("container_vm", {**lab["vcenter"], "name": "guest", "state": "absent"})


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"remove_volumes": True}, "remove_volumes is given with state: present."),
        ({"state": "stopped", "remove_images": "all"}, "remove_images is given with state: stopped."),
        ({"state": "absent", "services": ["db"], "remove_volumes": True}, "remove_volumes is given with services"),
    ],
)
def test_a_removal_of_what_is_still_needed_is_refused(
    options: dict[str, Any], calls: Control, more: dict[str, Any], message: str
) -> None:
    calls.forget()
    assert drive("container_stack", {**options, **more})["msg"].startswith(message)
    assert calls.all() == []


def test_the_lookup_shows_a_project_as_the_module_understands_it(
    options: dict[str, Any], play: PlaybookRunner, tmp_path: Path
) -> None:
    (tmp_path / "compose.yaml").write_text(options["definition"])
    given = f"'{tmp_path}', networks={{'*': 'VM Network'}}, compose_vars={{'LEVEL': 'debug'}}, scale={{'web': 3}}"
    shown = play({"ansible.builtin.debug": {"msg": f"{{{{ lookup('gantry.vsphere.compose_stack', {given}) }}}}"}})
    found = shown.ok().last["msg"]
    assert found["refused"] == []
    web = found["services"]["web"]
    assert (web["container"], web["replicas"], web["options"]["env"]) == ("store-web", 3, {"LEVEL": "debug"})
    assert (found["services"]["seed"]["job"], found["volumes"]["data"]["name"]) == (True, "store_data")
    failed = play({"ansible.builtin.debug": {"msg": "{{ lookup('gantry.vsphere.compose_stack', '/nowhere') }}"}})
    assert "There is no Compose file in /nowhere" in failed.output


def test_ansible_shows_the_progress_and_how_long_each_container_took(
    options: dict[str, Any], play: PlaybookRunner
) -> None:
    task = {"gantry.vsphere.container_stack": {**options, "services": ["db"]}}
    run = play(task, way="action", verbosity=2).ok()
    assert re.search(r"store-db-1: done in \d+\.\d s \(1 of 1\)", run.output)
    assert list(run.last["durations"]) == ["store-db-1"]
