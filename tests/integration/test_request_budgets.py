# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the number of requests of tasks with nothing to do, and of a program, in an inventory with 500 other VMs.

This is a separate file that runs late, because the lab's vCenter is slower afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.support.lab.control import Control
from tests.support.lab.drive import drive
from tests.support.lab.images import Store
from tests.support.lab.iso import make_iso
from tests.support.lab.playbook import PlaybookRunner, Way
from tests.support.runtime import runtime_package

OTHERS = 500
BUDGET = 10
# It looks at images and volumes, too.
STACK_BUDGET = 20


@pytest.fixture(scope="module")
def tasks(lab: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """Return modules and options whose desired state already exists."""
    Control(lab["control"]).add_vms(OTHERS, "idle-")
    cache = tmp_path_factory.mktemp("images")
    store = Store(lab["vcenter"])
    store.clear(lab["datastore"])
    iso = {"src": str(make_iso(tmp_path_factory.mktemp("iso"), "9.9.1"))}
    tiny = {"name": lab["images"]["tiny"], "registry_tls_verify": False, "cache_path": str(cache)}
    folder, pool = {"path": "budget/web"}, {"path": "budget", "cpu": {"shares": "high"}}
    group = {"name": "budget", "switch": "DSwitch0", "vlan": 9}
    volume = {"name": "budget/data", "size": "64M", "datastore": lab["datastore"]}
    network = {"name": "budget-net", "switch": "DSwitch0", "ipv4": {"subnet": "10.98.0.0/24"}}
    objects = (
        ("vm_folder", folder),
        ("resource_pool", pool),
        ("port_group", group),
        ("container_network", network),
        ("container_volume", volume),
    )
    role = {"name": "ReadOnly", "privileges": []}
    mine = {"principal": "Administrators@vsphere.local", "group": True, "object_type": "cluster"}
    access = {"roles": [role], "permissions": [{**mine, "state": "absent"}]}
    for module, options in (("bootstrap_image", iso), ("container_image", tiny), *objects):
        result = drive(module, {**lab["vcenter"], **options})
        assert "failed" not in result, result
    yield [
        ("access", access),
        ("access", {"roles": [{"name": "none", "state": "absent"}]}),
        ("bootstrap_image", iso),
        ("bootstrap_image", {"version": "0.0.0", "state": "absent"}),
        ("container_image", tiny),
        ("container_image", {**tiny, "pull": "always"}),
        ("container_image", {**tiny, "name": "example.com/unknown:1", "state": "absent"}),
        ("container_image_info", {}),
        ("container_image_info", {"name": lab["images"]["tiny"]}),
        ("container_image_prune", {}),
        ("container_image_prune", {"dangling": False, "older_than": "1h", "cache_path": str(cache)}),
        ("cluster_info", {}),
        ("resource_pool", pool),
        ("resource_pool", {"path": "budget/none", "state": "absent"}),
        ("port_group", group),
        ("port_group", {**group, "name": "none", "state": "absent"}),
        ("port_group", {"name": "none", "type": "standard", "switch": "vSwitch0", "state": "absent"}),
        ("container_network", network),
        ("container_network", {**network, "name": "none", "state": "absent"}),
        ("container_network_info", {}),
        ("container_stack_info", {}),
        ("vm_folder", folder),
        ("vm_folder", {"path": "budget/db", "state": "absent"}),
        ("container_volume", volume),
        ("container_volume", {"name": "budget/none", "state": "absent"}),
        ("container_volume_info", {}),
    ]
    for module, options in objects:
        named = {"name": options["name"], "confirm_data_loss": True} if module == "container_volume" else options
        drive(module, {**lab["vcenter"], **named, "state": "absent"})
    store.clear(lab["datastore"])
    store.session.close()


def test_a_task_with_nothing_to_do_stays_below_its_budget(
    lab: dict[str, Any], tasks: list[tuple[str, dict[str, Any]]], calls: Control
) -> None:
    """Check it as a module, including login and logout."""
    _nothing_to_do(lab, calls, tasks)


def _nothing_to_do(
    lab: dict[str, Any], calls: Control, tasks: list[tuple[str, dict[str, Any]]], budget: int = BUDGET
) -> None:
    for module, options in tasks:
        calls.forget()
        result = drive(module, {**lab["vcenter"], **options})
        assert not result["changed"], (module, options, result)
        assert "failed" not in result, (module, options, result)
        assert len(calls.methods()) <= budget, (module, options, calls.methods())
        assert calls.mutating() == [], (module, options)


def test_ansible_adds_no_requests(
    play: PlaybookRunner, way: Way, tasks: list[tuple[str, dict[str, Any]]], calls: Control
) -> None:
    played = play([{f"gantry.vsphere.{module}": options} for module, options in tasks], way=way).ok()
    assert not any(outcome.changed for outcome in played.outcomes)
    assert len(calls.methods()) <= BUDGET * len(tasks)
    if way == "action":
        # All tasks share one session: one login and no logout.
        assert calls.methods().count("Login") == 1


def _asked_once(calls: Control) -> list[str]:
    """Return the calls, with one question for each program: the longer it runs, the more are asked."""
    methods = calls.methods()
    return [
        method
        for previous, method in pairwise(["", *methods])
        if (previous, method) != ("ListProcessesInGuest", "ListProcessesInGuest")
    ]


def test_a_program_in_a_container_stays_below_the_budget(
    lab: dict[str, Any], tasks: list[tuple[str, dict[str, Any]]], calls: Control
) -> None:
    container = {**lab["vcenter"], "name": "budget-run"}
    key = {"guest_key": "key-of-the-budgets"}
    made = drive("container_vm", {**container, **key, "image": lab["images"]["tiny"], "guest_operations": True})
    assert "failed" not in made, made
    calls.forget()
    result = drive("container_vm_exec", {**container, **key, "argv": ["true"]})
    assert (result["changed"], result.get("rc")) == (True, 0), result
    assert len(_asked_once(calls)) <= BUDGET, calls.methods()
    calls.forget()
    result = drive("container_vm_logs", {**container, **key})
    assert [log["lines"] for log in result["logs"]] == [[]]
    assert len(_asked_once(calls)) <= BUDGET, calls.methods()
    copy = {**container, **key, "container_path": "/tmp/file", "content": "x", "mode": "0600"}
    for changed, budget in ((True, BUDGET + 5), (False, BUDGET)):
        calls.forget()
        result = drive("container_vm_copy", copy)
        assert result["changed"] is changed, result
        assert len(_asked_once(calls)) <= budget, calls.methods()
    drive("container_vm", {**container, "state": "absent"})


def test_containers_with_volumes_and_names_stay_below_the_budget(
    lab: dict[str, Any], tasks: list[tuple[str, dict[str, Any]]], calls: Control
) -> None:
    """Two volumes and an alias each for one container, and for all containers of a set, which find each other."""
    numbers = range(6)
    names = [f"budget/{kind}-{number}" for number in numbers for kind in ("data", "log")]
    volumes = {"volumes": [{"name": name, "size": "64M", "datastore": lab["datastore"]} for name in names]}
    image = {"image": lab["images"]["tiny"]}
    alone, *several = (
        {
            "name": f"budget-{number}",
            "volumes": [f"budget/data-{number}:/data", f"budget/log-{number}:/log:ro"],
            "networks": [{"name": "VM Network", "aliases": [f"alias-{number}"]}],
        }
        for number in numbers
    )
    project = {"project": "budget", "defaults": image, "containers": several}
    steps = [("container_volume", volumes), ("container_vm", {**image, **alone}), ("container_set", project)]
    for module, options in steps:
        made = drive(module, {**lab["vcenter"], **options})
        assert (made["changed"], "failed" in made) == (True, False), made
    used = drive("container_volume_info", {**lab["vcenter"], "name": names})["volumes"]
    assert [len(volume["attached_to"]) for volume in used] == [1] * len(names)
    _nothing_to_do(lab, calls, [*steps, ("container_volume_info", {"name": names})])
    gone = [
        ("container_vm", {"name": alone["name"], "state": "absent"}),
        ("container_set", {**project, "state": "absent"}),
        (
            "container_volume",
            {"volumes": [{"name": name} for name in names], "state": "absent", "confirm_data_loss": True},
        ),
    ]
    for module, options in gone:
        assert drive(module, {**lab["vcenter"], **options})["changed"]
    _nothing_to_do(lab, calls, gone)


def test_a_stack_stays_below_its_budget(
    lab: dict[str, Any], tasks: list[tuple[str, dict[str, Any]]], calls: Control, tmp_path: Path
) -> None:
    """Two services with several replicas and a volume each, whatever else is in the inventory."""
    image = {"image": lab["images"]["tiny"]}
    services = {
        "web": {**image, "depends_on": ["db"], "deploy": {"replicas": 4}},
        "db": {**image, "volumes": ["data:/data", "log:/log"]},
    }
    project = {"name": "budget-stack", "services": services, "volumes": {"data": {}, "log": {}}}
    options = {"definition": json.dumps(project), "networks": {"*": "VM Network"}, "volume_size": "64M"}
    with runtime_package(tmp_path):
        made = drive("container_stack", {**lab["vcenter"], **options})
        assert "failed" not in made, made
        _nothing_to_do(lab, calls, [("container_stack", options)], STACK_BUDGET)
        gone = {**options, "state": "absent"}
        assert drive("container_stack", {**lab["vcenter"], **gone})["changed"]
        _nothing_to_do(lab, calls, [("container_stack", gone)])
    volumes = [{"name": f"budget-stack_{name}"} for name in ("data", "log")]
    drive("container_volume", {**lab["vcenter"], "volumes": volumes, "state": "absent", "confirm_data_loss": True})
