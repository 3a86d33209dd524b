# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test plans of moves: VMs in place do not move, running migrations are waited for, and one blocker stops all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.blockers import Blocker
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.model import (
    MoveInFlight,
    PlacementView,
    VmFacts,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.target import DiskTarget, MoveTarget
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.changes import AwaitMove, MoveVm
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.desire import desire_vmotion
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.limits import claims_of
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.model import (
    MoveOutcome,
    ObservedMoves,
    VmotionRequest,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.operation import VmVmotion
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.plan import move_of, plan_moves
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.report import vms_report
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.resolve import ResolvedDestination
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.target import target_of
from tests.support.builders.placement_views import places, view, views, vm, vms

CONNECTION = {"hostname": "vc.example.com", "username": "u", "password": "p"}
AWAY = {"hostname": "vc2.example.com", "username": "u", "password": "p", "host": "h"}


def request(**options: Any) -> VmotionRequest:
    checked = ArgumentSpecValidator(dict(VmVmotion.argument_spec)).validate({**CONNECTION, "vms": ["web"], **options})
    if checked.error_messages:
        raise GantryError(checked.error_messages[0])
    return desire_vmotion(checked.validated_parameters)


def observed(here: PlacementView, where: ResolvedDestination, *machines: VmFacts, **changes: Any) -> ObservedMoves:
    targets = {}
    for one in machines:
        target, _ = target_of(one, where, here, here)
        hosts = [host.moid for host in here.hosts_of(target.choose_in or "")]
        targets[one.moid] = replace(target, host=hosts[0], choose_in=None) if hosts else target
    return replace(ObservedMoves(tuple(machines), here, here, targets), **changes)


@given(st.data())
def test_a_second_plan_is_empty(data: st.DataObject) -> None:
    here = data.draw(views())
    where = data.draw(places(here))
    machines = [replace(data.draw(vms(here)), moid=f"vm-{n}", path=f"/DC0/vm/{n}") for n in range(3)]
    before = observed(here, where, *machines)
    plan = plan_moves(VmotionRequest((), None, request(host="h").place), before)
    moved = {
        change.vm.moid: change.target.applied_to(change.vm) for change in plan.changes if isinstance(change, MoveVm)
    }
    after = observed(here, where, *(moved.get(one.moid, one) for one in machines))
    assert not plan_moves(request(host="h"), after).changed
    # The prediction for each VM is its placement afterwards.
    for entry, one in zip(vms_report(plan.project(before)), vms_report(after), strict=True):
        assert entry["to"] == one["from"]
        assert entry["status"] == ("moved" if entry["moid"] in moved else "in_place")
        assert bool(entry["what"]) is (entry["moid"] in moved)


def test_a_plan_describes_its_moves() -> None:
    plan = plan_moves(request(host="h"), observed(view(), ResolvedDestination(host="h2", cluster="c0"), vm()))
    assert plan.actions() == ["move web to esx2 (live)"]
    assert plan.diff() == {
        "before": {"vms": {"/DC0/vm/web": {"host": "esx1"}}},
        "after": {"vms": {"/DC0/vm/web": {"host": "esx2"}}},
    }


def test_a_storage_move_describes_its_datastores() -> None:
    plan = plan_moves(request(host="h"), observed(view(), ResolvedDestination(datastore="ds1"), vm(power="off")))
    assert plan.actions() == ["move web on ds1 (cold)"]


def test_a_running_move_is_waited_for_and_not_started_again() -> None:
    one = vm(in_flight=MoveInFlight("task-7", 40))
    plan = plan_moves(request(host="h"), observed(view(), ResolvedDestination(host="h2", cluster="c0"), one))
    assert plan.changes == (AwaitMove(one, "task-7"),)
    assert "task-7" in plan.actions()[0]


def test_one_blocker_stops_all() -> None:
    blocker = Blocker("/DC0/vm/a", "evc", "cause.", "remedy.")
    seen = observed(view(), ResolvedDestination(host="h2", cluster="c0"), vm("a"), vm("b"), blockers=(blocker,))
    with pytest.raises(GantryError, match=r"One VM of 2 cannot be moved\..*Nothing was moved\.") as caught:
        plan_moves(request(host="h"), seen)
    assert caught.value.details["blockers"] == [blocker.as_result()]
    assert [one["status"] for one in caught.value.details["vms"]] == ["blocked", "movable"]
    assert not plan_moves(request(host="h", precheck="report"), seen).changed


def test_the_report_has_the_outcome_of_each_vm() -> None:
    outcomes = {
        "vm-a": MoveOutcome("moved", 1.5),
        "vm-b": MoveOutcome("failed", fault={"type": "NoDiskSpace", "message": "full"}, message="Cannot move b"),
        "vm-c": MoveOutcome("not_started", message="c: not started"),
    }
    seen = observed(
        view(),
        ResolvedDestination(host="h2", cluster="c0"),
        vm("a"),
        vm("b"),
        vm("c"),
        vm("d", "h2"),
        outcomes=outcomes,
    )
    entries = {one["name"]: one for one in vms_report(seen)}
    assert [entries[name]["status"] for name in "abcd"] == ["moved", "failed", "not_started", "in_place"]
    assert entries["a"]["to"]["host"] == "esx2"
    # Its destination; its status says that it is not there.
    assert entries["b"]["to"]["host"] == entries["c"]["to"]["host"] == "esx2"
    assert entries["b"]["fault"]["type"] == "NoDiskSpace"


@pytest.mark.parametrize(
    ("target", "power", "host_cost", "store_cost"),
    [
        (MoveTarget(host="h2"), "on", 1, 1),
        (MoveTarget(home="ds1", disks={2000: DiskTarget("ds1")}), "on", 4, 16),
        (MoveTarget(host="h2", home="ds1"), "off", 1, 16),
    ],
)
def test_a_move_claims_the_costs_that_vcenter_counts(
    target: MoveTarget, power: Any, host_cost: int, store_cost: int
) -> None:
    seen = replace(observed(view(), ResolvedDestination(), vm(power=power)), targets={"vm-web": target})
    claims = {claim.resource: (claim.amount, claim.limit) for claim in claims_of(move_of(vm(power=power), seen))}
    assert claims["host h1"] == (host_cost, 8)
    assert claims["datastore ds0"] == (store_cost, 128)
    assert ("host h2" in claims) is (target.host is not None)
    assert ("datastore ds1" in claims) is (target.home is not None)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "No destination is given"),
        ({"vms": [], "host": "h"}, "vms is empty"),
        ({"host": "h", "timeout": 0}, "timeout must be more"),
        ({"datastore": "a", "datastore_cluster": "b"}, "mutually exclusive"),
        ({"disks": [{"label": "Hard disk 1", "provisioning": "thin"}]}, "no datastore"),
        ({"disks": [{"label": "a", "datastore": "b"}, {"label": "a", "datastore": "c"}]}, "twice"),
        ({"host": "h", "network_mapping": {"a": 1}}, "not a string"),
        ({"host": "h", "destination_vcenter": AWAY}, "mutually exclusive"),
        ({"destination_vcenter": {**AWAY, "host": None}}, "requires a host or a cluster"),
        ({"destination_vcenter": {**AWAY, "thumbprint": "ab:cd"}}, "thumbprint in destination_vcenter is not valid"),
        ({"destination_vcenter": {**AWAY, "validate_certs": False}}, "validate_certs false and no thumbprint"),
    ],
)
def test_invalid_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(GantryError, match=message):
        request(**options)


def test_a_destination_is_verified_by_its_thumbprint() -> None:
    pinned = request(destination_vcenter={**AWAY, "thumbprint": "AB:" * 31 + "AB", "validate_certs": False}).destination
    assert pinned is not None
    assert pinned.thumbprint == "ab" * 32
