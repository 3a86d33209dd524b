# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run every module with ansible-playbook both ways, as a module's process and as an action: both return the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from devkit.console import ROOT
from tests.support.lab.containers import PREFIX, VmBuilder
from tests.support.lab.control import Control
from tests.support.lab.drive import drive
from tests.support.lab.drs import cluster_with_vms
from tests.support.lab.images import Store
from tests.support.lab.iso import make_iso
from tests.support.lab.playbook import PlaybookRunner, TaskResult, one_way, same, twice
from tests.support.runtime import runtime_package

MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))
IMAGE = "registry.example.com/app:1"
VM_PREFIX = "both-"
VMS = [f"{VM_PREFIX}{number}" for number in range(2)]
NO_CHANGE = {"before": {}, "after": {}}


@dataclass(frozen=True)
class Case:
    """Options of one module: some that change something, some that undo that, and some that are wrong."""

    make: dict[str, Any]
    undo: dict[str, Any]
    wrong: dict[str, Any]
    message: str


@dataclass(frozen=True)
class Look:
    """Options of a module that changes nothing here, and some that are wrong."""

    options: dict[str, Any]
    wrong: dict[str, Any]
    message: str


@dataclass(frozen=True)
class Command:
    """Options of a module that runs a program, which check mode skips, and some that are wrong."""

    options: dict[str, Any]
    wrong: dict[str, Any]
    message: str


@pytest.fixture(scope="module")
def cases(lab: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Case | Look | Command]]:
    """Create a case for each module, and the image and the VMs that they work with."""
    folder = tmp_path_factory.mktemp("both-ways")
    iso = {"src": str(make_iso(folder, "9.9.1"))}
    tiny = {"name": lab["images"]["tiny"], "registry_tls_verify": False, "cache_path": str(folder / "cache")}
    store, builder = Store(lab["vcenter"]), VmBuilder(lab)
    store.clear(lab["datastore"])
    builder.clear(images=True)
    builder.upload_bootstrap()
    builder.make_image(IMAGE, 1, {"Cmd": ["serve"]})
    with cluster_with_vms(lab, len(VMS), VM_PREFIX), runtime_package(folder):
        yield {
            "access": _access_case(lab),
            "bootstrap_image": Case(iso, {**iso, "state": "absent"}, {"src": "/nowhere/b.iso"}, "cannot be read"),
            "container_image": Case(tiny, {**tiny, "state": "absent"}, {**tiny, "name": "A:b:c"}, "is invalid"),
            "container_image_info": Look({}, {"datacenter": "DC9"}, "no datacenter 'DC9'"),
            "container_image_prune": Look({}, {"datacenter": "DC9"}, "no datacenter 'DC9'"),
            **_container_cases(),
            "container_stack": _stack_case(),
            "container_vm_exec": _command_case(lab),
            "container_vm_copy": _copy_case(lab),
            # Created for the cases above.
            "container_vm_logs": Look(
                {"name": f"{PREFIX}run", "guest_key": "key-of-both-ways"},
                {"name": f"{PREFIX}run", "since": "yesterday"},
                "must be a time with its offset",
            ),
            **_drs_cases(lab["cluster"]),
            **_host_cases(lab["hosts"]),
            **_place_cases(lab["cluster"]),
        }
    builder.clear(images=True)
    builder.session.close()
    store.clear(lab["datastore"])
    store.session.close()


def _access_case(lab: dict[str, Any]) -> Case:
    name = f"{VM_PREFIX}role"
    role, place = {"name": name, "preset": "deployer"}, {"object_type": "datastore", "object": lab["datastore"]}
    mine = {"principal": "Administrators@vsphere.local", "group": True, **place}
    return Case(
        {
            "roles": [{**role, "privileges": ["Authorization.ModifyPermissions"]}],
            "permissions": [{**mine, "role": name}],
        },
        {"roles": [{"name": name, "state": "absent"}], "permissions": [{**mine, "state": "absent"}]},
        {"roles": [{**role, "privileges": ["No.Such"]}]},
        "is not a privilege",
    )


def _container_cases() -> dict[str, Case | Look]:
    container = {"name": f"{PREFIX}both", "image": IMAGE, "networks": [{"name": "VM Network"}], "labels": {"a": "b"}}
    wrong = {**container, "networks": [{"name": "nowhere"}]}
    return {
        "container_vm": Case(container, {"name": f"{PREFIX}both", "state": "absent"}, wrong, "nowhere"),
        "container_vm_info": Look({}, {"folder": "nowhere"}, "nowhere"),
        "container_stack_info": Look({}, {"folder": "nowhere"}, "nowhere"),
        "container_set": Case(
            {"project": "both", "containers": [{**container, "name": f"{PREFIX}set", "replicas": 2}]},
            {"project": "both", "state": "absent"},
            {"project": "both", "containers": [wrong]},
            "nowhere",
        ),
    }


def _stack_case() -> Case:
    text = f"name: stack\nservices: {{web: {{image: '{IMAGE}', container_name: {PREFIX}stack}}}}\n"
    project = {"definition": text, "networks": {"*": "VM Network"}}
    return Case(project, {**project, "state": "absent"}, {**project, "networks": {"*": "nowhere"}}, "nowhere")


def _command_case(lab: dict[str, Any]) -> Command:
    container = {"name": f"{PREFIX}run", "guest_key": "key-of-both-ways"}
    made = drive("container_vm", {**lab["vcenter"], **container, "image": IMAGE, "guest_operations": True})
    assert made["changed"], made
    return Command({**container, "argv": ["true"]}, {**container, "argv": []}, "has no program")


def _copy_case(lab: dict[str, Any]) -> Case:
    container = {"name": f"{PREFIX}copy", "guest_key": "key-of-both-ways"}
    made = drive("container_vm", {**lab["vcenter"], **container, "image": IMAGE, "guest_operations": True})
    assert made["changed"], made
    file = {**container, "container_path": "/tmp/file", "content": "one", "mode": "0640"}
    nowhere = {**file, "container_path": "/nowhere/file"}
    return Case(file, {**file, "content": "two"}, nowhere, "/nowhere: no such file or directory")


def _drs_cases(cluster: str) -> dict[str, Case | Look]:
    place = {"cluster": cluster}
    group = {**place, "name": "g", "type": "vm"}
    rule = {**place, "name": "r", "type": "vm_anti_affinity"}
    override = {**place, "vms": VMS[:1]}
    ruleset = {
        "groups": [{"name": "s", "type": "vm", "members": VMS}],
        "overrides": [{"vms": VMS, "automation_level": "manual"}],
    }
    gone = {"groups": [{"name": "s", "state": "absent"}], "overrides": [{"vms": VMS, "state": "absent"}]}
    nowhere, no_cluster = {"cluster": "nowhere"}, "no cluster 'nowhere'"
    return {
        "drs_group": Case(
            {**group, "members": VMS},
            {**place, "name": "g", "state": "absent"},
            {**group, "members": ["no-such-vm"]},
            "no VM",
        ),
        "drs_rule": Case(
            {**rule, "vms": VMS}, {**place, "name": "r", "state": "absent"}, {**rule, "vms": VMS[:1]}, "two VMs"
        ),
        "drs_override": Case(
            {**override, "automation_level": "manual"},
            {**override, "state": "absent"},
            {**override, "cluster": "nowhere", "automation_level": "manual"},
            no_cluster,
        ),
        "drs_ruleset": Case({**place, **ruleset}, {**place, **gone}, {**place, "purge": True}, "purge_prefix"),
        "drs_cluster": Case(
            {**place, "migration_threshold": 5},
            {**place, "migration_threshold": 3},
            {**nowhere, "migration_threshold": 5},
            no_cluster,
        ),
        "drs_recommendation": Look(place, nowhere, no_cluster),
        "drs_compliance_info": Look(place, nowhere, no_cluster),
        "cluster_info": Look(place, nowhere, no_cluster),
        "container_network_info": Look({"name": ["VM Network"]}, {"name": ["nowhere"]}, "no name 'nowhere'"),
    }


def _host_cases(hosts: list[str]) -> dict[str, Case | Look]:
    maintenance = {"host": hosts[2], "evacuation": "explicit"}
    vms = {"vms": VMS[:1]}
    return {
        "host_maintenance": Case(
            maintenance, {"host": hosts[2], "state": "absent"}, {**maintenance, "host": "esx99"}, "esx99"
        ),
        "vm_vmotion": Case(
            {**vms, "host": hosts[1]},
            {**vms, "host": hosts[0]},
            {**vms, "host": hosts[1], "datastore": "nowhere"},
            "no datastore 'nowhere'",
        ),
    }


def _place_cases(cluster: str) -> dict[str, Case | Look]:
    folder, pool = {"path": f"{VM_PREFIX}folder"}, {"path": f"{VM_PREFIX}pool", "cluster": cluster}
    group = {"name": f"{VM_PREFIX}group", "switch": "DSwitch0"}
    network = {"name": f"{VM_PREFIX}network", "switch": "DSwitch0"}
    return {
        "resource_pool": Case(
            {**pool, "cpu": {"reservation": 100}},
            {**pool, "state": "absent"},
            {**pool, "cpu": {"reservation": 100, "limit": 50}},
            "less than its reservation",
        ),
        "container_network": Case(
            {
                **network,
                "ipv4": {"subnet": "10.99.0.0/24", "gateway": "10.99.0.1"},
                "ipv6": {"subnet": "fd00:99::/64"},
            },
            {**network, "state": "absent"},
            {**network, "ipv4": {"subnet": "10.99.0.0"}},
            "The subnet in ipv4",
        ),
        "port_group": Case(
            {**group, "vlan": 7}, {**group, "state": "absent"}, {**group, "switch": "nowhere"}, "no switch 'nowhere'"
        ),
        "vm_folder": Case(
            folder, {**folder, "state": "absent"}, {**folder, "datacenter": "DC9"}, "no datacenter 'DC9'"
        ),
        **_volume_cases(),
    }


def _volume_cases() -> dict[str, Case | Look]:
    volume = {"name": f"{VM_PREFIX}volume", "datastore": "shared0"}
    return {
        "container_volume": Case(
            {**volume, "size": "64M"},
            {"name": volume["name"], "state": "absent", "confirm_data_loss": True},
            {**volume, "size": "1.5K"},
            "a whole number of MiB",
        ),
        "container_volume_info": Look({}, {"datastore": "nowhere"}, "nowhere"),
    }


@pytest.mark.smoke
@pytest.mark.parametrize("module", MODULES)
def test_a_module_returns_the_same_both_ways(
    module: str, cases: dict[str, Case | Look | Command], play: PlaybookRunner, calls: Control
) -> None:
    case, name = cases[module], f"gantry.vsphere.{module}"
    if isinstance(case, Look):
        outcomes = play([*twice({name: case.options}), *twice({name: case.wrong})], way=None, diff=True).outcomes
        found = same(outcomes[:2])
        assert not found.failed, found.msg
        assert not found.changed
        assert_refused(same(outcomes[2:]), case.message)
        assert calls.mutating() == []
        return
    if isinstance(case, Command):
        run = {name: case.options}
        tasks = [*twice({**run, "check_mode": True}), *twice(run), *twice({name: case.wrong})]
        outcomes = play(tasks, way=None, diff=True).outcomes
        skipped, done = same(outcomes[:2]), same(outcomes[2:4])
        assert (skipped.status, skipped.changed) == ("skipped", False)
        assert (done.changed, done["rc"], done["diff"]) == (True, 0, NO_CHANGE)
        assert_refused(same(outcomes[4:]), case.message)
        return
    make = {name: case.make}
    tasks = [
        *twice({**make, "check_mode": True}),
        one_way(make, "module"),
        *twice(make),
        one_way({name: case.undo}, "action"),
        *twice({name: case.wrong}),
    ]
    run = play(tasks, way=None, diff=True).ok()
    predicted, made = same(run.outcomes[:2]), run.outcomes[2]
    assert predicted.changed
    for key in ("changed", "actions", "diff"):
        assert made[key] == predicted[key]
    again, undone = same(run.outcomes[3:5]), run.outcomes[5]
    assert (again["changed"], again["actions"], again["diff"]) == (False, [], NO_CHANGE)
    assert undone.changed
    assert undone["diff"]["before"] != undone["diff"]["after"]
    assert_refused(same(run.outcomes[6:]), case.message)


def assert_refused(outcome: TaskResult, message: str) -> None:
    assert outcome.failed
    assert message in outcome.msg
    assert not outcome.changed
    assert "Traceback" not in str(outcome.result)
