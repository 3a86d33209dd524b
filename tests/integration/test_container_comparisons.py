# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test comparisons with the lab's vCenter: what an existing container keeps, alone and in a set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.lab.containers import PREFIX, VmBuilder, building
from tests.support.lab.control import Control
from tests.support.lab.direct import DirectRunner
from tests.support.lab.playbook import WAYS, Way

VM = "gantry.vsphere.container_vm"
SET = "gantry.vsphere.container_set"
NAME = f"{PREFIX}compared"
FIRST, SECOND = "registry.example.com/compared:1", "registry.example.com/compared:2"
BUDGET = 10


@pytest.fixture(scope="module")
def builder(lab: dict[str, Any]) -> Iterator[VmBuilder]:
    """Two images and an ISO; all is cleared away afterwards."""
    with building(lab) as one:
        one.make_image(FIRST, 7, {"Cmd": ["first"]})
        one.make_image(SECOND, 9, {"Cmd": ["second"]})
        yield one


@pytest.fixture
def options(builder: VmBuilder, lab: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield {
        "name": NAME,
        "image": FIRST,
        "datacenter": lab["datacenter"],
        "cluster": lab["cluster"],
        "env": {"A": "1", "B": "2"},
        "memory": "512M",
    }
    builder.clear()


@pytest.mark.parametrize("way", WAYS)
def test_options_that_are_not_compared_stay_as_they_are(
    options: dict[str, Any], builder: VmBuilder, direct: DirectRunner, calls: Control, way: Way
) -> None:
    created = direct({VM: {**options, "comparisons": {"*": "ignore"}}}, way=way).ok().last
    assert created["container"]["memory"] == 512 << 20
    # Another image, memory and environment: none of them is compared.
    other = {**options, "image": SECOND, "memory": "256M", "env": {"C": "3"}, "labels": {"a": "b"}}
    calls.forget()
    assert not direct({VM: {**other, "comparisons": {"*": "ignore"}}}, way=way).ok().last.changed
    assert len(calls.methods()) <= BUDGET
    # One that is compared is changed alone, while the container runs, and check mode predicts it.
    task = {**other, "comparisons": {"*": "ignore", "labels": "strict"}}
    predicted = direct({VM: task}, way=way, check=True, diff=True).ok().last
    done = direct({VM: task}, way=way, diff=True).ok().last
    assert done["actions"] == predicted["actions"] == [f"reconfigure {NAME}: labels"]
    assert done["diff"] == predicted["diff"]
    assert not direct({VM: task}, way=way).ok().last.changed
    vm = builder.vm(NAME)
    assert (vm.moid, vm.memory_mb, vm.spec["process"]["args"]) == (created["container"]["moid"], 512, ["first"])
    # The environment keeps what the task does not give.
    task["comparisons"] = {"*": "ignore", "env": "allow_more_present"}
    direct({VM: task}, way=way).ok()
    assert set(builder.vm(NAME).spec["process"]["env"]) >= {"A=1", "B=2", "C=3"}
    # With the image compared, the container is replaced and gets everything of the task.
    replaced = direct({VM: {**task, "comparisons": {"*": "ignore", "image": "strict"}}}, way=way).ok().last
    assert replaced["container"]["moid"] != created["container"]["moid"]
    vm = builder.vm(NAME)
    assert (vm.memory_mb, vm.spec["process"]["args"]) == (256, ["second"])
    assert not {"A=1", "B=2"} & set(vm.spec["process"]["env"])


def test_the_image_that_a_container_keeps_must_exist(
    options: dict[str, Any], builder: VmBuilder, direct: DirectRunner, calls: Control
) -> None:
    direct({VM: options}).ok()
    builder.set_config(builder.vm(NAME).moid, {"gantry.image.digest": "sha256:" + "0" * 64})
    calls.forget()
    task = {**options, "comparisons": {"image": "ignore"}}
    failed = direct({VM: task, "ignore_errors": True}).last
    assert failed.failed
    assert f"Container {NAME} keeps its image, since comparisons ignores image" in failed.msg
    assert calls.mutating() == []


def test_the_containers_of_a_set_have_comparisons_of_their_own(
    options: dict[str, Any], builder: VmBuilder, direct: DirectRunner, lab: dict[str, Any]
) -> None:
    def task(**defaults: Any) -> dict[str, Any]:
        containers = [
            {"name": f"{PREFIX}a", "comparisons": {"env": "ignore"}},
            {"name": f"{PREFIX}b", "comparisons": {"env": "allow_more_present"}},
        ]
        place = {"datacenter": lab["datacenter"], "cluster": lab["cluster"]}
        defaults = {"image": FIRST, **defaults}
        return {SET: {"project": f"{PREFIX}compared", **place, "defaults": defaults, "containers": containers}}

    direct(task(env={"A": "1"})).ok()
    changed = direct(task(env={"B": "2"})).ok().last
    assert [action for action in changed["actions"] if "reconfigure" in action] == [f"reconfigure {PREFIX}b: env"]
    assert not direct(task(env={"B": "2"})).ok().last.changed
    kept, more = (builder.vm(f"{PREFIX}{name}").spec["process"]["env"] for name in "ab")
    assert "A=1" in kept
    assert "B=2" not in kept
    assert {"A=1", "B=2"} <= set(more)
