# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test that each blocker of a move is reported with its remedy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._placement import evc
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.blockers import Blocker, blockers_of, summary
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.model import (
    DeviceFacts,
    MandatoryRule,
    PlacementView,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.target import DiskTarget, MoveTarget
from tests.support.builders.placement_views import host, view, vm

TO_2 = MoveTarget(host="h2")
ISO = DeviceFacts("cd_attached", "CD/DVD drive 1 with [local1] a.iso", "local1")
SHARED_ISO = DeviceFacts("cd_attached", "CD/DVD drive 1 with [ds0] a.iso", "ds0")
BOOT_ISO = DeviceFacts("bootstrap_not_shared", "CD/DVD drive 1 with [local1] a.iso", "local1", boots=True)
SERIAL = DeviceFacts("serial_connected", "Serial port 1, which leads out of the VM,")
GPU = DeviceFacts("passthrough", "PCI device 0, a device of the host,")


def ruled(*, affine: bool) -> PlacementView:
    rule = MandatoryRule("license", frozenset({"vm-web"}), frozenset({"h1"} if affine else {"h2"}), affine)
    return view(c0={"mandatory": (rule,)})


CASES: dict[str, tuple[Any, Any, str]] = {
    "host in maintenance": (vm(), view(host(1), host(2, maintenance=True)), "host_maintenance"),
    "host gone": (vm(), view(host(1), host(2, connection="notResponding")), "host_disconnected"),
    "disk on a local datastore": (
        vm(disks=(replace(vm().disks[0], datastore="local1"),)),
        view(),
        "datastore_not_shared",
    ),
    "network": (vm(), view(host(1), host(2, networks=frozenset())), "network_missing"),
    "iso": (vm(devices=(ISO,)), view(), "cd_attached"),
    "what a container boots from": (vm(devices=(BOOT_ISO,)), view(), "bootstrap_not_shared"),
    "serial": (vm(devices=(SERIAL,)), view(), "serial_connected"),
    "gpu": (vm(devices=(GPU,)), view(), "passthrough"),
    "must run elsewhere": (vm(), ruled(affine=True), "mandatory_rule"),
    "must not run there": (vm(), ruled(affine=False), "mandatory_rule"),
    "evc": (vm(evc="intel-skylake"), view(host(1), host(2, evc="intel-haswell")), "evc"),
    "inaccessible": (vm(connection="inaccessible"), view(), "vm_state"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_blocker_is_reported_with_its_remedy(case: str) -> None:
    one, here, code = CASES[case]
    (blocker,) = blockers_of(one, TO_2, "any", here)
    assert (blocker.vm, blocker.code) == ("/DC0/vm/web", code)
    assert blocker.remedy.endswith(".")
    assert set(blocker.as_result()) == {"vm", "code", "message", "remedy", "host"}


@pytest.mark.parametrize("case", CASES)
def test_staying_has_no_blockers(case: str) -> None:
    one, here, code = CASES[case]
    if code != "vm_state":
        assert blockers_of(one, MoveTarget(pool="pool-x"), "any", here) == []


def test_an_ordinary_move_has_no_blockers() -> None:
    assert blockers_of(vm(devices=(SHARED_ISO,), snapshots=True), TO_2, "any", view()) == []


@pytest.mark.parametrize("devices", [(ISO,), (SERIAL,), (GPU,)])
def test_devices_are_blockers_of_running_vms_only(devices: tuple[DeviceFacts, ...]) -> None:
    assert blockers_of(vm(devices=devices, power="off"), TO_2, "any", view()) == []


def test_the_bootstrap_iso_of_a_container_must_be_shared_even_while_it_is_off() -> None:
    (blocker,) = blockers_of(vm(devices=(BOOT_ISO,), power="off"), TO_2, "any", view())
    assert (blocker.code, blocker.host) == ("bootstrap_not_shared", "esx2")
    assert "bootstrap_image" in blocker.remedy
    assert "isconnect" not in blocker.remedy
    shared = DeviceFacts("bootstrap_not_shared", "CD/DVD drive 1 with [ds0] a.iso", "ds0", boots=True)
    assert blockers_of(vm(devices=(shared,), power="off"), TO_2, "any", view()) == []


def test_the_requested_mode_is_enforced() -> None:
    assert [one.code for one in blockers_of(vm(), TO_2, "cold", view())] == ["vm_state"]
    assert [one.code for one in blockers_of(vm(power="suspended"), TO_2, "live", view())] == ["vm_state"]
    assert blockers_of(vm(), TO_2, "live", view()) == []


def test_a_new_datastore_replaces_a_local_one() -> None:
    one = vm(home="local1", disks=(replace(vm().disks[0], datastore="local1"),))
    target = MoveTarget(host="h2", home="ds1", disks={2000: DiskTarget("ds1")})
    assert blockers_of(one, target, "any", view()) == []
    elsewhere = MoveTarget(host="h2", home="local1", disks={2000: DiskTarget("local3")})
    assert [one.code for one in blockers_of(one, elsewhere, "any", view())] == ["datastore_not_shared"] * 2


def test_a_mapped_network_must_exist_on_the_host() -> None:
    here = view(host(1), host(2, networks=frozenset({"net1"})))
    assert blockers_of(vm(), MoveTarget(host="h2", networks={4000: "net1"}), "any", here) == []
    blind = view(host(1, networks=frozenset({"net0"})), host(2))
    (blocker,) = blockers_of(vm(), MoveTarget(networks={4000: "net1"}), "any", blind)
    assert (blocker.code, "Backend" in blocker.message) == ("network_missing", True)


def test_snapshots_keep_disks_together() -> None:
    target = MoveTarget(disks={2001: DiskTarget("ds1")}, splits_disks=True)
    assert [one.code for one in blockers_of(vm(snapshots=True), target, "any", view())] == ["snapshot"]
    assert blockers_of(vm(), target, "any", view()) == []


def test_the_provisioning_of_a_disk_with_a_parent_cannot_change() -> None:
    one = vm()
    linked = replace(one, disks=tuple(replace(disk, linked=True) for disk in one.disks))
    thick = MoveTarget(disks={2000: DiskTarget("ds1", "thick"), 2001: DiskTarget("ds1", "thick")})
    (blocker,) = blockers_of(linked, thick, "any", view())
    assert (blocker.code, "Hard disk 1" in blocker.message) == ("linked_clone", True)  # the other one is thick already
    assert blockers_of(one, thick, "any", view()) == []
    assert blockers_of(linked, MoveTarget(disks={2000: DiskTarget("ds1")}), "any", view()) == []


def test_all_blockers_of_a_vm_are_reported() -> None:
    one = vm(devices=(ISO, SERIAL, GPU), evc="amd-zen3")
    here = view(host(1), host(2, maintenance=True, evc="intel-haswell", networks=frozenset()))
    codes = {blocker.code for blocker in blockers_of(one, TO_2, "cold", here)}
    expected = {"vm_state", "host_maintenance", "cd_attached", "serial_connected", "passthrough", "evc"}
    assert codes == expected | {"network_missing"}


def test_a_summary_lists_some_and_counts_the_rest() -> None:
    many = [Blocker(f"/vm/{n}", "evc", f"cause {n}.", "remedy.") for n in range(12)]
    text = summary(many)
    assert "/vm/9: cause 9. remedy." in text
    assert "And 2 more" in text


@pytest.mark.parametrize(
    ("needed", "offered", "fits"),
    [
        (None, "intel-haswell", True),
        ("intel-haswell", None, True),
        ("intel-haswell", "intel-skylake", True),
        ("intel-skylake", "intel-haswell", False),
        ("amd-zen", "intel-skylake", False),
        ("intel-future", "intel-haswell", True),
    ],
)
def test_evc_modes_are_in_order(needed: str | None, offered: str | None, fits: bool) -> None:
    assert evc.runs(needed, offered) is fits
