# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test what a task asks of the services that it selects: their state, whether they are replaced and awaited."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.model import DesiredStack

Desire = Callable[..., DesiredStack]

SHOP = """
services:
  web:
    image: web
    depends_on: {api: {condition: service_started}}
    links: ["api:backend"]
    volumes: ["site:/site"]
  api:
    image: api
    deploy: {replicas: 2}
    depends_on: {seed: {condition: service_completed_successfully}}
  seed: {image: seed, depends_on: {db: {condition: service_healthy}}}
  db: {image: db, volumes: ["data:/data"]}
  cache: {image: cache, networks: [back], deploy: {update_config: {parallelism: 2}}}
volumes: {data: {}, site: {}, spare: {}}
networks: {back: {}, default: {}}
"""


def states(desired: DesiredStack) -> dict[str, str]:
    return {one.name: one.state for one in desired.containers.containers}


def test_services_come_with_those_that_they_depend_on_and_leave_others_alone(stack: Desire) -> None:
    desired = stack(SHOP, services=["api"])
    assert desired.services == {"api": "shop-api", "db": "shop-db", "seed": "shop-seed"}
    assert states(desired) == {
        "shop-api-1": "ready",
        "shop-api-2": "ready",
        "shop-db-1": "ready",
        "shop-seed-1": "completed",
    }
    assert desired.containers.untouched == {"shop-web", "shop-cache"}
    assert [one.as_written for one in desired.images] == ["api", "db", "seed"]
    assert desired.volumes is not None
    assert [one.name for one in desired.volumes.volumes] == ["shop_data"]


def test_a_selected_service_has_the_same_containers_as_with_all_others(stack: Desire) -> None:
    """A job stays a job without the service that awaits it, and keeps the names that others give it."""
    everything = {one.name: one for one in stack(SHOP).containers.containers}
    for services in (["seed"], ["api"], ["web"]):
        for one in stack(SHOP, services=services).containers.containers:
            assert one == everything[one.name]


def test_only_attributes_of_selected_services_and_their_networks_matter(stack: Desire) -> None:
    text = "services: {web: {image: web}, odd: {image: odd, privileged: true, networks: [far]}}\nnetworks: {far: {}}\n"
    assert list(states(stack(text, services=["web"], networks={"default": "VM Network"}))) == ["shop-web-1"]
    with pytest.raises(GantryError, match=r"services\.odd\.privileged is not supported"):
        stack(text, services=["odd"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"services": ["wbe"]}, r"^services names wbe, and the services .* are api, .*\. Did you mean web\?$"),
        ({"services": ["x"]}, r"^services names x, .* enable its profile with profiles\.$"),
        ({"services": []}, r"^services is an empty list\."),
        ({"services": ["db"], "scale": {"api": 2}}, r"^scale names api, and services selects db\."),
    ],
)
def test_services_are_those_of_the_project(stack: Desire, options: dict[str, Any], message: str) -> None:
    with pytest.raises(GantryError, match=message):
        stack(SHOP, **options)


def test_stopped_containers_exist(stack: Desire) -> None:
    desired = stack(SHOP, state="stopped")
    assert set(states(desired).values()) == {"stopped"}
    # A job that is changed would not run again.
    assert [one.name for one in desired.containers.containers if one.comparisons] == ["shop-seed-1"]
    assert len(desired.images) == 5
    assert stack(SHOP, state="stopped", services=["api"]).services == {"api": "shop-api"}


@pytest.mark.parametrize("state", ["present", "stopped", "absent"])
def test_containers_are_in_the_order_of_their_dependencies(stack: Desire, state: str) -> None:
    order = stack(SHOP, state=state).containers.dependencies
    # Also through the job, which is not changed if it has completed.
    assert {name: set(others) for name, others in order.items()} == {
        "shop-api": {"shop-db", "shop-seed"},
        "shop-seed": {"shop-db"},
        "shop-web": {"shop-api", "shop-db", "shop-seed"},
    }


def test_absent_with_services_leaves_no_container_of_them(stack: Desire) -> None:
    desired = stack(SHOP, state="absent", services=["api"])
    assert (desired.images, desired.volumes) == ((), None)
    assert desired.services == {"api": "shop-api"}
    assert desired.containers.present
    assert desired.containers.entries == {"shop-api": ()}
    assert desired.containers.scaled == {"shop-api"}
    assert desired.containers.untouched == {"shop-cache", "shop-db", "shop-seed", "shop-web"}


def test_recreate_replaces_the_named_services_and_never_keeps_all(stack: Desire) -> None:
    always = stack(SHOP, recreate="always", services=["seed"]).containers.containers
    assert {one.name: one.recreate for one in always} == {"shop-seed-1": True, "shop-db-1": False}
    assert all(one.recreate for one in stack(SHOP, recreate="always").containers.containers)
    never = stack(SHOP, recreate="never").containers.containers
    assert {how for one in never for how in one.comparisons.values()} == {"ignore"}
    assert not any(one.comparisons or one.recreate for one in stack(SHOP).containers.containers)


def test_without_wait_only_what_others_need_is_awaited(stack: Desire) -> None:
    waits = {one.name: one.wait for one in stack(SHOP, wait=False).containers.containers}
    # The database and the job are conditions of others, and a rolling update goes on when its containers are ready.
    assert [name for name, wait in waits.items() if wait] == ["shop-cache-1", "shop-db-1", "shop-seed-1"]
    assert all(one.wait for one in stack(SHOP).containers.containers)
