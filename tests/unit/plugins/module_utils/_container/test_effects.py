# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task says of a container that it changes: in place, restarted or replaced, and because of which options."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes_effects import container_effects
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import (
    OFF,
    ON,
    SUSPENDED,
    Machine,
    ObservedContainer,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model_hot_add import HotAdd
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model_volumes import AttachedVolume
from ansible_collections.gantry.vsphere.plugins.module_utils._container.plan import plan_container
from ansible_collections.gantry.vsphere.plugins.module_utils._container.target import new_machine
from tests.support.builders.containers import FOLDERS, IMAGES, PLACE, desired_container, place_of

GIVEN: dict[str, Any] = {"image": "image:0", "networks": [{"name": "net0"}], "memory": "256M"}


def existing(power: str = ON, **options: Any) -> Machine:
    desired = desired_container(**{**GIVEN, **options})
    assert desired.config is not None
    machine = new_machine(desired, desired.config, "web", IMAGES[0], place_of(desired.config))
    assert machine.document is not None
    document = {**machine.document, "id": "id-1"}
    status = {"state": "running", "health": "healthy"}
    return replace(machine, moid="vm-1", container_id="id-1", power=power, document=document, status=status)


def effect(machine: Machine | None, *, image: int = 0, successor: Machine | None = None, **options: Any) -> Any:
    """Return the effect and the options of a task on a container, or None."""
    desired = desired_container(**{**GIVEN, **options})
    place = PLACE if desired.config is None else place_of(desired.config)
    observed = ObservedContainer(
        machine, image=IMAGES[image], place=place, successors=() if successor is None else (successor,)
    )
    found = container_effects([plan_container(desired, observed)])
    assert all(one.name == "web" for one in found)
    return (found[0].effect, found[0].options) if found else None


@pytest.mark.parametrize(
    ("options", "changed"),
    [
        ({"labels": {"a": "b"}, "notes": "ours"}, ("labels", "notes")),
        ({"cpu_shares": "high"}, ("cpu_shares",)),
        ({"published_ports": ["80"]}, ("published_ports",)),
    ],
)
def test_what_needs_no_restart_is_changed_in_place(options: dict[str, Any], changed: tuple[str, ...]) -> None:
    assert effect(existing(), **options) == ("in place", changed)
    assert effect(existing(**options), **options) is None


def test_places_and_volumes_are_options_too() -> None:
    moved = replace(existing(), folder=FOLDERS[1])
    assert effect(moved, labels={"a": "b"}) == ("in place", ("folder", "labels"))
    assert effect(existing(OFF), volumes=["data:/data"]) == ("in place", ("volumes",))
    assert effect(existing(), volumes=["data:/data"]) == ("restarted", ("volumes",))


def test_only_the_options_that_need_a_restart_are_its_reason() -> None:
    assert effect(existing(), env={"A": "b"}, labels={"a": "b"}, cpu_shares="high") == ("restarted", ("env",))
    assert effect(existing(), env={"A": "b"}, published_ports=["80"]) == ("restarted", ("env",))
    redirected = {"published_ports": ["8080:80"]}
    assert effect(existing(), **redirected, labels={"a": "b"}) == ("restarted", ("published_ports",))
    growing = replace(existing(), hot_add=HotAdd(cpus=True))
    assert effect(growing, cpus=2, env={"A": "b"}) == ("restarted", ("env",))
    assert effect(existing(), cpus=2, env={"A": "b"}) == ("restarted", ("cpus", "env"))
    assert effect(growing, cpus=2) == ("in place", ("cpus",))


def test_a_requested_restart_is_its_own_reason() -> None:
    assert effect(existing(), restart=True, labels={"a": "b"}) == ("restarted", ("restart",))
    assert effect(existing(), restart=True, image=0) == ("restarted", ("restart",))


def test_a_container_that_does_not_run_is_not_restarted() -> None:
    assert effect(existing(OFF), env={"A": "b"}) == ("in place", ("env",))
    ended = replace(existing(), tools_running=True, status={"state": "exited"})
    assert effect(ended, env={"A": "b"}) == ("in place", ("env",))
    assert effect(existing(SUSPENDED), env={"A": "b"}, state="present") == ("in place", ("env",))
    assert effect(existing(), env={"A": "b"}, state="stopped") == ("in place", ("env",))


def test_a_boot_media_that_was_missing_is_the_reason_for_a_restart() -> None:
    unbooted = replace(existing(), bootstrap_connected=False, status=None)
    assert effect(unbooted) == ("restarted", ("bootstrap_connected",))


@pytest.mark.parametrize(
    ("image", "options", "reason"),
    [
        (1, {"env": {"A": "b"}}, ("image",)),
        (0, {"recreate": True}, ("recreate",)),
        (0, {"scratch_size": "2G"}, ("scratch_size",)),
        (0, {"read_only": True, "env": {"A": "b"}}, ("read_only",)),
        (0, {"writable": "tmpfs"}, ("writable",)),
    ],
)
def test_a_replacement_says_why(image: int, options: dict[str, Any], reason: tuple[str, ...]) -> None:
    assert effect(existing(), image=image, **options) == ("replaced", reason)
    left = replace(existing(OFF), moid="vm-2", name="web-gantry-next", kind="successor", digest=IMAGES[image].digest)
    assert effect(existing(), image=image, successor=left, **options) == ("replaced", reason)


def test_a_container_without_its_id_is_replaced_because_of_no_option() -> None:
    machine = existing()
    assert effect(replace(machine, container_id=None, document=None)) == ("replaced", ())


def test_a_container_that_is_created_removed_started_or_stopped_is_not_changed() -> None:
    data = AttachedVolume("id-of-data", 1)
    mounted = replace(existing(OFF, volumes=["data:/data"]), volumes=(data,), scsi_units=frozenset({1}))
    left = replace(mounted, moid="vm-2", name="web-gantry-next", kind="successor")
    assert effect(None, volumes=["data:/data"]) is None
    assert effect(mounted, state="absent") is None
    assert effect(existing(OFF), successor=left) is None
    assert effect(existing(OFF), successor=left, labels={"a": "b"}) == ("in place", ("labels",))
    assert effect(existing(OFF)) is None
    assert effect(existing(), state="stopped") is None
