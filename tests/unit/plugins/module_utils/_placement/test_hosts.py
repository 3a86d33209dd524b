# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test which host is chosen for a new VM, and the error if no host fits."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.hardware import runs_hardware
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.hosts import host_for_new, new_vm
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.model import (
    FailoverReserve,
    PlacementView,
    VmFacts,
)
from tests.support.builders.placement_views import host, view, views

PURPOSE = "run container 'web'"


def wanted(name: str = "web", **changes: Any) -> VmFacts:
    needs: dict[str, Any] = {
        "datastores": {"container": "ds0", "bootstrap": "ds1"},
        "networks": ["net0"],
        "memory_mb": 512,
        "hardware": "vmx-17",
    }
    return new_vm(name, "c0", **{**needs, **changes})


def chosen(vm: VmFacts, here: PlacementView) -> str | None:
    found = host_for_new(vm, here, PURPOSE)
    return None if found is None else found.name


def test_drs_chooses_if_every_usable_host_fits() -> None:
    assert chosen(wanted(), view(host(1), host(2), host(3, maintenance=True))) is None


def test_without_drs_the_host_is_always_the_same_for_a_name_and_all_hosts_are_used() -> None:
    here = view(host(1), host(2), host(3), c0={"drs": False})
    names = [chosen(wanted(f"web-{number}"), here) for number in range(60)]
    assert all(names.count(name) >= 10 for name in ("esx1", "esx2", "esx3"))
    assert names == [chosen(wanted(f"web-{number}"), here) for number in range(60)]


# The resource that esx2 lacks, and the text of the error.
LACKS: dict[str, tuple[dict[str, Any], str]] = {
    "network": ({"networks": frozenset()}, "host esx2 does not have the network VM Network"),
    "datastore": ({"datastores": frozenset({"ds1"})}, "host esx2 does not see the datastore ds0"),
    "the ISO's datastore": ({"datastores": frozenset({"ds0"})}, "host esx2 does not see the datastore ds1"),
    "memory": ({"memory_mb": 256}, "host esx2 has 256 MiB of memory, less than the 512 MiB"),
    "hardware": ({"release": "6.7.0"}, "host esx2 runs ESXi 6.7.0, which does not run virtual hardware vmx-17"),
}


@pytest.mark.parametrize("drs", [False, True])
@pytest.mark.parametrize("lack", LACKS)
def test_a_host_that_lacks_something_is_avoided_with_and_without_drs(lack: str, drs: bool) -> None:
    changes, _message = LACKS[lack]
    here = view(host(1), host(2, **changes), c0={"drs": drs})
    assert {chosen(wanted(f"web-{number}"), here) for number in range(8)} == {"esx1"}


@pytest.mark.parametrize("lack", LACKS)
def test_if_no_host_fits_each_is_reported_with_its_blocker(lack: str) -> None:
    changes, message = LACKS[lack]
    with pytest.raises(GantryError) as caught:
        chosen(wanted(), view(host(1, maintenance=True), host(2, **changes)))
    assert caught.value.message.startswith(f"No host of cluster C0 can {PURPOSE}: ")
    assert message in caught.value.message
    assert "host esx1 is in maintenance mode" in caught.value.message
    assert {one["host"] for one in caught.value.details["blockers"]} == {"esx1", "esx2"}


def test_a_cluster_without_hosts_is_reported() -> None:
    here = view(host(1), host(2, "c1"))
    empty = PlacementView(clusters=here.clusters)
    with pytest.raises(GantryError, match="it has no hosts that this user can read"):
        chosen(wanted(), empty)


def test_a_failover_host_gets_no_new_vm() -> None:
    reserve = FailoverReserve(failover_hosts=frozenset({"h2"}))
    assert chosen(wanted(), view(host(1), host(2), c0={"admission": reserve})) == "esx1"


@given(views(), st.sampled_from(["net0", "net1"]), st.text(max_size=5))
def test_a_chosen_host_fits_and_an_error_means_that_none_does(here: PlacementView, network: str, name: str) -> None:
    vm = wanted(name, networks=[network])
    fits = {
        one.name
        for one in here.hosts_of("c0")
        if one.usable
        and {"ds0", "ds1"} <= one.datastores
        and network in one.networks
        and one.memory_mb not in range(1, 512)
    }
    try:
        name_chosen = chosen(vm, here)
    except GantryError:
        assert not fits
        return
    if name_chosen is None:
        assert here.clusters["c0"].drs
        assert fits == {one.name for one in here.hosts_of("c0") if one.usable}
    else:
        assert name_chosen in fits


@pytest.mark.parametrize(
    ("release", "hardware", "runs"),
    [
        ("8.0.2", "vmx-21", True),
        ("8.0.1", "vmx-21", False),
        ("7.0.3", "vmx-19", True),
        ("7.0.3", "vmx-20", False),
        ("6.7.0", "vmx-14", True),
        ("5.5.0", "vmx-17", True),
        ("9.1.0", "vmx-23", True),
        ("9.0.0", "vmx-23", False),
        (None, "vmx-17", True),
        ("8.0.2", None, True),
        ("unknown", "vmx-17", True),
    ],
)
def test_unknown_hardware_versions_are_left_to_vcenter(release: str | None, hardware: str | None, runs: bool) -> None:
    assert runs_hardware(release, hardware) is runs
