# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the blockers of maintenance mode, and the plan if there are none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._maintenance.blockers import evacuation_blockers
from ansible_collections.gantry.vsphere.plugins.module_utils._maintenance.capacity import (
    capacity_blockers,
    overcommitted,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._maintenance.changes import (
    AwaitMaintenance,
    EnterMaintenance,
    LeaveMaintenance,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._maintenance.model import (
    MaintenanceProgress,
    MaintenanceRequest,
    ObservedHost,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._maintenance.plan import plan_maintenance
from ansible_collections.gantry.vsphere.plugins.module_utils._maintenance.report import evacuated_report
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.blockers import Blocker
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.model import (
    DeviceFacts,
    FailoverReserve,
    PlacementView,
    VmDemand,
    VmFacts,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.target import MoveTarget
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.model import ObservedMoves
from tests.support.builders.placement_views import host, view, vm

ENTER = MaintenanceRequest("esx1")
EXPLICIT = replace(ENTER, evacuation="explicit")
LEAVE = replace(ENTER, present=False)


def observed(*vms: VmFacts, maintenance: bool = False, **changes: Any) -> ObservedHost:
    here = view(host(1, maintenance=maintenance), host(2), host(3))
    targets = {one.moid: MoveTarget(host="h2") for one in vms}
    return replace(ObservedHost("h1", "/DC0/host/C0/esx1", "C0", ObservedMoves(vms, here, here, targets)), **changes)


def test_drs_evacuates_while_the_host_enters() -> None:
    plan = plan_maintenance(ENTER, observed(vm()))
    assert plan.changes == (EnterMaintenance("esx1", ("/DC0/vm/web",)),)
    assert plan.diff()["after"]["vms"] == {"/DC0/vm/web": {"host": "(a host that DRS chooses)"}}


def test_explicit_moves_come_before_the_host_enters() -> None:
    plan = plan_maintenance(EXPLICIT, observed(vm("a"), vm("b")))
    assert plan.actions() == [
        "move a to esx2 (live)",
        "move b to esx2 (live)",
        "put esx1 into maintenance mode",
    ]


@pytest.mark.parametrize(("desired", "to"), [(ENTER, None), (EXPLICIT, "esx2")])
def test_the_hosts_that_drs_will_choose_are_not_predicted(desired: MaintenanceRequest, to: str | None) -> None:
    seen = observed(vm())
    after = plan_maintenance(desired, seen).project(seen)
    assert after.maintenance
    assert [one["to"] for one in evacuated_report(after)] == [to]
    assert not plan_maintenance(desired, after).changed


@pytest.mark.parametrize(("desired", "maintenance"), [(ENTER, True), (LEAVE, False)])
def test_there_is_nothing_to_do_in_the_desired_state(desired: MaintenanceRequest, maintenance: bool) -> None:
    assert not plan_maintenance(desired, observed(maintenance=maintenance)).changed


def test_a_host_leaves() -> None:
    seen = observed(maintenance=True)
    plan = plan_maintenance(LEAVE, seen)
    assert plan.changes == (LeaveMaintenance("esx1"),)
    assert not plan_maintenance(LEAVE, plan.project(seen)).changed


def test_a_running_change_is_waited_for() -> None:
    entering = observed(vm(), in_progress=MaintenanceProgress("task-1", entering=True))
    assert plan_maintenance(ENTER, entering).changes == (AwaitMaintenance("esx1", "task-1", entering=True),)
    # VMs that DRS does not move away must be moved, or the task never ends.
    assert len(plan_maintenance(EXPLICIT, entering).changes) == 2
    leaving = observed(maintenance=True, in_progress=MaintenanceProgress("task-2", entering=False))
    assert plan_maintenance(LEAVE, leaving).changes == (AwaitMaintenance("esx1", "task-2", entering=False),)
    for desired, seen in ((LEAVE, entering), (ENTER, leaving)):
        with pytest.raises(GantryError, match=r"is (entering|leaving) maintenance mode"):
            plan_maintenance(desired, seen)


def test_a_blocker_is_an_error_unless_the_task_only_reports() -> None:
    blocker = Blocker(None, "capacity", "cause.", "remedy.", "esx1")
    seen = observed(vm(), blockers=(blocker,))
    with pytest.raises(GantryError, match=r"esx1: cause\. remedy\.") as caught:
        plan_maintenance(ENTER, seen)
    assert caught.value.details["blockers"] == [blocker.as_result()]
    assert not plan_maintenance(replace(ENTER, precheck="report"), seen).changed


# -- blockers


def blocked(here: PlacementView, *vms: VmFacts, desired: MaintenanceRequest = ENTER) -> list[tuple[str | None, str]]:
    found = evacuation_blockers(desired, here.hosts["h1"], here.clusters["c0"], vms, here)
    return [(one.vm, one.code) for one in found]


def test_drs_must_be_on_and_fully_automated() -> None:
    assert blocked(view(), vm()) == []
    assert blocked(view(c0={"drs": False}), vm()) == [(None, "drs_disabled")]
    manual = view(c0={"automation": "manual", "overrides": {"vm-a": "fullyAutomated"}})
    assert blocked(manual, vm("a"), vm("b")) == [("/DC0/vm/b", "drs_disabled")]
    assert blocked(view(c0={"overrides": {"vm-a": "disabled"}}), vm("a")) == [("/DC0/vm/a", "drs_disabled")]
    assert blocked(view(c0={"drs": False}), vm(), desired=EXPLICIT) == []
    assert blocked(view(c0={"drs": False})) == []


def test_vms_that_no_other_host_can_run_are_reported() -> None:
    serial = vm("s", devices=(DeviceFacts("serial_connected", "Serial port 1, which leads out of the VM,"),))
    local = vm("l", home="local1", disks=())
    assert blocked(view(), serial, local, vm()) == [
        ("/DC0/vm/s", "serial_connected"),
        ("/DC0/vm/l", "datastore_not_shared"),
    ]
    # One host that can run it is sufficient.
    seeing = view(host(1), host(2), host(3, datastores=frozenset({"local1", "ds0", "ds1"})))
    assert blocked(seeing, local) == []


def capacity(here: PlacementView, *reserved_mb: int, mhz: int = 0) -> list[str]:
    demands = [VmDemand("h1", mb, mhz, mb) for mb in reserved_mb]
    return [one.code for one in capacity_blockers(here, here.clusters["c0"], here.hosts["h1"], demands)]


def test_other_usable_hosts_are_required() -> None:
    assert capacity(view(host(1), host(2, maintenance=True)), 0) == ["not_enough_hosts"]
    assert capacity(view(host(1), host(2, "c1")), 0) == ["not_enough_hosts"]
    assert capacity(view(), 0) == []


def test_reservations_must_fit_on_the_other_hosts() -> None:
    assert capacity(view(), 4096, 4096) == []
    assert capacity(view(), 4096, 4097) == ["capacity"]
    assert capacity(view(), 1, mhz=16001) == ["capacity"]


@pytest.mark.parametrize(
    ("admission", "fits", "too_much"),
    [
        (FailoverReserve(failures=1), 4096, 4097),
        (FailoverReserve(memory_percent=25, cpu_percent=25), 6144, 6145),
        (FailoverReserve(failover_hosts=frozenset({"h3"})), 4096, 4097),
    ],
)
def test_the_capacity_that_ha_reserves_is_not_used(admission: FailoverReserve, fits: int, too_much: int) -> None:
    here = view(c0={"admission": admission})
    assert capacity(here, fits) == []
    assert capacity(here, too_much) == ["capacity"]


def test_ha_must_still_tolerate_its_host_failures() -> None:
    assert capacity(view(c0={"admission": FailoverReserve(failures=2)}), 0) == ["capacity"]


def test_vms_that_may_have_to_swap_are_a_warning() -> None:
    here = view()
    demands = [VmDemand("h1", 0, 0, 5000), VmDemand("h2", 0, 0, 5000)]
    text = overcommitted(here, here.clusters["c0"], here.hosts["h1"], demands)
    assert text is not None
    assert "8192 MiB" in text
    assert "10000 MiB" in text
    assert overcommitted(here, here.clusters["c0"], here.hosts["h1"], demands[:1]) is None
