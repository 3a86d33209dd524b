# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test container_image_prune with the lab's vCenter."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._image_prune import operation
from tests.support.lab import background
from tests.support.lab.containers import VmBuilder
from tests.support.lab.control import Control
from tests.support.lab.direct import DirectRunner
from tests.support.lab.drive import drive
from tests.support.lab.images import Store, Template
from tests.support.lab.least import no_access
from tests.support.lab.playbook import Way

MODULE = "container_image_prune"
FOLDER = "gantry-images"

Run = Callable[..., dict[str, Any]]


class Images:
    """Templates in the folder of images, by the name of their repository."""

    def __init__(self, store: Store, builder: VmBuilder) -> None:
        self._store = store
        self._builder = builder
        self._made = 0

    def make(self, name: str, *, folder: str = FOLDER, **values: str) -> Template:
        """Create an image; ``values`` are changes of its properties, such as ``references``."""
        self._made += 2
        labels = {"Labels": {"team": name}}
        digest = self._builder.make_image(f"example.com/{name}:1", self._made, labels, folder=folder)
        template = self._of(digest)
        self._store.set_template(template, False)
        self._store.set_config(template.moid, {f"gantry.image.{key}": value for key, value in values.items()})
        if values.get("state") != "importing":
            self._store.set_template(template, True)
        return self._of(digest)

    def _of(self, digest: str) -> Template:
        (found,) = [one for one in self._store.templates() if one.config["gantry.image.digest"] == digest]
        return found

    def names(self) -> set[str]:
        return {one.name for one in self._store.templates()}


@pytest.fixture
def images(store: Store, lab: dict[str, Any]) -> Iterator[Images]:
    store.create_folder(FOLDER)
    builder = VmBuilder(lab)
    yield Images(store, builder)
    builder.session.close()


@pytest.fixture
def options(lab: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return {"datacenter": lab["datacenter"], "cache_path": str(tmp_path_factory.getbasetemp() / "prune-cache")}


@pytest.fixture
def run(options: dict[str, Any], lab: dict[str, Any]) -> Run:
    """Run the module without Ansible, and assert that it does not fail."""

    def once(*, check: bool = False, **more: Any) -> dict[str, Any]:
        result = drive(MODULE, {**lab["vcenter"], **options, **more}, check=check)
        assert "failed" not in result, result
        return result

    return once


def names(entries: list[dict[str, Any]]) -> list[str]:
    return [one["name"] for one in entries]


def reasons(result: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["reason"] for one in result["kept"]}


@pytest.mark.parametrize("hidden", [False, True])
def test_only_images_that_nothing_uses_are_removed(
    images: Images, run: Run, store: Store, calls: Control, lab: dict[str, Any], hidden: bool
) -> None:
    """Also where the disks of clones show no parent, as on vVols."""
    calls.behave(hide_disk_parents=hidden)
    unused = images.make("unused", references="[]")
    referenced = images.make("referenced")
    in_use = images.make("used", references="[]")
    clone = store.linked_clone(in_use, "image-test-clone")
    claim = {"controller": "another machine", "started": "2999-01-01T00:00:00+00:00"}
    importing = images.make("importing", state="importing", **{"import": json.dumps(claim)})
    calls.forget()
    predicted = run(check=True)
    assert calls.mutating() == []
    made = run()
    for result in (predicted, made):
        assert result["changed"]
        assert names(result["removed"]) == [unused.name]
        assert reasons(result) == {
            referenced.name: "referenced",
            in_use.name: "in_use",
            importing.name: "importing",
        }
        assert result["reclaimed_bytes"] == result["removed"][0]["size_bytes"] > 0
    assert predicted["diff"] == made["diff"]
    (user,) = [one["in_use_by"] for one in made["kept"] if one["name"] == in_use.name]
    assert user == [f"/{lab['datacenter']}/vm/image-test-clone"]
    assert images.names() == {referenced.name, in_use.name, importing.name}
    assert not run()["changed"]
    store.destroy(clone)
    assert names(run()["removed"]) == [in_use.name]


def test_a_container_on_another_datastore_keeps_its_image(images: Images, run: Run, lab: dict[str, Any]) -> None:
    template = images.make("recorded", references="[]")
    builder = VmBuilder(lab)
    record = {"gantry.kind": "container", "gantry.image.disk": template.config["gantry.image.disk"]}
    container = builder.create_vm("image-test-container", record)
    result = run()
    assert not result["changed"]
    assert result["kept"][0]["in_use_by"] == [f"/{lab['datacenter']}/vm/image-test-container"]
    builder.task("destroy", builder.session.ref("VirtualMachine", container).Destroy_Task)
    assert names(run()["removed"]) == [template.name]
    builder.session.close()


def test_the_filters_select_by_name_label_age_datastore_and_folder(
    images: Images, run: Run, store: Store, lab: dict[str, Any]
) -> None:
    web, db = images.make("shop/web"), images.make("shop/db")
    store.create_folder("image-test")
    other = images.make("tenant", folder="image-test")
    every = {"dangling": False, "check": True}
    assert set(names(run(**every)["removed"])) == {web.name, db.name}
    result = run(**every, names=["example.com/shop/w*", "example.com/x"])
    assert (names(result["removed"]), reasons(result)) == ([web.name], {db.name: "name"})
    result = run(**every, labels={"team": "shop/db"})
    assert (names(result["removed"]), reasons(result)) == ([db.name], {web.name: "label"})
    assert reasons(run(**every, older_than="1h")) == {web.name: "age", db.name: "age"}
    assert len(run(**every, older_than="0")["removed"]) == 2
    assert len(run(**every, datastore=lab["datastore"])["removed"]) == 2
    assert names(run(dangling=False, folder="image-test")["removed"]) == [other.name]
    assert images.names() == {web.name, db.name}


def test_what_an_interrupted_import_left_is_removed(images: Images, run: Run) -> None:
    claim = {"controller": "another machine", "started": "2020-01-01T00:00:00+00:00"}
    left = images.make("left", state="importing", **{"import": json.dumps(claim)})
    result = run()
    assert result["actions"] == [f"remove interrupted import {left.name}"]
    assert names(result["removed"]) == [left.name]
    assert images.names() == set()


def test_what_a_killed_import_of_this_machine_left_is_removed_at_once(
    images: Images, run: Run, options: dict[str, Any], calls: Control, connection: dict[str, str], lab: dict[str, Any]
) -> None:
    image = {"name": lab["images"]["tiny"], "registry_tls_verify": False, "cache_path": options["cache_path"]}
    background.kill_in("CreateSnapshot_Task", "container_image", image, connection, calls)
    (left,) = images.names()
    assert run()["actions"] == [f"remove interrupted import {left}"]
    assert images.names() == set()


def test_a_clone_made_since_the_plan_keeps_its_image(
    images: Images, run: Run, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = images.make("late", references="[]")
    planned = operation.plan_prune

    def plan_then_clone(*arguments: Any) -> Any:
        plan = planned(*arguments)
        store.linked_clone(template, "image-test-clone")
        return plan

    monkeypatch.setattr(operation, "plan_prune", plan_then_clone)
    result = run()
    assert (result["removed"], reasons(result)) == ([], {template.name: "in_use"})
    assert images.names() == {template.name}


def test_an_image_that_a_hidden_vm_may_use_is_kept(images: Images, run: Run, store: Store) -> None:
    template = images.make("hidden", references="[]")
    clone = store.session.ref("VirtualMachine", store.linked_clone(template, "image-test-clone"))
    with no_access(store.session.content.authorizationManager, MODULE, clone):
        assert reasons(run()) == {template.name: "unreadable_vms"}
    assert reasons(run()) == {template.name: "in_use"}


def test_two_runs_at_once_both_succeed(
    images: Images, options: dict[str, Any], calls: Control, connection: dict[str, str], tmp_path: Any
) -> None:
    """They are on two machines, so no lock is between them."""
    made = [images.make(name, references="[]") for name in ("one", "two")]
    calls.fault("Destroy_Task", delay_seconds=2.0, count=2)
    first, second = ({**options, "cache_path": str(tmp_path / str(number))} for number in range(2))
    with (
        background.running(MODULE, first, connection) as one,
        background.running(MODULE, second, connection) as two,
    ):
        results = [background.result_of(process) for process in (one, two)]
    assert [result.get("failed", False) for result in results] == [False, False], results
    assert {name for result in results for name in names(result["removed"])} == {one.name for one in made}
    assert images.names() == set()


def test_it_is_the_same_in_both_ways(images: Images, direct: DirectRunner, way: Way, options: dict[str, Any]) -> None:
    template = images.make("unused", references="[]")
    outcome = direct({f"gantry.vsphere.{MODULE}": options}, way=way).ok().last
    assert outcome.changed
    assert names(outcome["removed"]) == [template.name]
    assert not direct({f"gantry.vsphere.{MODULE}": options}, way=way).ok().last.changed


def test_wrong_options_are_reported(options: dict[str, Any], lab: dict[str, Any]) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"folder": "nowhere"}, "no folder 'nowhere'"),
        ({"datastore": "shared00"}, "no datastore 'shared00'"),
        ({"older_than": "a week"}, "older_than is 'a week', which is not a duration"),
        ({"names": [""]}, "has an empty pattern"),
        ({"labels": {"team": 1}}, "labels 'team' is not a string"),
    ]
    for more, message in wrong:
        result = drive(MODULE, {**lab["vcenter"], **options, **more})
        assert message in result["msg"]
