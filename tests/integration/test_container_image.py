# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""container_image against the lab's vCenter and registry: import, idempotence, check mode, moving tags, removal."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.api import vim
from tests.integration.support import background
from tests.integration.support.control import Control
from tests.integration.support.images import Store, Template
from tests.integration.support.playing import Player, Way

MODULE = "gantry.vsphere.container_image"
BUDGET = 10


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One image cache for all tests that are not about the cache."""
    return tmp_path_factory.mktemp("images")


@pytest.fixture
def store(lab: dict[str, Any]) -> Iterator[Store]:
    """A vCenter without images, before the test and after it."""
    one = Store(lab["vcenter"])
    one.clear(lab["datastore"])
    yield one
    one.clear(lab["datastore"])
    one.session.close()


@pytest.fixture
def options(lab: dict[str, Any], cache: Path) -> Callable[..., dict[str, Any]]:
    """The options of a task about the tiny image."""

    def make(**more: Any) -> dict[str, Any]:
        return {"name": lab["images"]["tiny"], "registry_tls_verify": False, "cache_path": str(cache), **more}

    return make


@pytest.fixture
def task(options: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    return lambda **more: {MODULE: options(**more)}


@pytest.fixture
def no_registry(tmp_path: Path) -> Iterator[dict[str, str]]:
    """An environment in which asking a registry is noticed, and fails."""
    folder, marker = tmp_path / "bin", tmp_path / "asked"
    folder.mkdir()
    program = folder / "skopeo"
    program.write_text(f'#!/bin/sh\necho "$@" >> {marker}\nexit 99\n')
    program.chmod(0o755)
    yield {"PATH": f"{folder}:/usr/bin:/bin"}
    assert not marker.exists(), f"the registry was asked: {marker.read_text()}"


def only(store: Store) -> Template:
    (template,) = store.templates()
    return template


def retag(lab: dict[str, Any], source: str, target: str) -> None:
    """Make ``target`` in the lab's registry mean what ``source`` means."""
    command = ["skopeo", "copy", "--quiet", "--all", "--src-tls-verify=false", "--dest-tls-verify=false"]
    subprocess.run([*command, f"docker://{source}", f"docker://{target}"], check=True, capture_output=True)


@pytest.mark.smoke
def test_an_image_becomes_a_template(
    play: Player, way: Way, task: Callable[..., dict[str, Any]], store: Store, lab: dict[str, Any]
) -> None:
    outcome = play(task(), way=way).ok().last
    template = only(store)
    assert outcome.changed
    image = outcome["image"]
    assert template.name == f"gantry-image-{image['digest'][7:19]}-{image['disk'][:8]}"
    assert (image["moid"], image["name"]) == (template.moid, template.name)
    assert image["path"] == f"/{lab['datacenter']}/vm/gantry-images/{template.name}"
    assert image["datastore"] == lab["datastore"]
    assert image["references"] == [lab["images"]["tiny"]]
    assert image["config"]["architecture"] == "amd64"
    assert outcome["actions"][0] == f"create folder /{lab['datacenter']}/vm/gantry-images"
    assert outcome["actions"][1].startswith(f"import {lab['images']['tiny']} (sha256:")
    check_contract(template, image, lab["images"]["tiny"])


def check_contract(template: Template, image: dict[str, Any], reference: str) -> None:
    """The template is what docs/developers/interfaces.md says."""
    assert template.is_template
    assert template.snapshots == ("gantry-base",)
    config = template.config
    assert config["gantry.schema"] == "1"
    assert config["gantry.kind"] == "image"
    assert config["gantry.image"] == reference
    assert config["gantry.image.digest"] == image["digest"]
    assert config["gantry.image.disk"] == image["disk"]
    assert json.loads(config["gantry.image.config"]) == image["config"]
    assert json.loads(config["gantry.image.references"]) == [reference]
    assert config["gantry.image.state"] == "ready"
    assert config.get("gantry.image.import", "") == ""
    assert config["disk.EnableUUID"].lower() == "true"
    controllers = [one for one in template.devices if isinstance(one, vim.vm.device.VirtualSCSIController)]
    disks = [one for one in template.devices if isinstance(one, vim.vm.device.VirtualDisk)]
    assert [type(one) for one in controllers] == [vim.vm.device.ParaVirtualSCSIController]
    assert [(one.controllerKey, one.unitNumber) for one in disks] == [(controllers[0].key, 0)]
    assert disks[0].capacityInBytes % (1 << 20) == 0
    assert template.guest_id in ("other5xLinux64Guest", "other4xLinux64Guest")


def test_a_second_run_asks_no_registry_and_changes_nothing(
    play: Player,
    way: Way,
    task: Callable[..., dict[str, Any]],
    store: Store,
    calls: Control,
    no_registry: dict[str, str],
) -> None:
    first = play(task(), way=way).ok().last
    calls.reset()
    second = play(task(), way=way, environment=no_registry).ok().last
    assert not second.changed
    assert second["actions"] == []
    assert second["image"] == first["image"]
    assert calls.mutating() == []


def test_pulling_always_asks_the_registry_and_uploads_nothing(
    play: Player, task: Callable[..., dict[str, Any]], store: Store, calls: Control
) -> None:
    play(task()).ok()
    calls.reset()
    outcome = play(task(pull="always")).ok().last
    assert not outcome.changed
    assert calls.mutating() == []


def test_both_ways_return_the_same(
    play: Player, both_ways: Callable[..., dict[str, Any]], task: Callable[..., dict[str, Any]], store: Store
) -> None:
    predicted = both_ways(task(), check=True, diff=True)
    assert predicted["changed"]
    play(task()).ok()
    result = both_ways(task(), diff=True)
    assert not result["changed"]
    assert result["diff"] == {"before": {}, "after": {}}
    both_ways(task(name="127.0.0.1:1/nothing:1", pull="never"))
    assert both_ways(task(state="absent"), check=True)["image"] is None


def test_check_mode_predicts_and_touches_nothing(
    play: Player,
    way: Way,
    task: Callable[..., dict[str, Any]],
    store: Store,
    calls: Control,
    tmp_path: Path,
    lab: dict[str, Any],
) -> None:
    fresh = tmp_path / "cache"
    predicted = play(task(cache_path=str(fresh)), way=way, check=True, diff=True).ok().last
    assert predicted.changed
    assert calls.mutating() == []
    assert store.templates() == []
    assert not list(fresh.rglob("*.vmdk"))
    assert predicted["image"]["moid"] is None
    made = play(task(cache_path=str(fresh)), way=way, diff=True).ok().last
    assert predicted["actions"] == made["actions"]
    assert predicted["diff"] == made["diff"]
    same = ("config", "name", "path", "datastore", "digest", "disk", "references", "reference", "state")
    assert {key: predicted["image"][key] for key in same} == {key: made["image"][key] for key in same}
    images = made["diff"]["after"]["images"]
    assert images[made["image"]["name"]]["datastore"] == lab["datastore"]
    assert made["diff"]["before"] == {}


def test_nothing_to_do_is_cheap_whatever_else_there_is(
    play: Player,
    way: Way,
    task: Callable[..., dict[str, Any]],
    store: Store,
    calls: Control,
    idle_vms: int,
    no_registry: dict[str, str],
) -> None:
    play(task(), way=way).ok()
    calls.reset()
    assert not play(task(), way=way, environment=no_registry).ok().last.changed
    assert len(calls.methods()) <= BUDGET, calls.methods()
    calls.reset()
    assert not play(task(name="example.com/unknown:1", state="absent"), way=way).ok().last.changed
    assert len(calls.methods()) <= BUDGET, calls.methods()


def test_a_second_reference_to_the_same_image_uploads_nothing(
    play: Player, task: Callable[..., dict[str, Any]], store: Store, calls: Control, lab: dict[str, Any]
) -> None:
    other = lab["images"]["tiny"].replace(":1", ":also").replace("127.0.0.1:also", "127.0.0.1:1")
    retag(lab, lab["images"]["tiny"], other)
    first = play(task()).ok().last
    calls.reset()
    second = play(task(name=other), diff=True).ok().last
    assert second.changed
    assert second["image"]["moid"] == first["image"]["moid"]
    assert set(second["image"]["references"]) == {lab["images"]["tiny"], other}
    assert "ImportVApp" not in calls.methods()
    assert only(store).is_template
    assert not play(task(name=other)).ok().last.changed
    name = first["image"]["name"]
    assert second["diff"]["before"]["images"][name] == {"references": [lab["images"]["tiny"]]}


def test_a_tag_that_moved_is_followed_when_asked(
    play: Player, task: Callable[..., dict[str, Any]], store: Store, lab: dict[str, Any]
) -> None:
    tag = f"{lab['registry']}/gantry/moving:1"
    retag(lab, lab["images"]["tiny"], tag)
    old = play(task(name=tag)).ok().last["image"]
    retag(lab, lab["images"]["redis"], tag)
    assert not play(task(name=tag)).ok().last.changed
    outcome = play(task(name=tag, pull="always")).ok().last
    assert outcome.changed
    assert outcome["image"]["digest"] != old["digest"]
    references = {one.moid: json.loads(one.config["gantry.image.references"]) for one in store.templates()}
    assert references == {old["moid"]: [], outcome["image"]["moid"]: [tag]}
    assert all(one.is_template for one in store.templates())
    assert not play(task(name=tag, pull="always")).ok().last.changed
    # The image that no reference means any more is still to be had, and removed, by its digest.
    by_digest = f"{lab['registry']}/gantry/moving@{old['digest']}"
    assert play(task(name=by_digest, state="absent")).ok().last.changed
    assert only(store).moid == outcome["image"]["moid"]


def test_an_image_for_several_platforms_gives_the_one_that_vsphere_runs(
    play: Player, task: Callable[..., dict[str, Any]], store: Store, lab: dict[str, Any]
) -> None:
    image = play(task(name=lab["images"]["multi"])).ok().last["image"]
    assert image["config"]["architecture"] == "amd64"


def test_removal(
    play: Player, way: Way, task: Callable[..., dict[str, Any]], store: Store, calls: Control, lab: dict[str, Any]
) -> None:
    name = play(task(), way=way).ok().last["image"]["name"]
    calls.reset()
    predicted = play(task(state="absent"), way=way, check=True, diff=True).ok().last
    assert predicted.changed
    assert calls.mutating() == []
    assert only(store).name == name
    outcome = play(task(state="absent"), way=way, diff=True).ok().last
    assert outcome.changed
    assert outcome["image"] is None
    assert outcome["diff"] == predicted["diff"]
    assert set(outcome["diff"]["before"]["images"]) == {name}
    assert store.templates() == []
    assert not [folder for folder in store.folders(lab["datastore"]) if folder.startswith("gantry-image-")]
    assert not play(task(state="absent"), way=way).ok().last.changed


def test_removing_one_of_two_references_keeps_the_image(
    play: Player, task: Callable[..., dict[str, Any]], store: Store, lab: dict[str, Any]
) -> None:
    other = f"{lab['registry']}/gantry/tiny:second"
    retag(lab, lab["images"]["tiny"], other)
    play([task(), task(name=other)]).ok()
    outcome = play(task(state="absent")).ok().last
    assert outcome.changed
    assert json.loads(only(store).config["gantry.image.references"]) == [other]
    assert only(store).is_template


def test_an_image_that_vms_stand_on_is_not_removed(
    both_ways: Callable[..., dict[str, Any]],
    play: Player,
    task: Callable[..., dict[str, Any]],
    store: Store,
    lab: dict[str, Any],
    calls: Control,
) -> None:
    play(task()).ok()
    clone = store.linked_clone(only(store), "image-test-clone")
    calls.reset()
    result = both_ways(task(state="absent"))
    assert result["in_use_by"] == [f"/{lab['datacenter']}/vm/image-test-clone"]
    assert "image-test-clone" in result["msg"]
    assert calls.mutating() == []
    assert only(store).is_template
    store.destroy(clone)
    assert play(task(state="absent")).ok().last.changed


def test_a_folder_that_is_given_is_kept_to(
    play: Player, task: Callable[..., dict[str, Any]], store: Store, lab: dict[str, Any]
) -> None:
    play(task()).ok()
    moved = play(task(folder="image-test"), diff=True).ok().last
    assert moved["image"]["path"].startswith(f"/{lab['datacenter']}/vm/image-test/gantry-image-")
    name = moved["image"]["name"]
    assert moved["diff"]["before"]["images"][name] == {"folder": f"/{lab['datacenter']}/vm/gantry-images"}
    assert not play(task(folder=f"/{lab['datacenter']}/vm/image-test")).ok().last.changed
    assert not play(task()).ok().last.changed


def test_a_template_made_a_vm_by_hand_is_a_template_again(
    play: Player, task: Callable[..., dict[str, Any]], store: Store
) -> None:
    play(task()).ok()
    store.set_template(only(store), False)
    outcome = play(task()).ok().last
    assert outcome["actions"] == [f"mark {only(store).name} as a template"]
    assert only(store).is_template
    assert not play(task()).ok().last.changed


def test_the_cache_is_not_needed_for_an_image_that_is_there(
    play: Player, task: Callable[..., dict[str, Any]], store: Store, tmp_path: Path
) -> None:
    play(task()).ok()
    assert not play(task(cache_path=str(tmp_path / "other"))).ok().last.changed
    assert not (tmp_path / "other").exists()


def test_wrong_names_are_told_and_change_nothing(
    play: Player, task: Callable[..., dict[str, Any]], store: Store, calls: Control, lab: dict[str, Any], way: Way
) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"cluster": "C00"}, r"no cluster 'C00'.*Did you mean 'C0'"),
        ({"datastore": "shared00"}, r"no datastore 'shared00'.*Did you mean 'shared0'"),
        ({"datacenter": "DC9"}, r"no datacenter 'DC9'"),
        ({"resource_pool": "fast"}, r"no resource pool 'fast'"),
        ({"folder": "nowhere/images"}, r"no folder 'nowhere'"),
        ({"folder": "/"}, r"names no folder"),
        ({"name": "Nginx:1"}, r"'Nginx:1' is invalid"),
        ({"name": "127.0.0.1:1/tiny:1"}, r"127\.0\.0\.1:1.*[Nn]othing listens"),
        ({"name": f"{lab['registry']}/gantry/tinny:1"}, r"has no such image"),
        ({"name": "tiny:1", "pull": "never"}, r"'tiny:1' is not in datacenter"),
        ({"registry_username": "me"}, r"registry_password"),
        ({"platform": "linux/arm64"}, r"linux/amd64"),
        ({"nmae": "x"}, r"nmae"),
    ]
    run = play([{**task(**options), "ignore_errors": True} for options, _message in wrong], way=way)
    assert len(run.outcomes) == len(wrong)
    for outcome, (options, message) in zip(run.outcomes, wrong, strict=True):
        assert outcome.failed, options
        assert re.search(message, outcome.msg), (options, outcome.msg)
        assert not outcome.changed
    assert "Traceback" not in run.output
    assert calls.mutating() == []
    assert store.templates() == []


def test_an_image_for_another_architecture_is_told(
    both_ways: Callable[..., dict[str, Any]],
    task: Callable[..., dict[str, Any]],
    store: Store,
    calls: Control,
    lab: dict[str, Any],
) -> None:
    result = both_ways(task(name=lab["images"]["arm"]))
    assert "amd64" in result["msg"]
    assert calls.mutating() == []
    assert "amd64" in both_ways(task(name=lab["images"]["arm"]), check=True)["msg"]


def test_a_name_taken_by_a_stranger_is_told_before_anything_is_done(
    both_ways: Callable[..., dict[str, Any]],
    play: Player,
    task: Callable[..., dict[str, Any]],
    store: Store,
    calls: Control,
) -> None:
    name = play(task(), check=True).ok().last["image"]["name"]
    store.create_folder("gantry-images")
    store.plain_vm(name, "gantry-images")
    calls.reset()
    result = both_ways(task())
    assert "holds no image of ours" in result["msg"]
    assert calls.mutating() == []


def test_no_space_is_told_and_leaves_nothing(
    play: Player, task: Callable[..., dict[str, Any]], store: Store, calls: Control, lab: dict[str, Any]
) -> None:
    calls.limit_datastore(lab["datastore"], 1000)
    try:
        outcome = play(task()).last
    finally:
        calls.limit_datastore(lab["datastore"], 32 << 30)
    assert outcome.failed
    assert f"datastore {lab['datastore']} has 1 MiB left" in outcome.msg
    assert store.templates() == []


@pytest.mark.parametrize("method", ["ImportVApp", "CreateSnapshot_Task", "ReconfigVM_Task"])
def test_a_fault_in_the_middle_leaves_nothing(
    play: Player, task: Callable[..., dict[str, Any]], store: Store, calls: Control, method: str
) -> None:
    calls.fault(method, "NoDiskSpace")
    outcome = play(task()).last
    assert outcome.failed
    assert outcome["fault"]["type"] == "NoDiskSpace"
    assert store.templates() == []
    assert play(task()).ok().last.changed
    assert only(store).is_template


def test_a_lost_snapshot_is_told_and_put_right_by_hand(
    play: Player, task: Callable[..., dict[str, Any]], store: Store
) -> None:
    play(task()).ok()
    store.set_template(only(store), False)
    store.remove_snapshots(only(store))
    store.set_template(only(store), True)
    outcome = play(task()).last
    assert "lost its snapshot gantry-base" in outcome.msg
    play([task(state="absent"), task()]).ok()
    assert only(store).snapshots == ("gantry-base",)


KILLED_IN = [
    "CreateFolder",
    "ImportVApp",
    "HttpNfcLeaseComplete",
    "CreateSnapshot_Task",
    "ReconfigVM_Task",
    "MarkAsTemplate",
]


@pytest.mark.parametrize("method", KILLED_IN)
def test_a_killed_import_is_made_good_by_the_next_run(
    play: Player,
    options: Callable[..., dict[str, Any]],
    store: Store,
    calls: Control,
    connection: dict[str, str],
    lab: dict[str, Any],
    method: str,
) -> None:
    background.kill_in(method, "container_image", options(), connection, calls)
    play({MODULE: options()}).ok()
    template = only(store)
    assert template.is_template
    assert template.snapshots == ("gantry-base",)
    assert template.config["gantry.image.state"] == "ready"
    assert not play({MODULE: options()}).ok().last.changed
    folders = [one for one in store.folders(lab["datastore"]) if one.startswith("gantry-image-")]
    assert len(folders) == 1, folders


def test_an_interrupted_import_that_vcenter_does_not_let_go_of_is_no_obstacle(
    play: Player,
    options: Callable[..., dict[str, Any]],
    store: Store,
    calls: Control,
    connection: dict[str, str],
) -> None:
    background.kill_in("HttpNfcLeaseComplete", "container_image", options(), connection, calls)
    calls.fault("Destroy_Task", "InvalidState", count=2)
    outcome = play({MODULE: options()}).ok().last
    assert "gives it up by itself" in outcome["warnings"][0]
    assert [one.moid for one in store.templates() if one.is_template] == [outcome["image"]["moid"]]


@pytest.mark.parametrize("method", ["MarkAsVirtualMachine", "ReconfigVM_Task", "MarkAsTemplate"])
def test_a_killed_retag_is_made_good_by_the_next_run(
    play: Player,
    options: Callable[..., dict[str, Any]],
    store: Store,
    calls: Control,
    connection: dict[str, str],
    lab: dict[str, Any],
    method: str,
) -> None:
    other = f"{lab['registry']}/gantry/tiny:killed"
    retag(lab, lab["images"]["tiny"], other)
    play({MODULE: options()}).ok()
    background.kill_in(method, "container_image", options(name=other), connection, calls)
    play({MODULE: options(name=other)}).ok()
    assert only(store).is_template
    assert json.loads(only(store).config["gantry.image.references"]) == [lab["images"]["tiny"], other]
    assert not play([{MODULE: options()}, {MODULE: options(name=other)}]).ok().last.changed


@pytest.mark.parametrize("caches", ["one machine", "two machines"])
def test_two_runs_that_import_the_same_image_both_succeed(
    options: Callable[..., dict[str, Any]],
    store: Store,
    calls: Control,
    connection: dict[str, str],
    lab: dict[str, Any],
    tmp_path: Path,
    caches: str,
) -> None:
    paths = ["a", "a"] if caches == "one machine" else ["a", "b"]
    # Both have seen that the image is missing before one of them has it.
    calls.fault("CreateSnapshot_Task", delay_seconds=3.0)
    first, second = (options(cache_path=str(tmp_path / path)) for path in paths)
    with (
        background.running("container_image", first, connection) as one,
        background.running("container_image", second, connection) as two,
    ):
        results = [background.result_of(process) for process in (one, two)]
    assert [result.get("failed", False) for result in results] == [False, False], results
    template = only(store)
    assert {result["image"]["moid"] for result in results} == {template.moid}
    assert template.is_template
    assert len([one for one in store.folders(lab["datastore"]) if one.startswith("gantry-image-")]) == 1


def test_an_import_under_way_elsewhere_is_left_alone_and_an_old_one_removed(
    play: Player, task: Callable[..., dict[str, Any]], store: Store
) -> None:
    play(task()).ok()
    template = only(store)
    store.set_template(template, False)
    claim = {"controller": "another machine", "started": "2999-01-01T00:00:00+00:00"}
    store.set_config(template.moid, {"gantry.image.state": "importing", "gantry.image.import": json.dumps(claim)})
    assert play(task(), check=True).ok().last["actions"][0].startswith("import ")
    claim["started"] = "2020-01-01T00:00:00+00:00"
    store.set_config(template.moid, {"gantry.image.import": json.dumps(claim)})
    outcome = play(task()).ok().last
    assert outcome["actions"][0] == f"remove interrupted import {template.name}"
    assert only(store).moid == outcome["image"]["moid"] != template.moid


def test_a_password_for_the_registry_is_not_shown(
    play: Player, way: Way, task: Callable[..., dict[str, Any]], store: Store
) -> None:
    secret = "hunter-seventeen"
    run = play(task(registry_username="me", registry_password=secret), way=way, verbosity=3)
    assert run.ok().last.changed
    assert secret not in run.output
    assert secret not in json.dumps(run.last.result)


def test_the_drive_used_here_is_the_module(connection: dict[str, str]) -> None:
    """background.py runs the same operation: an option that the module refuses is refused there too."""
    command = [sys.executable, "-m", "tests.integration.support.drive", "container_image", '{"name": "x", "nope": 1}']
    environment = {**os.environ, **connection}
    process = subprocess.run(command, cwd=background.ROOT, env=environment, capture_output=True, text=True, check=False)
    assert process.returncode != 0
    assert "nope" in process.stderr
