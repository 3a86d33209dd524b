# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test container_vm_info with the lab's vCenter, with the sessions of a module and of an action plugin."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.builders.log_pages import published
from tests.support.lab.containers import PREFIX, VmBuilder, building
from tests.support.lab.control import Control
from tests.support.lab.direct import DirectRunner
from tests.support.lab.playbook import WAYS

INFO = "gantry.vsphere.container_vm_info"
VM = "gantry.vsphere.container_vm"
IMAGE = "registry.example.com/app:1"
BUDGET = 10
WEB, JOB = f"{PREFIX}web", f"{PREFIX}job"
Ask = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def builder(lab: dict[str, Any]) -> Iterator[VmBuilder]:
    """Create an image, a folder and a VM that the collection does not manage, and remove them afterwards."""
    with building(lab) as one:
        one.make_image(IMAGE, 1, {"Cmd": ["serve"]})
        one.create_folder("ct-jobs")
        one.create_vm(f"{PREFIX}foreign", {})
        yield one


@pytest.fixture
def made(builder: VmBuilder, direct: DirectRunner, lab: dict[str, Any]) -> list[dict[str, Any]]:
    """Create two containers and return them as container_vm does, in the order of their paths."""
    common = {"image": IMAGE, "datacenter": lab["datacenter"], "cluster": lab["cluster"]}
    labels = {"project": "shop"}
    run = direct(
        [
            {VM: {**common, "name": WEB, "labels": {**labels, "tier": "front"}, "env": {"PASSWORD": "hunter2"}}},
            {VM: {**common, "name": JOB, "labels": labels, "folder": "ct-jobs", "state": "present"}},
        ]
    ).ok()
    status = {"version": 1, "state": "exited", "exit_code": 3, "health": "none", "restart_count": 2}
    log = published((1, 0, b"it broke \xff\x00\n"))
    builder.set_config(
        builder.vm(JOB).moid, {"guestinfo.gantry.status": json.dumps(status), "guestinfo.gantry.log": log}
    )
    by_name = {outcome["container"]["name"]: outcome["container"] for outcome in run.outcomes}
    ended = {"status": "exited", "exit_code": 3, "restart_count": 2}
    return [{**by_name[JOB], **ended}, by_name[WEB]]


@pytest.fixture
def ask(both_ways: Callable[..., dict[str, Any]], calls: Control) -> Ask:
    """Return a function that runs the module both ways, asserts that nothing changes, and returns the result."""

    def run(**options: Any) -> dict[str, Any]:
        calls.reset()
        result = both_ways({INFO: options})
        assert not result.get("changed")
        assert calls.mutating() == []
        return result

    return run


def names(result: dict[str, Any]) -> list[str]:
    return [container["name"] for container in result["containers"]]


def test_all_containers_are_returned_as_container_vm_returns_them(made: list[dict[str, Any]], ask: Ask) -> None:
    result = ask()
    assert result["containers"] == made
    assert "hunter2" not in json.dumps(result)


def test_containers_are_selected_by_name_label_and_folder(made: list[dict[str, Any]], ask: Ask) -> None:
    assert names(ask(name=[WEB, f"{PREFIX}nothing", f"{PREFIX}foreign"])) == [WEB]
    assert names(ask(labels={"project": "shop", "tier": "front"})) == [WEB]
    assert names(ask(labels={"project": "other"})) == []
    assert names(ask(folder="ct-jobs")) == [JOB]
    assert "nowhere" in ask(folder="nowhere")["msg"]


def test_the_log_is_returned_on_request_whatever_its_bytes(made: list[dict[str, Any]], ask: Ask) -> None:
    job, web = ask(logs=True)["containers"]
    assert job["log"] == "it broke \ufffd\x00\n"
    assert job["exit_code"] == 3
    assert web["log"] is None


def test_the_number_of_requests_is_constant_with_500_vms(
    made: list[dict[str, Any]], direct: DirectRunner, calls: Control
) -> None:
    calls.add_vms(500, f"{PREFIX}idle-")
    for way in WAYS:
        for options in ({}, {"name": [WEB], "logs": True}):
            calls.reset()
            assert direct({INFO: options}, way=way).ok().last["containers"]
            assert len(calls.methods()) <= BUDGET, calls.methods()


def test_the_events_of_a_container_are_returned_in_order(
    made: list[dict[str, Any]], direct: DirectRunner, ask: Ask, lab: dict[str, Any]
) -> None:
    host = next(name for name in lab["hosts"] if name != made[1]["host"])
    direct([{"gantry.vsphere.vm_vmotion": {"vms": [WEB], "host": host}}, {VM: {"name": WEB, "state": "stopped"}}]).ok()
    job, web = ask(names=[WEB, JOB], events=100)["containers"]
    actions = [event["action"] for event in web["events"] if event["action"]]
    assert actions[0] == "created"
    power_and_place = ["started", "moved", "stopped"]
    assert [action for action in actions if action in power_and_place] == power_and_place
    assert "started" not in [event["action"] for event in job["events"]]
    (moved,) = (event for event in web["events"] if event["action"] == "moved")
    assert (moved["source_host"], moved["host"], moved["cause"]) == (made[1]["host"], host, "user")
    assert (moved["type"], moved["user"]) == ("VmMigratedEvent", "least-vm-vmotion@vsphere.local")
    assert WEB in moved["message"]
    (latest,) = ask(name=[WEB], events=2)["containers"]
    assert latest["events"] == web["events"][-2:]
    assert "must be from 0 to 1000" in ask(events=-1)["msg"]


def test_what_running_containers_use_is_returned(
    made: list[dict[str, Any]], ask: Ask, direct: DirectRunner, calls: Control
) -> None:
    for _number in range(4):
        calls.sample()
    # Asked once: the lab also measures by itself, which may be between the results of two ways.
    job, web = direct({INFO: {"usage_minutes": 1}}).ok().last["containers"]
    assert job["usage"] is None
    assert web["usage"]["samples"] == 3
    assert web["usage"]["begin"] <= web["usage"]["end"]
    # A lab that boots nothing measures nothing but what the VM has.
    assert web["usage"]["cpu_mhz"] == {"average": 0, "maximum": 0}
    assert "must be from 0 to 60" in ask(usage_minutes=61)["msg"]


def test_events_and_usage_take_no_request_for_each_other_vm(
    made: list[dict[str, Any]], direct: DirectRunner, calls: Control
) -> None:
    calls.add_vms(500, f"{PREFIX}idle-")
    direct({INFO: {"name": [WEB], "events": 10, "usage_minutes": 5}}).ok()
    calls.forget()
    direct({INFO: {"name": [WEB], "events": 10, "usage_minutes": 5}}).ok()
    assert len(calls.methods()) <= BUDGET, calls.methods()
