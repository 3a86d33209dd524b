# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""host_maintenance against the lab's vCenter, with nothing booted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pyVmomi import vim

from tests.support.lab.background import result_of, running
from tests.support.lab.containers import PREFIX, VmBuilder
from tests.support.lab.control import Control
from tests.support.lab.placement import Site, serial_port, wait_for

BUDGET = 10
VMS = [f"{PREFIX}{number}" for number in range(4)]
OFF = f"{PREFIX}off"
HOSTS = ("esx1", "esx2", "esx3")


@pytest.fixture
def site(lab: dict[str, Any], builder: VmBuilder, calls: Control) -> Iterator[Site]:
    one = Site(lab, builder, calls)
    one.clear()
    calls.set_services("C0", "embedded")
    yield one
    calls.reset()
    calls.set_services("C0", "none")
    one.configure("C0", drsConfig=drs())
    for host in HOSTS:
        one.ok("host_maintenance", host=host, state="absent")
    one.clear()


def drs(*, enabled: bool = True, behavior: str = "fullyAutomated") -> Any:
    return vim.cluster.DrsConfigInfo(enabled=enabled, defaultVmBehavior=behavior, enableVmBehaviorOverrides=True)


def codes(result: dict[str, Any]) -> list[tuple[str | None, str]]:
    return [(one["vm"] and one["vm"].rpartition("/")[2], one["code"]) for one in result["blockers"]]


def comparable(result: dict[str, Any], *, by_drs: bool) -> dict[str, Any]:
    """Return what check mode must predict: not where DRS moves a VM to, which is known only afterwards."""
    evacuated = [{k: v for k, v in one.items() if not (by_drs and k == "to")} for one in result["evacuated"]]
    keys = ("changed", "actions", "diff", "host", "staying", "left_to_vcenter", "blockers")
    return {"evacuated": evacuated, **{key: result[key] for key in keys}}


@pytest.mark.parametrize("evacuation", ["drs", "explicit"])
def test_a_host_is_evacuated_enters_and_comes_back(site: Site, evacuation: str) -> None:
    site.make(*VMS, host="esx1")
    site.make(OFF, host="esx1", on=False)
    options = {"host": "esx1", "evacuation": evacuation}
    predicted = site.ok("host_maintenance", check=True, **options)
    assert site.calls.mutating() == []
    assert not site.in_maintenance("esx1")
    entered = site.ok("host_maintenance", **options)
    by_drs = evacuation == "drs"
    assert comparable(entered, by_drs=by_drs) == comparable(predicted, by_drs=by_drs)
    assert entered["host"]["maintenance"]
    assert site.in_maintenance("esx1")
    hosts = site.hosts()
    assert hosts.pop(OFF) == "esx1"
    assert entered["staying"] == [f"/DC0/vm/{OFF}"]
    assert {one["name"]: one["to"] for one in entered["evacuated"]} == hosts
    # Not all on one.
    assert set(hosts.values()) == {"esx2", "esx3"}
    again = site.ok("host_maintenance", **options)
    assert (again["changed"], again["evacuated"]) == (False, [])
    assert len(site.calls.methods()) <= BUDGET
    predicted = site.ok("host_maintenance", host="esx1", state="absent", check=True)
    left = site.ok("host_maintenance", host="esx1", state="absent")
    assert comparable(left, by_drs=False) == comparable(predicted, by_drs=False)
    assert left["actions"] == ["take esx1 out of maintenance mode"]
    assert not site.in_maintenance("esx1")
    assert not site.ok("host_maintenance", host="esx1", state="absent")["changed"]
    assert len(site.calls.methods()) <= BUDGET


def test_what_is_off_leaves_too_if_asked(site: Site) -> None:
    site.configure("C0", drsConfig=drs(enabled=False))
    site.make(VMS[0], host="esx1")
    site.make(OFF, host="esx1", on=False)
    entered = site.ok("host_maintenance", host="esx1", evacuation="explicit", evacuate_powered_off=True)
    assert {one["name"]: one["mode"] for one in entered["evacuated"]} == {VMS[0]: "live", OFF: "cold"}
    assert "esx1" not in site.hosts().values()


def test_all_that_keeps_a_host_is_named_before_anything_is_changed(site: Site) -> None:
    site.make(VMS[0], host="esx1", devices=[serial_port()])
    site.make(VMS[1], VMS[2], host="esx1")
    site.ok("vm_vmotion", vms=[VMS[1]], datastore="local-esx1")
    expected = [(VMS[0], "serial_connected"), (VMS[1], "datastore_not_shared")]
    for evacuation in ("drs", "explicit"):
        refused = site.refused("host_maintenance", host="esx1", evacuation=evacuation)
        assert codes(refused) == expected, refused
        assert "cannot enter maintenance mode" in refused["msg"]
    only = site.ok("host_maintenance", host="esx1", precheck="report")
    assert (codes(only), only["changed"]) == (expected, False)


def test_drs_must_be_able_to_evacuate(site: Site) -> None:
    site.make(VMS[0], host="esx1")
    site.configure("C0", drsConfig=drs(behavior="manual"))
    refused = site.refused("host_maintenance", host="esx1")
    assert codes(refused) == [(VMS[0], "drs_disabled")]
    site.configure("C0", drsConfig=drs(enabled=False))
    refused = site.refused("host_maintenance", host="esx1")
    assert codes(refused) == [(None, "drs_disabled")]
    assert "Set evacuation to explicit" in refused["msg"]
    assert site.ok("host_maintenance", host="esx1", evacuation="explicit")["host"]["maintenance"]


def test_the_other_hosts_must_be_enough(site: Site) -> None:
    site.make(VMS[0], host="esx1")
    site.ok("host_maintenance", host="esx2")
    das = vim.cluster.DasConfigInfo(
        enabled=True,
        admissionControlEnabled=True,
        admissionControlPolicy=vim.cluster.FailoverLevelAdmissionControlPolicy(failoverLevel=1),
    )
    site.configure("C0", dasConfig=das)
    try:
        refused = site.refused("host_maintenance", host="esx1")
        assert codes(refused) == [(None, "capacity")]
        assert "admission control" in refused["msg"]
    finally:
        site.configure("C0", dasConfig=vim.cluster.DasConfigInfo(enabled=False, admissionControlEnabled=False))
    site.ok("host_maintenance", host="esx3")
    assert codes(site.refused("host_maintenance", host="esx1")) == [(None, "not_enough_hosts")]


def test_a_run_that_was_killed_is_gone_on_with(site: Site, connection: dict[str, str]) -> None:
    site.make(VMS[0], host="esx1")
    site.calls.fault("EnterMaintenanceMode_Task", delay_seconds=3600, in_task=True)
    with running("host_maintenance", {"host": "esx1"}, connection) as killed:
        wait_for(lambda: "EnterMaintenanceMode_Task" in site.calls.methods())
        killed.kill()
        killed.wait()
    refused = site.run("host_maintenance", host="esx1", state="absent")
    assert "is entering maintenance mode" in refused["msg"]
    site.calls.forget()
    with running("host_maintenance", {"host": "esx1"}, connection) as waiting:
        wait_for(lambda: "WaitForUpdatesEx" in site.calls.methods())
        site.calls.reset()  # it goes on
        entered = result_of(waiting)
    assert not entered.get("failed"), entered
    assert "has finished entering" in entered["actions"][0]
    assert site.calls.methods().count("EnterMaintenanceMode_Task") == 0
    assert site.in_maintenance("esx1")
    assert [one["to"] for one in entered["evacuated"]] == list(site.hosts().values())


def test_a_host_that_does_not_make_it_is_told_with_what_is_still_on_it(site: Site) -> None:
    site.make(*VMS[:2], host="esx1")
    site.calls.fault("EnterMaintenanceMode_Task", "Timedout", in_task=True)
    failed = site.run("host_maintenance", host="esx1", timeout=30)
    assert failed["failed"]
    assert failed["fault"]["type"] == "Timedout"
    assert failed["remaining"] == [f"/DC0/vm/{name}" for name in VMS[:2]]
    assert f"Still on it: /DC0/vm/{VMS[0]}" in failed["msg"]
    assert site.ok("host_maintenance", host="esx1")["host"]["maintenance"]


def test_a_failed_move_keeps_the_host_out_of_maintenance(site: Site) -> None:
    site.make(*VMS[:2], host="esx1")
    site.calls.fault("RelocateVM_Task", "NoDiskSpace", name=VMS[0], in_task=True)
    failed = site.run("host_maintenance", host="esx1", evacuation="explicit")
    assert failed["msg"].startswith("1 of 2 VMs were moved")
    assert [vm["status"] for vm in failed["vms"]] == ["failed", "moved"]
    assert "EnterMaintenanceMode_Task" not in site.calls.methods()
    assert site.ok("host_maintenance", host="esx1", evacuation="explicit")["host"]["maintenance"]
