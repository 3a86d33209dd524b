# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the table of slots: what a plan does to each container, and why."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import (
    OFF,
    ON,
    Machine,
    ObservedContainer,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.target import new_machine
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.model import (
    ENTRY_LABEL,
    DesiredSet,
    ObservedSet,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.plan import plan_set
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.changes import ContainerOfStack
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.model import (
    DesiredStack,
    ObservedNeeds,
    ObservedStack,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.result_slots import slot_rows
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from tests.support.builders.containers import IMAGES, PLACE, desired_container

GIVEN: dict[str, Any] = {"image": "image:0", "networks": [{"name": "net0"}]}


def existing(power: str = ON, name: str = "web", **options: Any) -> Machine:
    desired = desired_container(**{**GIVEN, "name": name, **options})
    assert desired.config is not None
    machine = new_machine(desired, desired.config, name, IMAGES[0], PLACE)
    assert machine.document is not None
    document = {**machine.document, "id": "id-1"}
    status = {"state": "running", "health": "healthy"}
    return replace(machine, moid=f"vm-{name}", container_id="id-1", power=power, document=document, status=status)


def rows(
    machine: Machine | None,
    *,
    image: int = 0,
    successors: tuple[Machine, ...] = (),
    unlisted: tuple[Machine, ...] = (),
    of_set: dict[str, Any] | None = None,
    **options: Any,
) -> list[dict[str, Any]]:
    """Return the rows of a stack with one service that has one container."""
    wanted = desired_container(**{**GIVEN, "image": f"image:{image}", **options})
    found = ObservedContainer(machine, image=IMAGES[image], place=PLACE, successors=successors)
    containers = DesiredSet("shop", (wanted,), {"web": ("web",)}, **(of_set or {}))
    observed = ObservedSet((found,), tuple(ObservedContainer(one) for one in unlisted))
    changes = tuple(ContainerOfStack(one) for one in plan_set(containers, observed).changes)
    desired = DesiredStack("shop", containers, {"front": "web"})
    return slot_rows(desired, ObservedStack(ObservedNeeds(), observed), Plan(changes))


def row(machine: Machine | None, **options: Any) -> tuple[str, str | None]:
    (one,) = rows(machine, **options)
    assert (one["service"], one["container"]) == ("front", "web")
    return one["action"], one["reason"]


@pytest.mark.parametrize(
    ("machine", "options", "expected"),
    [
        (None, {}, ("created", "it did not exist")),
        (existing(), {}, ("none", None)),
        (existing(), {"env": {"A": "1"}}, ("changed", "env (restarted)")),
        (existing(), {"labels": {"a": "b"}}, ("changed", "labels (in place)")),
        (existing(), {"image": 1}, ("replaced", "another image")),
        (existing(), {"recreate": True}, ("replaced", "recreate")),
        (existing(OFF), {}, ("started", "it did not run")),
        (existing(), {"state": "stopped"}, ("stopped", "state is stopped")),
        (existing(), {"state": "stopped", "labels": {"a": "b"}}, ("stopped", "labels (in place)")),
        (replace(existing(), status=None), {}, ("awaited", "it was not ready")),
    ],
)
def test_an_action_has_its_reason(
    machine: Machine | None, options: dict[str, Any], expected: tuple[str, str | None]
) -> None:
    assert row(machine, **options) == expected


def test_what_an_interrupted_run_has_left_is_a_reason() -> None:
    successor = replace(existing(OFF), name="web-gantry-new", moid="vm-new", kind="successor")
    assert row(None, successors=(successor,)) == ("created", "an interrupted replacement is finished")
    assert row(existing(), successors=(successor,)) == ("changed", "what an interrupted run has left is removed")


def test_a_row_has_the_image_before_and_after() -> None:
    (one,) = rows(existing(), image=1)
    images = {key: one[key] for key in ("old_image", "old_digest", "new_image", "new_digest")}
    assert images == {
        "old_image": "image:0",
        "old_digest": "sha256:0",
        "new_image": "image:1",
        "new_digest": "sha256:1",
    }


def test_removed_containers_of_no_slot_have_rows_and_kept_ones_have_none() -> None:
    surplus = replace(existing(name="web-2"), labels={ENTRY_LABEL: "web", "com.docker.compose.service": "front"})
    orphan = replace(existing(name="old"), labels={ENTRY_LABEL: "old"})
    assert len(rows(existing(), unlisted=(orphan,))) == 1
    found = rows(existing(), unlisted=(surplus, orphan), of_set={"scaled": frozenset({"web"}), "remove_unlisted": True})
    assert [(one["service"], one["container"], one["action"], one["reason"]) for one in found[1:]] == [
        ("front", "web-2", "removed", "surplus replica of the service"),
        (None, "old", "removed", "it belongs to no service"),
    ]
    assert found[1]["new_image"] is None
