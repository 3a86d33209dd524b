# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the desired containers of a project: names of replicas, defaults, labels, and all problems in one error."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import Replacement
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.desire import desire_set
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.model import (
    DesiredSet,
    RolloutPolicy,
    UpdateGroup,
    UpdatePolicy,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.options import set_argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.plan_update import update_groups
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.guest_key import GuestKey

IMAGE = "registry.example.com/app:1"
KEY = "0123456789abcdef"
ENABLED: dict[str, Any] = {"defaults": {"guest_operations": True}, "guest_key": KEY}


def desire(*containers: dict[str, Any], **options: Any) -> DesiredSet:
    checked = ArgumentSpecValidator(set_argument_spec()).validate(
        {"project": "shop", "containers": list(containers), **options}
    )
    assert not checked.error_messages
    return desire_set(checked.validated_parameters)


def web(**options: Any) -> dict[str, Any]:
    return {"name": "web", "image": IMAGE, **options}


@pytest.mark.parametrize(
    ("replicas", "names"),
    [(None, ["web"]), (0, []), (1, ["web-1"]), ("3", ["web-1", "web-2", "web-3"])],
)
def test_replicas_are_numbered(replicas: Any, names: list[str]) -> None:
    desired = desire(web(**({} if replicas is None else {"replicas": replicas})))
    assert [one.name for one in desired.containers] == names
    assert desired.entries == {"web": tuple(names)}


def test_a_number_that_is_given_separately_overrides_the_entry() -> None:
    desired = desire(web(replicas=3), {**web(), "name": "cache"}, replicas={"web": 1})
    assert desired.entries == {"web": ("web-1",), "cache": ("cache",)}
    assert desired.scaled == {"web"}


def test_defaults_apply_where_a_container_has_no_own_value_and_mappings_are_merged() -> None:
    defaults = {"memory": "512M", "cpus": 2, "env": {"A": "default", "B": "default"}, "labels": {"tier": "front"}}
    (one,) = desire(web(cpus=1, env={"B": "own"}), defaults=defaults, cluster="C1").containers
    assert one.config is not None
    assert (one.config.memory_mb, one.config.cpus) == (512, 1)
    assert one.config.values["env"] == {"A": "default", "B": "own"}
    assert one.config.labels == {
        "tier": "front",
        "gantry.vsphere.project": "shop",
        "gantry.vsphere.container": "web",
    }
    assert (one.placement.cluster, one.state) == ("C1", "ready")


def test_update_config_says_how_running_containers_are_changed() -> None:
    update = {
        "parallelism": 0,
        "delay": "1m30s",
        "monitor": "500ms",
        "failure_action": "continue",
        "order": "stop-first",
    }
    desired = desire(web(update_config=update), {**web(), "name": "cache"})
    assert desired.update_policy("web") == UpdatePolicy(RolloutPolicy(0, delay=90, monitor=0.5, continues=True))
    assert desired.update_policy("cache") == UpdatePolicy()


def test_an_update_can_be_rolled_back() -> None:
    update = {"order": "start-first", "failure_action": "rollback", "max_failure_ratio": 0.25, "drain": "5s"}
    desired = desire(web(update_config=update, rollback_config={"parallelism": 0, "monitor": "1s"}, replicas=2))
    assert desired.update_policy("web") == UpdatePolicy(
        rollout=RolloutPolicy(max_failure_ratio=0.25),
        replacement=Replacement(starts_first=True, keeps=True, drain=5),
        rollback=RolloutPolicy(0, monitor=1),
    )
    assert {one.replacement for one in desired.containers} == {Replacement(starts_first=True, keeps=True, drain=5)}


@pytest.mark.parametrize(("ratio", "count", "tolerated"), [(0, 4, 0), (0.25, 4, 1), (0.25, 3, 0), (1, 4, 4)])
def test_a_ratio_is_a_number_of_containers(ratio: float, count: int, tolerated: int) -> None:
    assert RolloutPolicy(max_failure_ratio=ratio).tolerated(count) == tolerated
    assert RolloutPolicy(max_failure_ratio=ratio, continues=True).tolerated(count) is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("fast", "containers[0] (web) has update_config: 'fast'. Give a dictionary with parallelism, delay"),
        ({"parallelism": -1}, "has update_config.parallelism: -1. Give a number"),
        ({"delay": "soon"}, "update_config.delay is 'soon', which is not a duration"),
        (
            {"failure_action": "undo"},
            "value of failure_action must be one of: pause, continue, rollback",
        ),
        ({"order": "both"}, "update_config: value of order must be one of: stop-first, start-first"),
        ({"max_failure_ratio": 2}, "update_config.max_failure_ratio: 2. Give a share between 0 and 1"),
        ({"speed": 1}, "containers[0] (web) has update_config with speed. It has parallelism, delay"),
    ],
)
def test_a_wrong_update_config_is_refused(given: Any, message: str) -> None:
    with pytest.raises(GantryError, match=re.escape(message)):
        desire(web(update_config=given))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"order": "start-first"}, "rollback_config: value of order must be one of: stop-first"),
        ({"drain": "1s"}, "containers[0] (web) has rollback_config with drain. It has parallelism, delay"),
    ],
)
def test_a_wrong_rollback_config_is_refused(given: Any, message: str) -> None:
    with pytest.raises(GantryError, match=re.escape(message)):
        desire(web(update_config={"failure_action": "rollback"}, rollback_config=given))


def test_a_rollback_that_never_happens_is_refused() -> None:
    with pytest.raises(GantryError, match="the failure_action of its update_config is pause, so that nothing would"):
        desire(web(rollback_config={"parallelism": 2}))


def test_interrupted_containers_are_in_groups_in_the_order_of_dependencies() -> None:
    update = {"parallelism": 2, "delay": "9s", "monitor": "2s", "failure_action": "continue"}
    desired = desire(
        web(replicas=4, update_config=update, depends_on=["db"]),
        {**web(), "name": "db"},
    )
    # The container web-2 is not interrupted.
    assert update_groups(desired, [0, 2, 3, 4]) == {
        4: UpdateGroup(0, 0, (-1, -1), 0),
        0: UpdateGroup(1, 0, (0, 0), 9),
        2: UpdateGroup(1, 0, (0, 0), 9),
        3: UpdateGroup(2, None, (1, 1), 2),
    }


def test_failures_that_are_tolerated_are_counted_from_the_first_group_on() -> None:
    desired = desire(web(replicas=4, update_config={"max_failure_ratio": 0.5}))
    assert update_groups(desired, range(4)) == {
        0: UpdateGroup(0, 0, (-1, -1), 0),
        1: UpdateGroup(1, 2, (0, 0), 0),
        2: UpdateGroup(2, 2, (0, 1), 0),
        3: UpdateGroup(3, 2, (0, 2), 0),
    }


def test_absent_needs_no_list() -> None:
    desired = desire({"nonsense": 1}, state="absent")
    assert (desired.present, desired.containers) == (False, ())


@pytest.mark.parametrize("number", [-1, "two", True, 1.5])
def test_a_number_of_replicas_is_whole(number: Any) -> None:
    with pytest.raises(GantryError, match="Give a whole number, 0 or more"):
        desire(web(replicas=number))


def test_a_container_is_given_with_the_aliases_of_options() -> None:
    (one,) = desire(web(annotation="hello", ports=["80"])).containers
    assert one.config is not None
    assert (one.notes, one.config.values["published_ports"]) == ("hello", ("80/tcp",))


def test_an_option_of_docker_container_is_refused_with_the_reason() -> None:
    with pytest.raises(GantryError, match=r"containers\[0\] \(web\): pid_mode is an option of docker_container that"):
        desire(web(pid_mode="host"))


def test_a_wrong_option_is_found_in_an_entry_without_replicas() -> None:
    with pytest.raises(GantryError, match=r"unknown option 'memroy'\. Did you mean memory"):
        desire(web(replicas=0, memroy="1G"))


def test_one_problem_is_reported_alone_and_several_are_reported_together() -> None:
    with pytest.raises(GantryError) as alone:
        desire(web(memory="lots"))
    assert "problems" not in alone.value.details
    with pytest.raises(GantryError) as several:
        desire(web(memory="lots"), {"name": 7}, {"name": "x", "image": IMAGE, "networks": [{"nmae": "n"}]})
    assert len(several.value.details["problems"]) == 3
    assert all(problem in several.value.message for problem in several.value.details["problems"])


def test_the_key_of_guest_operations_is_given_once_for_all_containers() -> None:
    desired = desire(web(replicas=2), {**web(), "name": "db", "guest_operations": False}, **ENABLED)
    assert [one.guest_operations for one in desired.containers] == [True, True, False]
    assert {one.guest_key for one in desired.containers} == {GuestKey(KEY)}
    with pytest.raises(GantryError, match="has guest_key, which would be shown in logs there"):
        desire(web(guest_key=KEY))


def test_a_problem_with_the_key_is_reported_once() -> None:
    with pytest.raises(GantryError) as refused:
        desire(web(), {**web(), "name": "db"}, guest_key="short")
    assert refused.value.message.startswith("guest_key has 5 characters.")


def test_containers_depend_on_others() -> None:
    cache, shop = {**web(), "name": "cache"}, {**web(depends_on=["cache", "web"]), "name": "shop"}
    desired = desire(shop, web(replicas=2, depends_on=["cache"]), cache)
    assert desired.dependencies == {"shop": ("cache", "web"), "web": ("cache",)}
    assert [desired.depth(entry) for entry in ("cache", "web", "shop")] == [0, 1, 2]
    assert [desired.entry_of(name) for name in ("web-2", "shop")] == ["web", "shop"]


def test_dependencies_are_followed_once() -> None:
    """There are 2 ** 39 ways through these layers."""
    layers = [[f"{layer}-{one}" for one in "ab"] for layer in range(40)]
    below = zip([[], *layers], layers, strict=False)
    desired = desire(*({**web(depends_on=needs), "name": name} for needs, names in below for name in names))
    assert desired.depth("39-a") == 39


@pytest.mark.parametrize(
    ("containers", "message"),
    [
        ([web(depends_on=["cache"])], r"containers\[0\] \(web\) has depends_on cache, which containers does not have"),
        ([web(depends_on="cache")], "Give a list of the names of other containers"),
        ([web(depends_on=["web"])], "The depends_on of web is circular"),
        (
            [web(depends_on=["b"]), {**web(depends_on=["web"]), "name": "b"}, {**web(depends_on=["b"]), "name": "c"}],
            "The depends_on of b, web is circular",
        ),
    ],
)
def test_dependencies_that_cannot_be_are_refused(containers: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(GantryError, match=message):
        desire(*containers)


def test_dependencies_are_no_defaults() -> None:
    with pytest.raises(GantryError, match="defaults has depends_on, which is given for each container"):
        desire(web(), defaults={"depends_on": []})
