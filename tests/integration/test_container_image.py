# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""container_image against the lab's vCenter and registry, mostly without Ansible around it."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import vim
from tests.support.lab import background
from tests.support.lab.control import Control
from tests.support.lab.direct import DirectRunner
from tests.support.lab.drive import drive
from tests.support.lab.images import Store, Template
from tests.support.lab.playbook import PlaybookRunner, Way

MODULE = "gantry.vsphere.container_image"

Options = Callable[..., dict[str, Any]]
Run = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One image cache for all tests that are not about the cache."""
    return tmp_path_factory.mktemp("images")


@pytest.fixture
def options(lab: dict[str, Any], cache: Path) -> Options:
    """Return the options of a task for the tiny image."""

    def make(**more: Any) -> dict[str, Any]:
        return {"name": lab["images"]["tiny"], "registry_tls_verify": False, "cache_path": str(cache), **more}

    return make


@pytest.fixture
def run(options: Options, lab: dict[str, Any], store: Store) -> Run:
    """Run the module without Ansible, and assert that it does not fail unless a failure is expected."""

    def once(*, check: bool = False, fails: bool = False, **more: Any) -> dict[str, Any]:
        result = drive("container_image", {**lab["vcenter"], **options(**more)}, check=check)
        assert result.get("failed", False) is fails, result
        return result

    return once


@pytest.fixture
def no_registry(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Return an environment in which a request to a registry is recorded and fails."""
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


def references(template: Template) -> list[str]:
    found: list[str] = json.loads(template.config["gantry.image.references"])
    return found


def retag(source: str, target: str) -> str:
    """Make ``target`` in the lab's registry mean what ``source`` means; it is returned."""
    command = ["skopeo", "copy", "--quiet", "--all", "--src-tls-verify=false", "--dest-tls-verify=false"]
    subprocess.run([*command, f"docker://{source}", f"docker://{target}"], check=True, capture_output=True)
    return target


def image_folders(store: Store, lab: dict[str, Any]) -> list[str]:
    return [name for name in store.folders(lab["datastore"]) if name.startswith("gantry-image-")]


# -- with the sessions of both ways


def test_an_image_becomes_a_template(
    direct: DirectRunner, way: Way, options: Options, store: Store, lab: dict[str, Any]
) -> None:
    outcome = direct({MODULE: options()}, way=way).ok().last
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
    """Compare the template with docs/developers/contracts.md."""
    assert template.is_template
    assert template.snapshots == ("gantry-base",)
    config = template.config
    assert config["gantry.schema"] == "1"
    assert config["gantry.kind"] == "image"
    assert config["gantry.image"] == reference
    assert config["gantry.image.digest"] == image["digest"]
    assert config["gantry.image.disk"] == image["disk"]
    assert json.loads(config["gantry.image.config"]) == image["config"]
    assert references(template) == [reference]
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
    direct: DirectRunner, way: Way, options: Options, run: Run, calls: Control, no_registry: dict[str, str]
) -> None:
    first = run()
    calls.forget()
    second = direct({MODULE: options()}, way=way, environment=no_registry).ok().last
    assert not second.changed
    assert second["actions"] == []
    assert second["image"] == first["image"]
    assert calls.mutating() == []


def test_check_mode_predicts_and_touches_nothing(
    direct: DirectRunner, way: Way, options: Options, store: Store, calls: Control, tmp_path: Path, lab: dict[str, Any]
) -> None:
    task = {MODULE: options(cache_path=str(tmp_path / "cache"))}
    predicted = direct(task, way=way, check=True, diff=True).ok().last
    assert predicted.changed
    assert calls.mutating() == []
    assert store.templates() == []
    assert not (tmp_path / "cache").exists()
    assert predicted["image"]["moid"] is None
    made = direct(task, way=way, diff=True).ok().last
    assert predicted["actions"] == made["actions"]
    assert predicted["diff"] == made["diff"]
    assert {**predicted["image"], "moid": made["image"]["moid"]} == made["image"]
    images = made["diff"]["after"]["images"]
    assert images[made["image"]["name"]]["datastore"] == lab["datastore"]
    assert made["diff"]["before"] == {}


def test_removal(direct: DirectRunner, way: Way, options: Options, store: Store, run: Run, lab: dict[str, Any]) -> None:
    name = run()["image"]["name"]
    absent = {MODULE: options(state="absent"), "diff": True}
    predicted, made, again = direct([{**absent, "check_mode": True}, absent, absent], way=way).ok().outcomes
    assert predicted.changed
    assert predicted["image"] is None
    assert made.changed
    assert made["image"] is None
    assert made["diff"] == predicted["diff"]
    assert set(made["diff"]["before"]["images"]) == {name}
    assert not again.changed
    assert store.templates() == []
    assert image_folders(store, lab) == []


def test_wrong_names_are_told_and_change_nothing(
    direct: DirectRunner, options: Options, store: Store, calls: Control, lab: dict[str, Any], way: Way
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
        ({"name": lab["images"]["arm"]}, r"amd64"),
        ({"name": "tiny:1", "pull": "never"}, r"'tiny:1' is not in datacenter"),
        ({"registry_username": "me"}, r"registry_password"),
        ({"source": "dir:/srv/app"}, r"'dir:/srv/app' cannot be read.*oci-archive:PATH"),
        ({"platform": "linux/arm64"}, r"linux/amd64"),
        ({"nmae": "x"}, r"nmae"),
    ]
    tasks = [{MODULE: options(**more), "ignore_errors": True} for more, _message in wrong]
    tasks.append({MODULE: options(name=lab["images"]["arm"]), "ignore_errors": True, "check_mode": True})
    played = direct(tasks, way=way)
    assert len(played.outcomes) == len(tasks)
    for outcome, (more, message) in zip(played.outcomes, [*wrong, ({"check": True}, "amd64")], strict=True):
        assert outcome.failed, more
        assert re.search(message, outcome.msg), (more, outcome.msg)
        assert not outcome.changed
    assert "Traceback" not in played.output
    assert calls.mutating() == []
    assert store.templates() == []


# -- with ansible-playbook


def test_a_password_for_the_registry_is_not_shown(
    play: PlaybookRunner, way: Way, options: Options, store: Store
) -> None:
    secret = "hunter-seventeen"
    played = play({MODULE: options(registry_username="me", registry_password=secret)}, way=way, verbosity=3)
    assert played.ok().last.changed
    assert secret not in played.output
    assert secret not in json.dumps(played.last.result)


# -- the registry and references


def test_pulling_always_asks_the_registry_and_uploads_nothing(run: Run, calls: Control) -> None:
    run()
    calls.forget()
    assert not run(pull="always")["changed"]
    assert calls.mutating() == []


def test_a_second_reference_to_the_same_image_uploads_nothing(
    run: Run, store: Store, calls: Control, lab: dict[str, Any]
) -> None:
    tiny = lab["images"]["tiny"]
    other = retag(tiny, f"{lab['registry']}/gantry/also:1")
    first = run()
    calls.forget()
    second = run(name=other)
    assert second["changed"]
    assert second["image"]["moid"] == first["image"]["moid"]
    assert set(second["image"]["references"]) == {tiny, other}
    assert second["diff"]["before"]["images"][first["image"]["name"]] == {"references": [tiny]}
    assert "ImportVApp" not in calls.methods()
    assert only(store).is_template
    assert not run(name=other)["changed"]
    assert not run()["changed"]


def test_a_tag_that_moved_is_followed_when_asked(run: Run, store: Store, lab: dict[str, Any]) -> None:
    tag = retag(lab["images"]["tiny"], f"{lab['registry']}/gantry/moving:1")
    old = run(name=tag)["image"]
    retag(lab["images"]["redis"], tag)
    assert not run(name=tag)["changed"]
    moved = run(name=tag, pull="always")
    assert moved["changed"]
    assert moved["image"]["digest"] != old["digest"]
    found = {one.moid: references(one) for one in store.templates()}
    assert found == {old["moid"]: [], moved["image"]["moid"]: [tag]}
    assert all(one.is_template for one in store.templates())
    assert not run(name=tag, pull="always")["changed"]
    # The image that no reference means any more is still to be had, and removed, by its digest.
    assert run(name=f"{lab['registry']}/gantry/moving@{old['digest']}", state="absent")["changed"]
    assert only(store).moid == moved["image"]["moid"]


def test_an_image_for_several_platforms_gives_the_one_that_vsphere_runs(run: Run, lab: dict[str, Any]) -> None:
    assert run(name=lab["images"]["multi"])["image"]["config"]["architecture"] == "amd64"


def test_the_cache_is_not_needed_for_an_image_that_is_there(run: Run, tmp_path: Path) -> None:
    run()
    assert not run(cache_path=str(tmp_path / "other"))["changed"]
    assert not (tmp_path / "other").exists()


def test_an_archive_is_imported_under_the_name_of_the_task(
    run: Run, store: Store, calls: Control, lab: dict[str, Any], tmp_path: Path
) -> None:
    archive, name = tmp_path / "saved.tar", "registry.example.com/offline/app:1"
    command = ["skopeo", "copy", "--quiet", "--src-tls-verify=false"]
    targets = [f"docker://{lab['images']['tiny']}", f"docker-archive:{archive}:{name}"]
    subprocess.run([*command, *targets], check=True, capture_output=True)
    task = {"name": name, "source": f"docker-archive:{archive}"}
    predicted = run(check=True, **task)
    assert (predicted["changed"], calls.mutating()) == (True, [])
    made = run(**task)
    assert {**predicted["image"], "moid": made["image"]["moid"]} == made["image"]
    assert references(only(store)) == [name]
    assert made["image"]["digest"] != run(name=lab["images"]["tiny"], check=True)["image"]["digest"]
    assert not run(**task, pull="always")["changed"]
    archive.unlink()
    assert not run(**task)["changed"]
    assert "cannot be read from 'docker-archive:" in run(**task, pull="always", fails=True)["msg"]


# -- removal and places


def test_removing_one_of_two_references_keeps_the_image(run: Run, store: Store, lab: dict[str, Any]) -> None:
    other = retag(lab["images"]["tiny"], f"{lab['registry']}/gantry/tiny:second")
    run()
    run(name=other)
    assert run(state="absent")["changed"]
    assert references(only(store)) == [other]
    assert only(store).is_template


@pytest.mark.parametrize("hidden", [False, True])
def test_an_image_that_vms_stand_on_is_not_removed(
    run: Run, store: Store, lab: dict[str, Any], calls: Control, hidden: bool
) -> None:
    """Also where the disks of clones show no parent, as on vVols."""
    run()
    calls.behave(hide_disk_parents=hidden)
    clone = store.linked_clone(only(store), "image-test-clone")
    calls.forget()
    result = run(state="absent", fails=True)
    assert result["in_use_by"] == [f"/{lab['datacenter']}/vm/image-test-clone"]
    assert "image-test-clone" in result["msg"]
    assert calls.mutating() == []
    assert only(store).is_template
    store.destroy(clone)
    assert run(state="absent")["changed"]


def test_a_clone_made_since_the_plan_is_noticed(run: Run, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    run()
    from ansible_collections.gantry.vsphere.plugins.module_utils._image import operation

    planned = operation.plan_image

    def plan_then_clone(*arguments: Any) -> Any:
        plan = planned(*arguments)
        store.linked_clone(only(store), "image-test-clone")
        return plan

    monkeypatch.setattr(operation, "plan_image", plan_then_clone)
    assert "image-test-clone" in run(state="absent", fails=True)["msg"]
    assert only(store).is_template


def test_a_folder_that_is_given_is_kept_to(run: Run, lab: dict[str, Any]) -> None:
    run()
    moved = run(folder="image-test")
    assert moved["image"]["path"].startswith(f"/{lab['datacenter']}/vm/image-test/gantry-image-")
    name = moved["image"]["name"]
    assert moved["diff"]["before"]["images"][name] == {"folder": f"/{lab['datacenter']}/vm/gantry-images"}
    assert not run(folder=f"/{lab['datacenter']}/vm/image-test")["changed"]
    assert not run()["changed"]


def test_a_name_taken_by_a_stranger_is_told_before_anything_is_done(run: Run, store: Store, calls: Control) -> None:
    name = run(check=True)["image"]["name"]
    store.create_folder("gantry-images")
    store.plain_vm(name, "gantry-images")
    calls.forget()
    assert "holds no image of ours" in run(fails=True)["msg"]
    assert calls.mutating() == []


# -- failures


def test_no_space_is_told_and_changes_nothing(run: Run, calls: Control, lab: dict[str, Any]) -> None:
    calls.limit_datastore(lab["datastore"], 1000)
    calls.forget()
    try:
        result = run(fails=True)
    finally:
        calls.limit_datastore(lab["datastore"], 32 << 30)
    assert f"datastore {lab['datastore']} has 1 MiB left" in result["msg"]
    assert not result["changed"]
    assert calls.mutating() == []


@pytest.mark.parametrize("method", ["ImportVApp", "CreateSnapshot_Task", "ReconfigVM_Task"])
def test_a_fault_in_the_middle_leaves_no_image(run: Run, store: Store, calls: Control, method: str) -> None:
    calls.fault(method, "NoDiskSpace")
    assert run(fails=True)["fault"]["type"] == "NoDiskSpace"
    assert store.templates() == []
    assert run()["changed"]
    assert only(store).is_template


def test_a_template_made_a_vm_by_hand_is_a_template_again(run: Run, store: Store) -> None:
    run()
    store.set_template(only(store), False)
    assert run()["actions"] == [f"mark {only(store).name} as a template"]
    assert only(store).is_template
    assert not run()["changed"]


def test_a_lost_snapshot_is_told_and_put_right_by_hand(run: Run, store: Store) -> None:
    run()
    store.set_template(only(store), False)
    store.remove_snapshots(only(store))
    store.set_template(only(store), True)
    assert "lost its snapshot gantry-base" in run(fails=True)["msg"]
    run(state="absent")
    run()
    assert only(store).snapshots == ("gantry-base",)


# -- interrupted and concurrent runs

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
    run: Run,
    options: Options,
    store: Store,
    calls: Control,
    connection: dict[str, str],
    lab: dict[str, Any],
    method: str,
) -> None:
    background.kill_in(method, "container_image", options(), connection, calls)
    run()
    template = only(store)
    assert template.is_template
    assert template.snapshots == ("gantry-base",)
    assert template.config["gantry.image.state"] == "ready"
    assert not run()["changed"]
    assert len(image_folders(store, lab)) == 1


def test_an_interrupted_import_that_vcenter_does_not_let_go_of_is_no_obstacle(
    run: Run, options: Options, store: Store, calls: Control, connection: dict[str, str]
) -> None:
    background.kill_in("HttpNfcLeaseComplete", "container_image", options(), connection, calls)
    calls.fault("Destroy_Task", "InvalidState", count=2)
    result = run()
    assert "gives it up by itself" in result["warnings"][0]
    assert [one.moid for one in store.templates() if one.is_template] == [result["image"]["moid"]]


@pytest.mark.parametrize("method", ["MarkAsVirtualMachine", "ReconfigVM_Task", "MarkAsTemplate"])
def test_a_killed_retag_is_made_good_by_the_next_run(
    run: Run,
    options: Options,
    store: Store,
    calls: Control,
    connection: dict[str, str],
    lab: dict[str, Any],
    method: str,
) -> None:
    other = retag(lab["images"]["tiny"], f"{lab['registry']}/gantry/tiny:killed")
    run()
    background.kill_in(method, "container_image", options(name=other), connection, calls)
    run(name=other)
    assert only(store).is_template
    assert references(only(store)) == [lab["images"]["tiny"], other]
    assert not run()["changed"]
    assert not run(name=other)["changed"]


@pytest.mark.parametrize("machines", [1, 2])
def test_two_runs_that_import_the_same_image_both_succeed(
    options: Options,
    store: Store,
    calls: Control,
    connection: dict[str, str],
    lab: dict[str, Any],
    tmp_path: Path,
    machines: int,
) -> None:
    # Both have seen that the image is missing before one of them has it.
    calls.fault("CreateSnapshot_Task", delay_seconds=3.0)
    first, second = (options(cache_path=str(tmp_path / str(number % machines))) for number in range(2))
    with (
        background.running("container_image", first, connection) as one,
        background.running("container_image", second, connection) as two,
    ):
        results = [background.result_of(process) for process in (one, two)]
    assert [result.get("failed", False) for result in results] == [False, False], results
    template = only(store)
    assert {result["image"]["moid"] for result in results} == {template.moid}
    assert template.is_template
    assert len(image_folders(store, lab)) == 1


def test_two_runs_that_add_references_at_once_lose_none(
    run: Run,
    options: Options,
    store: Store,
    calls: Control,
    connection: dict[str, str],
    lab: dict[str, Any],
    tmp_path: Path,
) -> None:
    tiny = lab["images"]["tiny"]
    others = [retag(tiny, f"{lab['registry']}/gantry/tiny:{tag}") for tag in ("left", "right")]
    run()
    calls.fault("MarkAsVirtualMachine", delay_seconds=1.0, count=2)
    # Two machines: no lock is between them.
    first, second = (options(name=other, cache_path=str(tmp_path / other[-4:])) for other in others)
    with (
        background.running("container_image", first, connection) as one,
        background.running("container_image", second, connection) as two,
    ):
        results = [background.result_of(process) for process in (one, two)]
    assert [result.get("failed", False) for result in results] == [False, False], results
    assert references(only(store)) == sorted([tiny, *others])
    assert only(store).is_template


def test_an_import_under_way_elsewhere_is_left_alone_and_an_old_one_removed(run: Run, store: Store) -> None:
    run()
    template = only(store)
    store.set_template(template, False)
    claim = {"controller": "another machine", "started": "2999-01-01T00:00:00+00:00"}
    store.set_config(template.moid, {"gantry.image.state": "importing", "gantry.image.import": json.dumps(claim)})
    assert run(check=True)["actions"][0].startswith("import ")
    claim["started"] = "2020-01-01T00:00:00+00:00"
    store.set_config(template.moid, {"gantry.image.import": json.dumps(claim)})
    result = run()
    assert result["actions"][0] == f"remove interrupted import {template.name}"
    assert only(store).moid == result["image"]["moid"] != template.moid
