# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules in clusters whose vSphere Cluster Services run VMs that only vCenter may change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.lab.containers import PREFIX, VmBuilder
from tests.support.lab.control import Control
from tests.support.lab.placement import Site

VM = f"{PREFIX}web"
AGENT = "vCLS-"


@pytest.fixture(params=["external", "embedded"])
def site(request: pytest.FixtureRequest, lab: dict[str, Any], builder: VmBuilder, calls: Control) -> Iterator[Site]:
    one = Site(lab, builder, calls)
    one.clear()
    calls.set_services("C0", request.param)
    yield one
    one.ok("host_maintenance", host="esx1", state="absent")
    calls.set_services("C0", "none")
    one.clear()


def agents(site: Site) -> dict[str, str]:
    """Return the name of the agent on each host that has one."""
    return {host: name for name, host in site.hosts(AGENT).items()}


def asked(site: Site, agent: str) -> list[str]:
    """Return the recorded calls of an agent's methods."""
    inventory = site.builder.session.inventory(vms=True, refresh=True)
    (vm,) = inventory.vms(agent)
    return [call["method"] for call in site.calls.all() if call["this"] == f"VirtualMachine:{vm.moid}"]


@pytest.mark.parametrize("evacuation", ["drs", "explicit"])
def test_maintenance_leaves_agents_to_vcenter(site: Site, evacuation: str) -> None:
    site.make(VM, host="esx1")
    on = agents(site)
    options = {"host": "esx1", "evacuation": evacuation, "evacuate_powered_off": True}
    predicted = site.ok("host_maintenance", check=True, **options)
    assert asked(site, on["esx1"]) == []
    entered = site.ok("host_maintenance", **options)
    assert [one["name"] for one in entered["evacuated"]] == [VM]
    assert entered["left_to_vcenter"] == predicted["left_to_vcenter"] == [f"/DC0/vm/vCLS/{on['esx1']}"]
    assert entered["staying"] == []
    assert site.in_maintenance("esx1")
    assert set(agents(site)) == {"esx2", "esx3"}
    left = site.ok("host_maintenance", host="esx1", state="absent")
    assert left["left_to_vcenter"] == []
    assert len(agents(site)) == len(on)


def test_agents_are_no_load_of_a_cluster(site: Site) -> None:
    site.make(VM, host="esx1")
    (cluster,) = site.ok("cluster_info", cluster="C0")["clusters"]
    assert cluster["vms"] == {"on": 1, "off": 0, "templates": 0, "agents": len(agents(site))}
    assert cluster["memory_configured_mb"] == 64
    assert cluster["hosts"][0]["vms"] == {"on": 1, "off": 0, "templates": 0, "agents": 1}


def test_agents_cannot_be_selected(site: Site) -> None:
    agent = agents(site)["esx1"]
    for selector in (agent, f"vCLS/{agent}"):
        refused = site.refused("vm_vmotion", vms=[selector], host="esx3")
        assert f"vms[0]: VM /DC0/vm/vCLS/{agent} is an agent VM, which vCenter manages itself." in refused["msg"]
    assert agent not in site.refused("vm_vmotion", vms=[f"{agent[:-1]}g"], host="esx3")["msg"]
