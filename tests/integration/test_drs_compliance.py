# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test drs_compliance_info and drs_recommendation: violated rules, and the recommendations of DRS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pyVim.task import WaitForTask
from pyVmomi import vim

from tests.support.lab.control import Control
from tests.support.lab.drs import ClusterObserver, Drs, cluster_with_vms

PREFIX = "comply-"
VMS = [f"{PREFIX}{number}" for number in range(4)]
APPLY = "ApplyRecommendation"


@pytest.fixture(scope="module")
def observer(lab: dict[str, Any]) -> Iterator[ClusterObserver]:
    """Set DRS to manual and run three of four VMs: two on the first host, one on the second."""
    with cluster_with_vms(lab, len(VMS), PREFIX) as one:
        before = one.cluster.configurationEx.drsConfig
        one.write(drsConfig=vim.cluster.DrsConfigInfo(enabled=True, defaultVmBehavior="manual", vmotionRate=3))
        for name, host in zip(VMS[:3], (0, 0, 1), strict=True):
            place(one, name, lab["hosts"][host])
            WaitForTask(one.vm(name).PowerOnVM_Task(None))
        yield one
        # Before the settings are restored, because DRS would apply remaining rules.
        one.clear()
        one.write(drsConfig=before)


def place(observer: ClusterObserver, name: str, host: str) -> None:
    (found,) = [one for one in observer.cluster.host if one.name == host]
    if observer.vm(name).runtime.host != found:
        WaitForTask(observer.vm(name).MigrateVM_Task(None, found, "defaultPriority"))


@pytest.fixture
def drs(lab: dict[str, Any], calls: Control, observer: ClusterObserver) -> Iterator[Drs]:
    for name, host in zip(VMS[:3], (0, 0, 1), strict=True):
        place(observer, name, lab["hosts"][host])
    calls.reset()
    yield Drs(lab, calls, observer)
    observer.clear()
    observer.cluster.RefreshRecommendation()


def test_violated_rules_are_reported_with_vms_and_hosts(drs: Drs, lab: dict[str, Any]) -> None:
    first, second = lab["hosts"][:2]
    assert drs.ok("compliance_info")["compliant"]
    drs.ok(
        "ruleset",
        groups=[
            {"name": "some", "type": "vm", "members": [VMS[0], VMS[3]]},
            {"name": "second", "type": "host", "members": [second]},
        ],
        rules=[
            {"name": "apart", "type": "vm_anti_affinity", "vms": VMS[:3]},
            {"name": "near", "type": "vm_affinity", "vms": VMS[1:3], "enabled": False},
            {"name": "there", "type": "vm_host_affinity", "vm_group": "some", "host_group": "second"},
        ],
    )
    info = drs.ok("compliance_info")
    assert drs.calls.mutating() == []
    assert not info["compliant"]
    assert [one["rule"] for one in info["violations"]] == ["apart", "there"]
    apart, there = info["violations"]
    assert [(vm["name"], vm["host"]) for vm in apart["vms"]] == [(VMS[0], first), (VMS[1], first)]
    assert [(vm["name"], vm["host"]) for vm in there["vms"]] == [(VMS[0], first)]
    assert f"{VMS[0]} on {first}" in there["message"]
    said = {rule["name"]: (rule["violated"], rule["in_compliance"]) for rule in info["rules"]}
    assert said["apart"] == (True, False)
    assert said["there"] == (True, False)
    assert said["near"][0] is False
    assert info["conflicts"] == []


def test_a_rule_that_only_a_host_in_maintenance_could_satisfy_is_a_warning(drs: Drs, lab: dict[str, Any]) -> None:
    third = lab["hosts"][2]
    (host,) = [one for one in drs.observer.cluster.host if one.name == third]
    WaitForTask(host.EnterMaintenanceMode_Task(0, False))
    try:
        result = drs.ok("rule", check=True, name="apart", type="vm_anti_affinity", vms=VMS[:3])
        assert third in result["warnings"][0]
    finally:
        WaitForTask(host.ExitMaintenanceMode_Task(0))
    assert "warnings" not in drs.ok("rule", check=True, name="apart", type="vm_anti_affinity", vms=VMS[:3])


def test_a_recommendation_is_listed_and_applied(drs: Drs) -> None:
    drs.ok("rule", name="apart", type="vm_anti_affinity", vms=VMS[:3])
    drs.observer.cluster.RefreshRecommendation()
    listed = drs.ok("recommendation")
    assert drs.calls.mutating() == []
    (only,) = listed["recommendations"]
    assert only["reason"] == "antiAffin"
    (move,) = only["moves"]
    assert drs.ok("recommendation", action="apply", vms=[VMS[3]])["actions"] == []
    assert drs.ok("recommendation", action="apply", reasons=["fairnessCpuAvg"])["actions"] == []
    predicted = drs.ok("recommendation", check=True, action="apply", keys=[only["key"]])
    assert drs.calls.mutating() == []
    done = drs.ok("recommendation", action="apply", keys=[only["key"]])
    assert done == predicted
    assert drs.calls.mutating() == [APPLY]
    name = move["vm"].rpartition("/")[2]
    assert done["diff"]["after"] == {"vms": {move["vm"]: {"host": move["to"]}}}
    assert drs.observer.vm(name).runtime.host.name == move["to"].rpartition("/")[2]
    again = drs.ok("recommendation", action="apply", keys=[only["key"]])
    assert not again["changed"]
    assert only["key"] in again["warnings"][0]
    assert drs.ok("compliance_info")["compliant"]


def test_a_recommended_move_cannot_be_canceled_and_the_fault_of_applying_is_reported(drs: Drs) -> None:
    drs.ok("rule", name="apart", type="vm_anti_affinity", vms=VMS[:3])
    drs.observer.cluster.RefreshRecommendation()
    assert "cancels only" in drs.refused("recommendation", action="cancel", all=True)
    assert "requires keys" in drs.refused("recommendation", action="apply")
    drs.calls.fault(APPLY, "InvalidArgument")
    result = drs.run("recommendation", action="apply", all=True)
    assert result["failed"]
    assert result["fault"]["type"] == "InvalidArgument"


def test_a_recommendation_to_power_on_is_applied_or_canceled(drs: Drs, lab: dict[str, Any]) -> None:
    vm = drs.observer.vm(VMS[3])
    (datacenter,) = [one for one in drs.observer.content.rootFolder.childEntity if one.name == lab["datacenter"]]
    for action in ("cancel", "apply"):
        WaitForTask(datacenter.PowerOnMultiVM_Task([vm], None))
        (only,) = drs.ok("recommendation", reasons=["powerOnVm"])["recommendations"]
        assert (only["moves"][0]["vm"], only["moves"][0]["from"]) == (f"/DC0/vm/{VMS[3]}", None)
        done = drs.ok("recommendation", action=action, reasons=["powerOnVm"])
        assert done["changed"]
        assert (str(vm.runtime.powerState) == "poweredOn") == (action == "apply")
        assert drs.ok("recommendation", reasons=["powerOnVm"])["recommendations"] == []
    WaitForTask(vm.PowerOffVM_Task())
