# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The host that a template is moved to."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._placement.model import (
    DiskFacts,
    HostFacts,
    PlacementView,
    VmFacts,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._templates.model import RegisteredTemplate, Rehoming
from ansible_collections.gantry.vsphere.plugins.module_utils._templates.target import choose_home
from tests.support.builders.placement_views import host, view


def template(name: str = "image", store: str = "ds0") -> RegisteredTemplate:
    facts = VmFacts("t1", name, f"/DC0/vm/{name}", "h1", None, None, disks=(DiskFacts(0, "disk", store),))
    return RegisteredTemplate(facts, "folder", "[ds0] image/image.vmx")


def choose(one: RegisteredTemplate, seen: PlacementView, *clusters: str, **pools: str) -> Rehoming:
    rehoming, blockers = choose_home(one, seen.hosts["h1"], seen, clusters or ("c0",), pools)
    assert rehoming is not None, blockers
    return rehoming


@pytest.mark.parametrize(
    ("state", "registers"),
    [({"maintenance": True}, False), ({"connection": "disconnected"}, True), ({"connection": "notResponding"}, True)],
)
def test_it_is_another_host_of_the_cluster_and_the_root_pool(state: dict[str, Any], registers: bool) -> None:
    seen = view(host(1, **state), host(2, maintenance=True), host(3))
    found = choose(template(), seen)
    assert (found.host_name, found.pool, found.origin, found.registers) == ("esx3", "pool-c0", "esx1", registers)


def test_it_is_not_its_own_host_although_that_is_usable() -> None:
    """A host is left before it enters maintenance mode."""
    assert choose(template(), view(host(1), host(2))).host_name == "esx2"


def test_the_pool_of_the_task_is_used_in_its_own_cluster_only() -> None:
    seen = view(host(1), host(2), host(3, "c1"))
    assert choose(template(), seen, "c0", "c1", c0="mine").pool == "mine"
    assert choose(template(), seen, "c0", "c1", c1="mine").pool == "pool-c0"


def test_another_cluster_is_the_second_choice() -> None:
    near = view(host(1, maintenance=True), host(2), host(3, "c1"))
    assert choose(template(), near, "c0", "c1").host_name == "esx2"
    far = view(host(1, maintenance=True), host(2, maintenance=True), host(3, "c1"))
    found = choose(template(), far, "c0", "c1")
    assert (found.host_name, found.pool) == ("esx3", "pool-c1")


def test_templates_are_spread_and_each_always_gets_the_same_host() -> None:
    seen = view(host(1), host(2), host(3))
    hosts = [choose(template(f"image-{number}"), seen).host_name for number in range(20)]
    assert set(hosts) == {"esx2", "esx3"}
    assert hosts == [choose(template(f"image-{number}"), seen).host_name for number in range(20)]


def test_the_blockers_of_all_other_hosts_are_returned() -> None:
    seen = view(host(1), host(2, datastores=frozenset({"ds1"})), host(3, connection="disconnected"))
    rehoming, blockers = choose_home(template(), seen.hosts["h1"], seen, ["c0"], {})
    assert rehoming is None
    assert [(one.host, one.code) for one in blockers] == [
        ("esx2", "datastore_not_shared"),
        ("esx3", "host_disconnected"),
    ]
    alone: HostFacts = host(1)
    assert choose_home(template(), alone, view(alone), ["c0"], {}) == (None, ())
