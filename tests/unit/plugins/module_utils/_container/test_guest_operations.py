# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test how guest operations of a container are enabled, kept and disabled, and that no diff shows a secret."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes import Clone, Reconfigure
from ansible_collections.gantry.vsphere.plugins.module_utils._container.desire import desire_container
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import (
    OFF,
    ON,
    Machine,
    ObservedContainer,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.plan import plan_container
from ansible_collections.gantry.vsphere.plugins.module_utils._container.result import container_result
from ansible_collections.gantry.vsphere.plugins.module_utils._container.target import new_machine
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.guest_key import GuestKey
from tests.support.builders.containers import IMAGES, PLACE, desired_container, task

KEY, OTHER_KEY = "0123456789abcdef", "fedcba9876543210"
ENABLED = {"guest_operations": True, "guest_key": KEY}


def machine_of(**options: Any) -> Machine:
    """Return a running machine as a task with these options leaves it."""
    desired = desired_container(image="image:0", **options)
    assert desired.config is not None
    machine = new_machine(desired, desired.config, "web", IMAGES[0], PLACE)
    document = {**(machine.document or {}), "id": "id-1"}
    if desired.guest_operations:
        assert desired.guest_key is not None
        document["guest_operations"] = desired.guest_key.guest_field("id-1")
    return replace(machine, moid="vm-7", container_id="id-1", power=ON, status={"state": "running"}, document=document)


def plan(machine: Machine | None, **options: Any) -> list[Any]:
    desired = desired_container(**{"image": "image:0", **options})
    image = IMAGES[desired.config is not None and desired.config.image == "image:1"]
    return list(plan_container(desired, ObservedContainer(machine=machine, image=image, place=PLACE)))


def kinds(changes: list[Any]) -> list[str]:
    return [type(change).__name__ for change in changes]


def reconfigured(changes: list[Any]) -> Reconfigure:
    (change,) = [one for one in changes if isinstance(one, Reconfigure)]
    return change


RESTART = ["Stop", "Reconfigure", "PowerOn"]


def test_a_new_container_permits_no_guest_operations() -> None:
    (clone, _start) = plan(None)
    assert "guest_operations" not in clone.target.document
    assert clone.guest_key is None


def test_a_new_container_gets_the_key_for_the_secret_of_its_id() -> None:
    (clone, _start) = plan(None, **ENABLED)
    assert clone.guest_key == GuestKey(KEY)
    assert clone.after()["web"]["guest_operations"] == "enabled"


def test_an_option_that_is_not_given_changes_nothing() -> None:
    assert plan(machine_of(**ENABLED)) == []
    assert plan(machine_of(**ENABLED), guest_key=OTHER_KEY) == []
    assert plan(machine_of(), guest_key=KEY) == []


def test_the_same_key_changes_nothing() -> None:
    assert plan(machine_of(**ENABLED), **ENABLED) == []


@pytest.mark.parametrize(
    ("before", "after", "views"),
    [
        ({}, ENABLED, ("disabled", "enabled")),
        (ENABLED, {"guest_operations": False}, ("enabled", "disabled")),
        (ENABLED, {**ENABLED, "guest_key": OTHER_KEY}, ("enabled", "enabled with another guest_key")),
    ],
    ids=["enable", "disable", "another key"],
)
def test_a_change_restarts_the_container_and_the_diff_says_what_it_is(
    before: dict[str, Any], after: dict[str, Any], views: tuple[str, str]
) -> None:
    changes = plan(machine_of(**before), **after)
    assert kinds(changes) == RESTART
    change = reconfigured(changes)
    assert change.describe() == "reconfigure web: guest_operations"
    assert (change.before()["web"], change.after()["web"]) == tuple({"guest_operations": view} for view in views)
    expected = GuestKey(after["guest_key"]).guest_field("id-1") if after["guest_operations"] else None
    assert change.target.guest_operations == expected


def test_a_damaged_field_is_removed() -> None:
    machine = machine_of()
    machine = replace(machine, document={**(machine.document or {}), "guest_operations": {"secret_sha256": "x"}})
    changes = plan(machine)
    assert kinds(changes) == RESTART
    assert "guest_operations" not in (reconfigured(changes).target.document or {})


def test_the_successor_of_a_container_permits_them_with_a_secret_of_its_own() -> None:
    changes = plan(machine_of(**ENABLED), image="image:1", guest_key=KEY)
    (clone,) = [change for change in changes if isinstance(change, Clone)]
    assert clone.is_successor
    assert clone.guest_key == GuestKey(KEY)


def test_an_interrupted_replacement_is_continued_with_the_secret_of_the_successor() -> None:
    successor = replace(
        machine_of(), moid="vm-8", name="web-gantry-next", kind="successor", container_id="id-2", digest="sha256:1"
    )
    successor = replace(successor, power=OFF, document={**(successor.document or {}), "id": "id-2"})
    desired = desired_container(image="image:1", guest_key=KEY)
    observed = ObservedContainer(machine=machine_of(**ENABLED), successors=(successor,), image=IMAGES[1], place=PLACE)
    changes = list(plan_container(desired, observed))
    assert kinds(changes)[0] == "Reconfigure"
    assert reconfigured(changes).target.guest_operations == GuestKey(KEY).guest_field("id-2")


def test_a_replacement_without_a_key_is_refused_and_one_that_disables_them_is_not() -> None:
    with pytest.raises(
        GantryError, match="must be replaced, its guest operations are enabled, and there is no guest_key"
    ):
        plan(machine_of(**ENABLED), image="image:1")
    changes = plan(machine_of(**ENABLED), image="image:1", guest_operations=False)
    assert next(change for change in changes if isinstance(change, Clone)).guest_key is None


def test_enabling_them_requires_a_key_unless_the_container_is_removed() -> None:
    with pytest.raises(GantryError, match="guest_operations is true and there is no guest_key"):
        desired_container(image="image:0", guest_operations=True)
    assert desired_container(guest_operations=True, state="absent").guest_key is None


def test_they_are_a_part_of_the_configuration() -> None:
    with pytest.raises(GantryError, match="guest_operations given without image"):
        desire_container(task(guest_operations=True, guest_key=KEY))


def test_the_key_may_be_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANTRY_GUEST_KEY", KEY)
    assert desired_container(image="image:0", guest_operations=True).guest_key == GuestKey(KEY)


def test_no_action_no_diff_and_no_representation_has_the_key_or_a_secret() -> None:
    for machine in (None, machine_of(), machine_of(guest_operations=True, guest_key=OTHER_KEY)):
        changes = plan(machine, **ENABLED)
        text = f"{changes!r} {Plan(tuple(changes)).actions()} {Plan(tuple(changes)).diff()}"
        for key in (KEY, OTHER_KEY):
            assert key not in text
            assert GuestKey(key).secret("id-1") not in text
        assert GuestKey(KEY).guest_field("id-1")["secret_sha256"] not in f"{Plan(tuple(changes)).diff()}"


def test_the_result_says_whether_they_are_permitted() -> None:
    assert container_result(machine_of(**ENABLED))["guest_operations"] is True
    assert container_result(machine_of())["guest_operations"] is False
