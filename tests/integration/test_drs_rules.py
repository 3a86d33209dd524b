# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""drs_group, drs_rule, drs_override and drs_ruleset against the lab's vCenter."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules import apply
from tests.support.lab.background import result_of, running
from tests.support.lab.control import Control
from tests.support.lab.drs import ClusterObserver, Drs, cluster_with_vms, make, names

PREFIX = "drs-"
VMS = [f"{PREFIX}{number}" for number in range(6)]
WRITE = "ReconfigureComputeResource_Task"


@pytest.fixture(scope="module")
def observer(lab: dict[str, Any]) -> Iterator[ClusterObserver]:
    with cluster_with_vms(lab, len(VMS), PREFIX) as one:
        yield one


@pytest.fixture
def patient(lab: dict[str, Any], calls: Control, observer: ClusterObserver) -> Iterator[Drs]:
    """Yield the modules with the pause before the second read, for tests with concurrent changes."""
    yield Drs(lab, calls, observer)
    calls.reset()
    observer.clear()


@pytest.fixture
def drs(patient: Drs, monkeypatch: pytest.MonkeyPatch) -> Drs:
    """Read the configuration a second time without the pause: no other client changes it."""
    monkeypatch.setattr(apply, "_PAUSE", 0.0)
    return patient


@pytest.fixture
def stepwise(drs: Drs, lab: dict[str, Any]) -> Iterator[Drs]:
    """Refuse changes in one reconfiguration that depend on each other."""
    drs.calls.set_stepwise(lab["cluster"], True)
    yield drs
    drs.calls.set_stepwise(lab["cluster"], False)


def whole(lab: dict[str, Any]) -> dict[str, Any]:
    """Return a ruleset with groups, rules and overrides of every kind."""
    return {
        "groups": [
            {"name": "web", "type": "vm", "members": VMS[:2], "members_mode": "exact"},
            {"name": "db", "type": "vm", "members": VMS[2:4]},
            {"name": "rack", "type": "host", "members": lab["hosts"][:2]},
        ],
        "rules": [
            {"name": "web on rack", "type": "vm_host_affinity", "vm_group": "web", "host_group": "rack"},
            {"name": "db off rack", "type": "vm_host_anti_affinity", "vm_group": "db", "host_group": "rack"},
            {"name": "web after db", "type": "vm_dependency", "vm_group": "web", "depends_on": "db"},
            {"name": "web apart", "type": "vm_anti_affinity", "vms": VMS[:2], "mandatory": True},
            {"name": "db together", "type": "vm_affinity", "vms": VMS[2:4], "enabled": False},
        ],
        "overrides": [
            {"vms": VMS[:1], "automation_level": "disabled"},
            {"vms": VMS[1:3], "automation_level": "manual"},
        ],
    }


# -- the whole set


def test_a_ruleset_is_written_once_and_then_unchanged(drs: Drs, lab: dict[str, Any]) -> None:
    done = drs.converge("ruleset", **whole(lab))
    assert len(done["actions"]) == 11
    assert drs.observer.groups() == {
        "web": ("vm", VMS[:2]),
        "db": ("vm", VMS[2:4]),
        "rack": ("host", sorted(lab["hosts"][:2])),
    }
    assert drs.observer.rules() == {
        "web on rack": {
            "type": "vm_host_affinity",
            "enabled": True,
            "mandatory": False,
            "vm_group": "web",
            "host_group": "rack",
        },
        "db off rack": {
            "type": "vm_host_anti_affinity",
            "enabled": True,
            "mandatory": False,
            "vm_group": "db",
            "host_group": "rack",
        },
        "web after db": {
            "type": "vm_dependency",
            "enabled": True,
            "mandatory": False,
            "vm_group": "web",
            "depends_on": "db",
        },
        "web apart": {"type": "vm_anti_affinity", "enabled": True, "mandatory": True, "vms": VMS[:2]},
        "db together": {"type": "vm_affinity", "enabled": False, "mandatory": False, "vms": VMS[2:4]},
    }
    assert drs.observer.overrides() == {VMS[0]: "disabled", VMS[1]: "manual", VMS[2]: "manual"}


def changed_whole() -> dict[str, Any]:
    """Return changes of the whole ruleset that depend on each other."""
    return {
        "groups": [
            {"name": "web", "state": "absent"},
            {"name": "db", "type": "vm", "members": VMS[4:5]},
        ],
        "rules": [
            {"name": "web on rack", "state": "absent"},
            {"name": "web after db", "state": "absent"},
            {"name": "db off rack", "type": "vm_host_affinity", "mandatory": True},
            {"name": "db together", "enabled": True},
        ],
        "overrides": [{"vms": VMS[:1], "automation_level": "fully_automated"}, {"vms": VMS[1:2], "state": "absent"}],
        "purge": True,
        "purge_prefix": "web",
    }


def test_a_ruleset_changes_replaces_and_purges_in_one_write(drs: Drs, lab: dict[str, Any]) -> None:
    drs.ok("ruleset", **whole(lab))
    drs.ok("group", name="foreign", type="vm", members=VMS[4:])
    done = drs.converge("ruleset", **changed_whole())
    assert "remove vm_anti_affinity rule web apart" in done["actions"]
    assert drs.observer.groups().keys() == {"db", "rack", "foreign"}
    assert drs.observer.groups()["db"] == ("vm", VMS[2:5])
    assert drs.observer.rules().keys() == {"db off rack", "db together"}
    assert drs.observer.rules()["db off rack"]["type"] == "vm_host_affinity"
    assert drs.observer.overrides() == {VMS[0]: "fully_automated", VMS[2]: "manual"}


# -- groups


def test_changes_that_depend_on_each_other_are_made_in_steps_if_vcenter_requires_it(
    stepwise: Drs, lab: dict[str, Any]
) -> None:
    write = "ReconfigureComputeResource_Task"
    assert len(stepwise.ok("ruleset", **whole(lab))["actions"]) == 11
    assert stepwise.calls.mutating() == [write] * 3  # at once, then the groups, then the rules
    done = stepwise.ok("ruleset", **changed_whole())
    assert done["changed"]
    assert stepwise.calls.mutating() == [write] * 5
    assert (stepwise.observer.groups().keys(), stepwise.observer.rules().keys()) == (
        {"db", "rack"},
        {"db off rack", "db together"},
    )
    assert stepwise.observer.rules()["db off rack"]["type"] == "vm_host_affinity"
    assert not stepwise.ok("ruleset", **changed_whole())["changed"]
    stepwise.ok("group", name="rack 2", type="host", members=lab["hosts"][2:3])
    replaced = stepwise.ok(
        "ruleset",
        groups=[{"name": "rack", "type": "vm", "members": VMS[:1]}],
        rules=[{"name": "db off rack", "state": "absent"}],
    )
    assert replaced["changed"]
    assert stepwise.observer.groups()["rack"] == ("vm", VMS[:1])


def test_a_refused_step_is_reported(drs: Drs, lab: dict[str, Any]) -> None:
    drs.calls.fault("ReconfigureComputeResource_Task", "InvalidArgument", in_task=True)
    drs.calls.fault("ReconfigureComputeResource_Task", "InvalidArgument", skip=1, in_task=True)
    result = drs.run("ruleset", **whole(lab))
    assert (result["failed"], result["changed"]) == (True, True)
    assert "This is step 2 of 2." in result["msg"]
    assert drs.observer.groups().keys() == {"web", "db", "rack"}
    assert drs.observer.rules() == {}
    # The next run makes what is missing.
    assert len(drs.ok("ruleset", **whole(lab))["actions"]) == 8


def test_objects_of_clients_that_leave_out_the_users_mark_are_changed_and_purged(drs: Drs) -> None:
    """community.vmware does not set userCreated, and vCenter may return false then."""
    both = [drs.observer.vm(name) for name in VMS[:2]]
    drs.observer.write(
        groupSpec=[make("GroupSpec", operation="add", info=make("VmGroup", name="old web", vm=both))],
        rulesSpec=[
            make(
                "RuleSpec", operation="add", info=make("AntiAffinityRuleSpec", name="old apart", enabled=True, vm=both)
            )
        ],
    )
    drs.ok("rule", name="old apart", enabled=False)
    assert drs.observer.rules()["old apart"]["enabled"] is False
    drs.ok("group", name="old web", type="vm", members=VMS[2:3])
    assert drs.observer.groups() == {"old web": ("vm", VMS[:3])}
    drs.ok("ruleset", purge=True, purge_prefix="old ")
    assert (drs.observer.groups(), drs.observer.rules()) == ({}, {})


def test_members_are_added_removed_and_set_and_others_are_kept(drs: Drs, lab: dict[str, Any]) -> None:
    first = drs.converge("group", name="g", type="vm", members=VMS[:2])
    assert first["diff"]["after"]["groups"]["g"]["type"] == "vm"
    added = drs.converge("group", name="g", type="vm", members=[VMS[2], {"moid": drs.observer.vm(VMS[3])._moId}])
    assert names(added["group"]["members"]) == VMS[:4]
    removed = drs.converge("group", name="g", type="vm", members=VMS[:1], members_mode="remove")
    assert names(removed["group"]["members"]) == VMS[1:4]
    exact = drs.converge("group", name="g", type="vm", members=VMS[3:5], members_mode="exact")
    assert exact["diff"]["before"]["groups"]["g"]["members"] == [f"/DC0/vm/{name}" for name in VMS[1:4]]
    assert drs.observer.groups() == {"g": ("vm", VMS[3:5])}
    hosts = drs.converge("group", name="h", type="host", members=lab["hosts"][:1])
    assert names(hosts["group"]["members"]) == lab["hosts"][:1]
    flipped = drs.converge("group", name="g", type="host", members=lab["hosts"][:2])
    assert flipped["actions"] == ["replace host group g"]
    assert drs.converge("group", name="g", state="absent")["group"] is None
    assert drs.observer.groups().keys() == {"h"}


def test_impossible_changes_are_refused_before_anything_is_written(drs: Drs, lab: dict[str, Any]) -> None:
    drs.ok("ruleset", **whole(lab))
    web = {"name": "web", "type": "vm"}
    assert "no empty groups" in drs.refused("group", **web, members=VMS[:2], members_mode="remove")
    assert "web on rack" in drs.refused("group", name="web", state="absent")
    assert "no VM" in drs.refused("group", **web, members=["no-such-vm"])
    assert "members_mode: remove" in drs.refused("group", name="web", state="absent", members=VMS[:1])
    assert "two VMs" in drs.refused("rule", name="r", type="vm_affinity", vms=VMS[:1])
    assert "no group of that name" in drs.refused(
        "rule", name="r", type="vm_host_affinity", vm_group="none", host_group="rack"
    )
    message = drs.refused("rule", name="r", type="vm_affinity", vms=VMS[:2])
    assert "web apart" in message
    too_many = drs.run("rule", name="r", type="vm_anti_affinity", vms=VMS[: len(lab["hosts"]) + 1])
    assert too_many["conflicts"][0]["code"] == "not_enough_hosts"
    assert drs.calls.mutating() == []
    assert "depend on themselves" in drs.refused(
        "rule", name="r", type="vm_dependency", vm_group="db", depends_on="web"
    )
    assert "more than once" in drs.refused(
        "ruleset", rules=[{"name": "r", "state": "absent"}, {"name": "r", "enabled": False}]
    )
    assert "purge_prefix" in drs.refused("ruleset", purge=True)


# -- rules


@pytest.mark.parametrize(
    ("first", "second"), [("vm_affinity", "vm_anti_affinity"), ("vm_anti_affinity", "vm_affinity")]
)
def test_a_rule_of_the_opposite_type_converges(drs: Drs, first: str, second: str) -> None:
    drs.ok("rule", name="r", type=first, vms=VMS[:2], enabled=False)
    done = drs.converge("rule", name="r", type=second)
    assert done["actions"] == [f"replace rule r: {first} by {second}"]
    assert drs.observer.rules() == {"r": {"type": second, "enabled": False, "mandatory": False, "vms": VMS[:2]}}


def test_a_vm_host_rule_of_the_opposite_type_converges(drs: Drs, lab: dict[str, Any]) -> None:
    drs.ok("ruleset", **whole(lab))
    for kind in ("vm_host_anti_affinity", "vm_host_affinity"):
        drs.converge("rule", name="web on rack", type=kind, vm_group="web", host_group="rack")
        assert drs.observer.rules()["web on rack"]["type"] == kind
    drs.converge("rule", name="web on rack", mandatory=True)
    assert drs.observer.rules()["web on rack"]["mandatory"]


def test_a_rule_is_toggled_and_removed_by_its_name(drs: Drs) -> None:
    drs.ok("rule", name="r", type="vm_affinity", vms=VMS[:3])
    assert drs.converge("rule", name="r", enabled=False)["actions"] == ["disable rule r"]
    assert drs.observer.rules()["r"] == {"type": "vm_affinity", "enabled": False, "mandatory": False, "vms": VMS[:3]}
    assert drs.converge("rule", name="r", enabled=True)["actions"] == ["enable rule r"]
    assert drs.converge("rule", name="r", state="absent")["rule"] is None
    assert drs.observer.rules() == {}


# -- overrides


def test_overrides_are_set_changed_and_removed(drs: Drs) -> None:
    drs.converge("override", vms=VMS[:2], automation_level="disabled")
    drs.converge("override", vms=VMS[:1], automation_level="partially_automated")
    assert drs.observer.overrides() == {VMS[0]: "partially_automated", VMS[1]: "disabled"}
    drs.converge("override", vms=VMS[:3], state="absent")
    assert drs.observer.overrides() == {}


def test_members_are_selected_by_labels(drs: Drs) -> None:
    for name, tier in zip(VMS[:3], ("front", "front", "back"), strict=True):
        drs.observer.set_config(name, {"gantry.kind": "container", "gantry.labels": json.dumps({"tier": tier})})
    done = drs.converge("group", name="g", type="vm", members=[{"labels": {"tier": "front"}}])
    assert names(done["group"]["members"]) == VMS[:2]
    nobody = [{"labels": {"tier": "none"}}]
    assert "no VM with the labels" in drs.refused("group", name="g", type="vm", members=nobody)
    assert not drs.ok("group", name="g", type="vm", members=nobody, members_mode="remove")["changed"]


def test_a_planned_vm_counts_in_check_mode_only(drs: Drs, lab: dict[str, Any]) -> None:
    options = {
        "groups": [{"name": "web", "type": "vm", "members": ["next-1", VMS[0]]}],
        "rules": [{"name": "apart", "type": "vm_anti_affinity", "vms": ["next-1", VMS[1]]}],
    }
    assert "next-1" in drs.refused("ruleset", **options)
    planned = drs.run("ruleset", check=True, **options, planned_vms=["next-1", VMS[0]])
    assert len(planned["actions"]) == 2, planned
    assert names(planned["rules"][0]["vms"]) == sorted(["next-1", VMS[1]])
    path = f"/{lab['datacenter']}/vm/next-2"
    rule = {"name": "apart", "type": "vm_anti_affinity", "vms": [path, VMS[1]]}
    assert drs.run("ruleset", check=True, rules=[rule], planned_vms=[path])["actions"]
    assert "planned_vms is for check mode" in drs.refused("ruleset", **options, planned_vms=["next-1"])


def test_removing_a_member_or_override_of_a_missing_vm_changes_nothing(drs: Drs, lab: dict[str, Any]) -> None:
    gone = [{"moid": "vm-999999"}, "gone-web", {"uuid": "11111111-2222-3333-4444-555555555555"}]
    drs.converge("group", name="g", type="vm", members=VMS[:2])
    removed = drs.converge("group", name="g", type="vm", members=[*gone, VMS[0]], members_mode="remove")
    assert names(removed["group"]["members"]) == VMS[1:2]
    assert "there is no VM" in drs.refused("group", name="g", type="vm", members=gone)
    hosts = {"name": "h", "type": "host"}
    drs.converge("group", **hosts, members=lab["hosts"][:2])
    removed = drs.converge("group", **hosts, members=["gone-esx", lab["hosts"][0]], members_mode="remove")
    assert names(removed["group"]["members"]) == lab["hosts"][1:2]
    assert "gone-esx" in drs.refused("group", **hosts, members=["gone-esx"])
    assert not drs.ok("override", vms=gone, state="absent")["changed"]


def test_ineffective_settings_are_a_warning(drs: Drs) -> None:
    before = drs.observer.cluster.configurationEx.drsConfig
    override = {"vms": VMS[:1], "automation_level": "manual", "check": True}
    try:
        drs.observer.write(drsConfig=make("DrsConfigInfo", enabled=True, enableVmBehaviorOverrides=False))
        assert "vm_overrides" in drs.ok("override", **override)["warnings"][0]
        drs.observer.write(drsConfig=make("DrsConfigInfo", enabled=False, enableVmBehaviorOverrides=True))
        assert "DRS is disabled" in drs.ok("override", **override)["warnings"][0]
    finally:
        drs.observer.write(drsConfig=before)


# -- faults and concurrent changes


def test_the_fault_and_the_requested_change_are_reported(drs: Drs) -> None:
    drs.calls.fault(WRITE, "InvalidArgument")
    result = drs.run("rule", name="r", type="vm_affinity", vms=VMS[:2])
    assert result["failed"]
    assert result["fault"]["type"] == "InvalidArgument"
    assert "create vm_affinity rule r" in result["msg"]


def test_a_busy_cluster_is_retried(drs: Drs) -> None:
    drs.calls.fault(WRITE, "ConcurrentAccess", count=2)
    assert drs.ok("group", name="g", type="vm", members=VMS[:1])["changed"]
    assert drs.calls.methods().count(WRITE) == 3
    assert drs.observer.groups() == {"g": ("vm", VMS[:1])}


def _await_calls(calls: Control, *methods: str) -> None:
    """Wait until these calls have been made, in this order."""
    deadline = time.monotonic() + 60
    while True:
        came = iter(calls.methods())
        if all(method in came for method in methods):
            return
        assert time.monotonic() < deadline, f"no {methods} came: {calls.methods()}"
        time.sleep(0.02)


def test_a_member_that_a_stale_write_removes_is_written_again(patient: Drs) -> None:
    drs = patient
    drs.ok("group", name="g", type="vm", members=VMS[:1])
    stale = drs.observer.group_spec("g")
    stale.info.vm = [*stale.info.vm, drs.observer.vm(VMS[1])]
    drs.calls.forget()
    with ThreadPoolExecutor(1) as pool:
        task = pool.submit(drs.run, "group", name="g", type="vm", members=VMS[2:3])
        _await_calls(drs.calls, WRITE, "RetrievePropertiesEx")  # it reads what it has written
        drs.observer.write(groupSpec=[stale])
        assert drs.observer.groups() == {"g": ("vm", VMS[:2])}
        result = task.result()
    assert not result.get("failed"), result
    assert names(result["group"]["members"]) == VMS[:3]
    assert drs.observer.groups() == {"g": ("vm", VMS[:3])}
    assert drs.calls.methods().count(WRITE) == 3


def test_two_concurrent_changes_of_a_group_keep_all_members(
    drs: Drs, lab: dict[str, Any], connection: dict[str, str]
) -> None:
    drs.ok("group", name="g", type="vm", members=VMS[:1])
    common = {**lab["vcenter"], "cluster": lab["cluster"], "name": "g", "type": "vm"}
    # Delayed writes: each is based on a read that is older than the other write.
    drs.calls.fault(WRITE, delay_seconds=0.8, count=2)
    with ExitStack() as stack:
        processes = [
            stack.enter_context(running("drs_group", {**common, "members": [member]}, connection))
            for member in VMS[1:3]
        ]
        results = [result_of(process) for process in processes]
    assert not any(result.get("failed") for result in results), results
    assert drs.observer.groups() == {"g": ("vm", VMS[:3])}


def test_a_group_that_another_client_creates_first_gets_the_members_of_both(drs: Drs) -> None:
    drs.calls.fault(WRITE, delay_seconds=1.0)
    first = make("VmGroup", name="g", vm=[drs.observer.vm(VMS[1])])
    with ThreadPoolExecutor(1) as pool:
        task = pool.submit(drs.run, "group", name="g", type="vm", members=VMS[:1])
        _await_calls(drs.calls, WRITE)
        drs.observer.write(groupSpec=[make("GroupSpec", operation="add", info=first)])
        result = task.result()
    assert not result.get("failed"), result
    assert drs.observer.groups() == {"g": ("vm", VMS[:2])}


def test_a_client_that_undoes_each_write_is_reported(drs: Drs, monkeypatch: pytest.MonkeyPatch) -> None:
    drs.ok("group", name="g", type="vm", members=VMS[:1])
    undo = drs.observer.group_spec("g")
    # The other client writes while the module pauses.
    monkeypatch.setattr(apply.time, "sleep", lambda _seconds: drs.observer.write(groupSpec=[undo]))
    result = drs.run("group", name="g", type="vm", members=VMS[1:2])
    assert result["failed"]
    assert result["changed"]
    assert "another client" in result["msg"]
