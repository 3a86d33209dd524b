# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test cluster_info against the lab's vCenter, with pyVmomi as the observer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pyVmomi import vim

from tests.support.lab.background import result_of, running
from tests.support.lab.containers import PREFIX, VmBuilder
from tests.support.lab.control import Control
from tests.support.lab.placement import Site, wait_for

BUDGET = 6
VMS = [f"{PREFIX}{number}" for number in range(3)]


@pytest.fixture
def site(lab: dict[str, Any], builder: VmBuilder, calls: Control) -> Iterator[Site]:
    one = Site(lab, builder, calls)
    one.clear()
    yield one
    calls.reset()
    one.ok("host_maintenance", host="esx1", state="absent")
    one.clear()


def read(site: Site, **options: Any) -> dict[str, dict[str, Any]]:
    """Return the clusters by name, read with few requests."""
    found = site.ok("cluster_info", **options)
    assert not found["changed"]
    assert site.calls.mutating() == []
    assert len(site.calls.methods()) <= BUDGET, site.calls.methods()
    return {one["name"]: one for one in found["clusters"]}


def actual(site: Site, name: str) -> Any:
    return site.host(name).summary


def test_all_clusters_are_read_with_their_hosts(site: Site) -> None:
    site.make(*VMS[:2], host="esx1")
    site.make(VMS[2], host="esx1", on=False)
    clusters = read(site)
    assert {name: [host["name"] for host in one["hosts"]] for name, one in clusters.items()} == {
        "C0": ["esx1", "esx2", "esx3"],
        "C1": ["esx4", "esx5"],
    }
    c0 = clusters["C0"]
    assert (c0["path"], c0["datacenter"]) == ("/DC0/host/C0", "/DC0")
    first, summary = c0["hosts"][0], actual(site, "esx1")
    assert first["vms"] == {"on": 2, "off": 1, "templates": 0, "agents": 0}
    assert c0["vms"] == first["vms"]
    assert (first["version"], first["build"]) == (summary.config.product.version, summary.config.product.build)
    assert first["memory_mb"] == summary.hardware.memorySize >> 20
    assert first["cpu_mhz"] == summary.hardware.cpuMhz * summary.hardware.numCpuCores
    assert (first["connection"], first["maintenance"], first["usable"]) == ("connected", False, True)
    assert c0["memory_configured_mb"] == 2 * 64
    assert {"local-esx1", "shared1"} <= set(c0["datastores"])
    assert "local-esx4" not in c0["datastores"]
    assert {"VM Network", "Backend"} <= set(c0["networks"])
    assert c0["settings"] == site.ok("drs_cluster", cluster="C0")["settings"]


def test_one_cluster_or_those_of_a_datacenter(site: Site) -> None:
    assert list(read(site, cluster="C1")) == ["C1"]
    assert list(read(site, datacenter="DC0")) == ["C0", "C1"]
    assert "no datacenter 'DC9'" in site.refused("cluster_info", datacenter="DC9")["msg"]
    assert "no cluster 'C9'" in site.refused("cluster_info", cluster="C9")["msg"]


def test_capacity_is_that_of_the_other_hosts(site: Site) -> None:
    each = actual(site, "esx1").hardware.memorySize >> 20
    c0 = read(site, cluster="C0", without=["ESX2"])["C0"]
    assert [host["name"] for host in c0["hosts"] if host["without"]] == ["esx2"]
    assert c0["capacity"]["hosts"] == ["esx1", "esx3"]
    assert c0["capacity"]["memory_mb"] == 2 * each
    assert c0["after_failure"]["memory_mb"] == each
    assert c0["after_failure"]["sufficient"]
    only = read(site, cluster="C0", without=["esx2", "/DC0/host/C0/esx3"])["C0"]
    assert (only["capacity"]["sufficient"], only["after_failure"]["sufficient"]) == (True, False)
    assert "no host 'esx4' in /DC0/host/C0" in site.refused("cluster_info", cluster="C0", without=["esx4"])["msg"]


def test_reservations_are_compared_with_capacity(site: Site) -> None:
    site.make(VMS[0], host="esx1")
    free = read(site, cluster="C0")["C0"]["capacity"]["memory_free_mb"]
    change = vim.vm.ConfigSpec(memoryAllocation=vim.ResourceAllocationInfo(reservation=48))
    site.builder.task("reserve", lambda: site.vm(VMS[0]).ReconfigVM_Task(change))
    assert free - read(site, cluster="C0")["C0"]["capacity"]["memory_free_mb"] == 48


def test_a_host_in_maintenance_is_not_usable(site: Site, connection: dict[str, str]) -> None:
    site.calls.fault("EnterMaintenanceMode_Task", delay_seconds=3600, in_task=True)
    with running("host_maintenance", {"host": "esx1"}, connection) as entering:
        wait_for(lambda: "EnterMaintenanceMode_Task" in site.calls.methods())
        # Without a budget: the waiting process makes requests too.
        during = site.ok("cluster_info", cluster="C0")["clusters"][0]["hosts"][0]
        assert (during["maintenance"], during["maintenance_task"]) == (False, "entering")
        site.calls.reset()
        assert not result_of(entering).get("failed")
    c0 = read(site, cluster="C0")["C0"]
    first = c0["hosts"][0]
    assert (first["maintenance"], first["maintenance_task"], first["usable"]) == (True, None, False)
    assert c0["capacity"]["hosts"] == ["esx2", "esx3"]
