# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts that containers become: variables, addresses, names, groups, and what filters select."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import OFF, ON, SUSPENDED, Machine
from ansible_collections.gantry.vsphere.plugins.module_utils._container.result import container_result
from ansible_collections.gantry.vsphere.plugins.module_utils._container_inventory.desire import desire_inventory
from ansible_collections.gantry.vsphere.plugins.module_utils._container_inventory.model import Facts
from ansible_collections.gantry.vsphere.plugins.module_utils._container_inventory.options import HEALTH
from ansible_collections.gantry.vsphere.plugins.module_utils._container_inventory.result import (
    GROUPINGS,
    container_facts,
    group_names,
    host_address,
    host_names,
    host_variables,
    inventory_result,
)
from tests.support.builders.containers import CLUSTER, DATACENTER, entry

WEB = Machine(
    moid="vm-1",
    name="web",
    path="/DC0/vm/apps/web",
    kind="container",
    power=ON,
    image="registry.example.com/app:1",
    labels={"tier": "front", "canary": ""},
    status={"state": "running", "health": "healthy"},
    addresses=({"ip_addresses": ["fe80::1", "2001:db8::5", "10.0.0.5"]},),
    datacenter=DATACENTER,
    cluster=CLUSTER,
    host=entry("host-1", "HostSystem", "esx1.example.com"),
)


def selected(*machines: Machine, **filters: Any) -> list[str]:
    result = inventory_result(desire_inventory({"filters": filters}), machines)
    return [facts["name"] for facts in result["containers"]]


def name_of(facts: Facts) -> str:
    return str(facts["name"])


def test_the_variables_are_what_container_vm_info_returns() -> None:
    returned = container_result(WEB)
    del returned["name"], returned["bootstrap"]
    assert host_variables(container_facts(WEB)) == {**returned, "ansible_host": "10.0.0.5"}


def test_a_container_without_an_address_has_no_ansible_host() -> None:
    assert "ansible_host" not in host_variables(container_facts(replace(WEB, addresses=())))


@pytest.mark.parametrize(
    "reported",
    ["-oProxyCommand=touch /tmp/x", "{{ lookup('pipe', 'id') }}", "10.0.0.5 -v", "2001:db8::1%-oProxyCommand=id", ""],
)
def test_only_a_real_address_becomes_ansible_host(reported: str) -> None:
    assert host_address({"ip_addresses": [reported, "10.0.0.6"]}) == "10.0.0.6"
    assert host_address({"ip_addresses": [reported]}) is None


def test_containers_with_one_host_name_are_refused_with_their_paths() -> None:
    other = replace(WEB, path="/DC0/vm/other/web")
    containers = [container_facts(WEB), container_facts(other)]
    with pytest.raises(GantryError, match=r"web of /DC0/vm/apps/web, /DC0/vm/other/web\. .* hostnames"):
        host_names(containers, name_of)
    named = host_names(containers, lambda facts: str(facts["path"]))
    assert [name for name, _facts in named] == ["/DC0/vm/apps/web", "/DC0/vm/other/web"]


def test_groups_are_named_after_what_they_are_made_of() -> None:
    assert group_names(container_facts(WEB), GROUPINGS) == [
        "cluster_C0",
        "datacenter_DC0",
        "folder_DC0/vm/apps",
        "health_healthy",
        "host_esx1.example.com",
        "image_registry.example.com/app:1",
        "label_tier_front",
        "label_canary",
        "state_running",
    ]
    assert group_names(container_facts(WEB), ["state"]) == ["state_running"]
    assert group_names(container_facts(WEB), []) == []


def test_compose_projects_and_their_services_are_groups() -> None:
    labels = {"com.docker.compose.project": "shop", "com.docker.compose.service": "web"}
    grouped = container_facts(replace(WEB, labels=labels))
    assert group_names(grouped, ["stack", "service"]) == ["stack_shop", "service_shop_web"]
    del labels["com.docker.compose.project"]
    assert group_names(container_facts(replace(WEB, labels=labels)), ["stack", "service"]) == []


def test_what_is_not_known_makes_no_group() -> None:
    bare = Machine(moid="vm-2", name="bare", path="/DC0/vm/bare", kind="container", power=OFF)
    assert group_names(container_facts(bare), GROUPINGS) == ["folder_DC0/vm", "state_stopped"]


def test_a_health_that_only_a_guest_knows_makes_no_group() -> None:
    odd = replace(WEB, status={"state": "running", "health": "x" * 100})
    assert group_names(container_facts(odd), ["health"]) == []
    for health in HEALTH:
        known = replace(WEB, status={"state": "running", "health": health})
        assert group_names(container_facts(known), ["health"]) == [f"health_{health}"]


def test_filters_select_by_state_and_health() -> None:
    off = replace(WEB, name="off", power=OFF)
    paused = replace(WEB, name="paused", power=SUSPENDED)
    sick = replace(WEB, name="sick", status={"state": "running", "health": "unhealthy"})
    everything = (WEB, off, paused, sick)
    assert selected(*everything) == ["web", "off", "paused", "sick"]
    assert selected(*everything, state=["stopped", "suspended"]) == ["off", "paused"]
    assert selected(*everything, health=["unhealthy"]) == ["sick"]
    assert selected(*everything, state=["stopped"], health=["healthy"]) == []


def test_filters_that_are_not_given_select_everything() -> None:
    desired = desire_inventory({"filters": {"name": None, "labels": None, "cluster": None}})
    assert (desired.containers.names, desired.containers.labels, desired.clusters) == (None, {}, ())
    # The most expensive property is not read: no variable comes from it.
    assert desired.containers.devices is False


def test_a_label_that_is_no_text_is_refused() -> None:
    with pytest.raises(GantryError, match="labels"):
        desire_inventory({"filters": {"labels": {"tier": ["front"]}}})
