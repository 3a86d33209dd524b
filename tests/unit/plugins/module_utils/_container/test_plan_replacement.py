# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test how a new VM takes the place of an old one that is kept, and how the old one gets it back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes_effects import container_effects
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import (
    OFF,
    ON,
    DesiredContainer,
    Image,
    Machine,
    ObservedContainer,
    Replacement,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model_volumes import AttachedVolume
from ansible_collections.gantry.vsphere.plugins.module_utils._container.plan import plan_container, plan_containers
from ansible_collections.gantry.vsphere.plugins.module_utils._container.plan_restoration import plan_restoration
from ansible_collections.gantry.vsphere.plugins.module_utils._container.target import new_machine
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from tests.support.builders.containers import IMAGES, PLACE, desired_container

_CHECK = {"test": ["CMD", "true"]}


def desire(replacement: Replacement, **options: Any) -> DesiredContainer:
    wanted = desired_container(**{"image": "image:1", "networks": [{"name": "net0"}], "state": "ready", **options})
    return replace(wanted, replacement=replacement)


def existing(template: Image = IMAGES[0], name: str = "web", moid: str = "vm-77", **options: Any) -> Machine:
    old = desired_container(**{"image": "image:0", "networks": [{"name": "net0"}], "state": "ready", **options})
    assert old.config is not None
    machine = replace(new_machine(old, old.config, name, template, PLACE), moid=moid, container_id="id-1", power=ON)
    assert machine.document is not None
    document = {**machine.document, "id": "id-1"}
    return replace(machine, document=document, status={"state": "running", "health": "healthy"})


def kinds(changes: Any) -> list[str]:
    return [type(change).__name__ for change in changes]


def after(changes: Any, observed: ObservedContainer) -> ObservedContainer:
    for change in changes:
        observed = change.project(observed)
    return observed


def plan(desired: DesiredContainer, machine: Machine) -> Any:
    return plan_container(desired, ObservedContainer(machine, image=IMAGES[1], place=PLACE))


@pytest.mark.parametrize(
    ("replacement", "expected"),
    [
        (Replacement(), "Clone Stop Destroy Promote PowerOn"),
        (Replacement(keeps=True), "Clone Retire Stop Promote PowerOn Discard"),
        (Replacement(drain=5), "Clone Retire Drain Stop Promote PowerOn Discard"),
        (Replacement(starts_first=True), "Clone PowerOn Retire Promote Stop Discard"),
        (Replacement(starts_first=True, drain=5), "Clone PowerOn Retire Promote Drain Stop Discard"),
    ],
)
def test_an_old_vm_is_stopped_when_its_policy_says(replacement: Replacement, expected: str) -> None:
    assert kinds(plan(desire(replacement), existing())) == expected.split()


def test_a_vm_that_is_started_first_is_awaited_as_healthy() -> None:
    changes = plan(desire(Replacement(starts_first=True), healthcheck=_CHECK), existing())
    assert [change.wait_for for change in changes if type(change).__name__ == "PowerOn"] == ["healthy"]
    assert "; start-first)" in changes[0].describe()


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"networks": [{"name": "net0", "mac_address": "00:50:56:00:00:01"}]}, "MAC address)"),
        ({"networks": [{"name": "net0", "ipv4_address": "10.0.0.5/24"}]}, "address, which DHCP does not give)"),
    ],
)
def test_what_only_one_vm_can_have_prevents_start_first(options: dict[str, Any], why: str) -> None:
    changes = plan(desire(Replacement(starts_first=True), **options), existing(**options))
    assert kinds(changes) == ["Clone", "Retire", "Stop", "Promote", "PowerOn", "Discard"]
    assert "stop-first, because only one VM can have its " + why in changes[0].describe()


def test_volumes_prevent_start_first() -> None:
    machine = replace(existing(), volumes=(AttachedVolume("fcd-1", 1),))
    changes = plan(desire(Replacement(starts_first=True)), machine)
    assert kinds(changes)[:4] == ["Clone", "Retire", "Stop", "DetachVolumes"]
    assert "stop-first, because only one VM can use its volumes" in changes[0].describe()


def test_a_container_that_is_off_has_nothing_to_drain() -> None:
    machine = replace(existing(), power=OFF)
    changes = plan(desire(Replacement(starts_first=True, drain=5)), machine)
    assert kinds(changes) == ["Clone", "Retire", "Promote", "PowerOn", "Discard"]


def test_the_diff_shows_one_container_before_and_after() -> None:
    observed = ObservedContainer(existing(), image=IMAGES[1], place=PLACE)
    plain = plan_containers([(desire(Replacement()), observed)]).diff()
    kept = plan_containers([(desire(Replacement(keeps=True, drain=1)), observed)]).diff()
    assert kept == plain


@pytest.mark.parametrize("starts_first", [False, True])
def test_the_old_vm_takes_its_place_again_wherever_the_update_stopped(starts_first: bool) -> None:
    old = existing()
    before = ObservedContainer(old, image=IMAGES[1], place=PLACE)
    changes = plan_container(desire(Replacement(starts_first=starts_first, keeps=True, drain=1)), before)
    back = replace(desire(Replacement()), config=None)
    for made in range(len(changes)):
        now = after(changes[:made], before)
        first = after(plan_restoration(back, before, now), now)
        final = after(plan_container(back, first), first)
        assert final.machine is not None
        assert (final.machine.moid, final.machine.power) == ("vm-77", ON), kinds(changes[:made])
        assert final.machine.kind == "container"
        assert final.successors == final.predecessors == ()


def test_an_old_vm_that_runs_is_left_alone() -> None:
    before = ObservedContainer(existing(), image=IMAGES[1], place=PLACE)
    changes = plan_container(desire(Replacement(starts_first=True, keeps=True)), before)
    now = after(changes[:2], before)
    back = replace(desire(Replacement()), config=None)
    assert kinds(plan_restoration(back, before, now)) == ["Stop", "Destroy"]
    assert plan_restoration(back, before, before) == []


def test_settings_that_were_changed_in_place_are_set_back() -> None:
    before = ObservedContainer(existing(env={"A": "old"}), image=IMAGES[0], place=PLACE)
    wanted = desire(Replacement(keeps=True), image="image:0", env={"A": "new"}, memory="512M")
    changes = plan_container(wanted, before)
    assert kinds(changes) == ["Stop", "Reconfigure", "PowerOn"]
    now = after(changes, before)
    back = replace(wanted, config=None)
    first = plan_restoration(back, before, now)
    assert kinds(first) == ["Stop", "Reconfigure"]
    final = after(plan_container(back, after(first, now)), after(first, now)).machine
    assert final is not None
    assert before.machine is not None
    assert (final.config, final.document, final.memory_mb, final.power) == (
        before.machine.config,
        before.machine.document,
        before.machine.memory_mb,
        ON,
    )


def test_a_kept_vm_is_removed_by_the_next_run() -> None:
    new = existing(IMAGES[1], image="image:1")
    kept = replace(existing(name="web-gantry-previous", moid="vm-7"), power=OFF, kind="predecessor")
    observed = ObservedContainer(new, image=IMAGES[1], place=PLACE, predecessors=(kept,))
    assert Plan(plan_container(desire(Replacement(keeps=True)), observed)).actions() == [
        "remove web-gantry-previous, which web has replaced"
    ]


def interrupted(**changes: Any) -> ObservedContainer:
    """Return a container whose VM an update has replaced before it was killed."""
    new = replace(existing(IMAGES[1], image="image:1", moid="vm-8"), **changes)
    kept = replace(existing(name="web-gantry-previous", moid="vm-7"), power=OFF, kind="predecessor")
    return ObservedContainer(new, image=IMAGES[0], place=PLACE, predecessors=(kept,))


@pytest.mark.parametrize("replacement", [Replacement(), Replacement(keeps=True), Replacement(drain=5)])
def test_an_update_that_is_not_over_is_undone_with_the_vm_that_it_has_replaced(replacement: Replacement) -> None:
    observed, former = interrupted(), desire(replacement, image="image:0")
    changes = plan_container(former, observed)
    assert [kind for kind in kinds(changes) if kind != "Drain"] == ["Stop", "Destroy", "Reinstate", "PowerOn"]
    assert Plan(changes).actions()[-2:] == ["rename web-gantry-previous back to web", "start web"]
    (effect,) = container_effects([changes])
    assert (effect.name, effect.effect, effect.options) == ("web", "replaced", ("image",))
    final = after(changes, observed)
    assert final.machine is not None
    assert (final.machine.moid, final.machine.power, final.machine.kind) == ("vm-7", ON, "container")
    assert final.successors == final.predecessors == ()
    assert plan_container(former, final) == ()


def test_of_two_updates_that_are_not_over_the_vm_from_before_the_first_is_kept() -> None:
    observed = replace(interrupted(), image=replace(IMAGES[0], digest="sha256:" + "9" * 64))
    third = desire(Replacement(keeps=True), image="image:2")
    changes = plan_container(third, observed)
    assert kinds(changes) == ["Clone", "Stop", "Destroy", "Promote", "PowerOn", "Discard"]
    assert changes[-1].machine.moid == "vm-7"
    first = plan_container(replace(third, replacement=Replacement(starts_first=True)), observed)
    assert kinds(first) == ["Clone", "PowerOn", "Stop", "Destroy", "Promote", "Discard"]


def test_a_new_vm_that_a_killed_run_has_started_is_not_changed_while_it_runs() -> None:
    before = ObservedContainer(existing(), image=IMAGES[1], place=PLACE)
    started = after(plan_container(desire(Replacement(starts_first=True)), before)[:2], before)
    assert [one.power for one in started.successors] == [ON]
    wanted = desire(Replacement(starts_first=True), memory="512M")
    expected = ["Stop", "Destroy", "Clone", "PowerOn", "Retire", "Promote", "Stop", "Discard"]
    assert kinds(plan_container(wanted, started)) == expected
