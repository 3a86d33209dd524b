# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the capacity of a cluster without some hosts, and after the failure of one more."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._cluster_info.capacity import (
    capacity,
    capacity_after_failure,
    shortage,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._cluster_info.model import ClusterState, HostState
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_cluster.model import Settings
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.model import (
    ClusterFacts,
    FailoverReserve,
    VmDemand,
)
from tests.support.builders.placement_views import host

FACTS = ClusterFacts("c0", "C0", "/DC0/host/C0")


def state(number: int, memory_mb: int = 1000, cpu_mhz: int = 100, **changes: Any) -> HostState:
    facts = host(number, memory_mb=memory_mb, cpu_mhz=cpu_mhz, **changes)
    return HostState(facts, f"/DC0/host/C0/{facts.name}")


def cluster(*hosts: HostState, reserved_mb: int = 0, reserved_mhz: int = 0) -> ClusterState:
    return ClusterState(FACTS, "/DC0", Settings(), hosts, (VmDemand("h1", reserved_mb, reserved_mhz, 64),), (), ())


def test_only_usable_hosts_that_are_not_left_out_count() -> None:
    found = capacity(
        cluster(
            state(1),
            state(2, maintenance=True),
            state(3, connection="notResponding"),
            replace(state(4), quarantine=True),
            replace(state(5), without=True),
            state(6, 500),
        )
    )
    assert (found.hosts, found.memory_mb, found.cpu_mhz) == (("esx1", "esx6"), 1500, 200)


def test_the_worse_case_of_memory_and_of_cpu_remains_after_a_failure() -> None:
    failed, rest = capacity_after_failure(cluster(state(1, 4000, 100), state(2, 1000, 900), state(3, 1000, 100)))
    assert (failed, rest.hosts) == ("esx1", ("esx2", "esx3"))
    assert (rest.memory_mb, rest.cpu_mhz) == (2000, 200)


def test_reservations_must_fit_exactly() -> None:
    hosts = (state(1), state(2))
    assert capacity(cluster(*hosts, reserved_mb=2000, reserved_mhz=200)).sufficient
    assert not capacity(cluster(*hosts, reserved_mb=2001)).sufficient
    assert not capacity(cluster(*hosts, reserved_mhz=201)).sufficient
    assert capacity_after_failure(cluster(*hosts, reserved_mb=1000))[1].sufficient
    assert not capacity_after_failure(cluster(*hosts, reserved_mb=1001))[1].sufficient


def test_a_failover_host_is_kept_free_until_a_host_fails() -> None:
    reserve = FailoverReserve(failover_hosts=frozenset({"h2"}))
    kept = replace(cluster(state(1), state(2)), facts=replace(FACTS, admission=reserve))
    assert capacity(kept).hosts == ("esx1",)
    assert capacity_after_failure(kept)[1].memory_mb == 1000


def test_no_host_is_never_sufficient() -> None:
    assert not capacity(cluster()).sufficient
    failed, rest = capacity_after_failure(cluster(state(1)))
    assert (failed, rest.hosts, rest.sufficient) == ("esx1", (), False)
    assert capacity_after_failure(cluster()) == (None, capacity(cluster()))


def test_a_shortage_is_explained() -> None:
    some = cluster(state(1), state(2), replace(state(3), without=True), reserved_mb=1500, reserved_mhz=7)
    assert shortage(some, capacity(some)) is None
    failed, rest = capacity_after_failure(some)
    assert shortage(some, rest, failed) == (
        "Without esx3 and after a failure of esx1, cluster C0 has 1000 MiB of memory and 100 MHz of CPU left on esx2, "
        "and its running VMs have 1500 MiB and 7 MHz reserved."
    )
    assert shortage(cluster(), capacity(cluster())) == "Cluster C0 has no usable host left."
