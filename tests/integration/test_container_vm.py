# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""container_vm against the lab's vCenter, with the sessions of a module and of an action, with nothing booted."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import vim
from tests.support.lab.containers import PREFIX, SUCCESSOR, Vm, VmBuilder, building
from tests.support.lab.control import Control
from tests.support.lab.direct import DirectRunner
from tests.support.lab.drive import drive
from tests.support.lab.playbook import PlaybookRunner, TaskResult, Way

MODULE = "gantry.vsphere.container_vm"
NAME = f"{PREFIX}web"
FIRST = "registry.example.com/app:1"
SECOND = "registry.example.com/app:2"
CHECKED = "registry.example.com/checked:1"
BUDGET = 10
NETWORK = "VM Network"

Step = dict[str, Any]


@pytest.fixture(scope="module")
def builder(lab: dict[str, Any]) -> Iterator[VmBuilder]:
    """Three images and an ISO; all is cleared away afterwards."""
    with building(lab) as one:
        one.make_image(FIRST, 1, {"Cmd": ["serve"], "Env": ["PATH=/bin", "COLOUR=red"]})
        one.make_image(SECOND, 3, {"Cmd": ["serve", "more"]})
        one.make_image(CHECKED, 5, {"Cmd": ["serve"], "Healthcheck": {"Test": ["CMD", "true"]}})
        yield one


def options(lab: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Return the options of a task; ``image=None`` is a task that manages only the state."""
    common = {
        "name": NAME,
        "datacenter": lab["datacenter"],
        "cluster": lab["cluster"],
        "networks": [{"name": NETWORK}],
        "image": FIRST,
        "wait_timeout": 60,
    }
    merged = {**common, **more}
    if merged["image"] is None:
        del merged["networks"]
    return {key: value for key, value in merged.items() if value is not None}


@dataclass(frozen=True)
class Containers:
    """The module in one of its ways, and what the tests see of vCenter."""

    runner: DirectRunner
    way: Way
    builder: VmBuilder
    calls: Control

    def play(self, *steps: Step, check: bool = False, diff: bool = True) -> list[TaskResult]:
        """Run a task for each step. What was called before is forgotten."""
        self.calls.forget()
        tasks = [{MODULE: options(self.builder.lab, **step), "ignore_errors": True} for step in steps]
        outcomes = list(self.runner(tasks, way=self.way, check=check, diff=diff).outcomes)
        assert len(outcomes) == len(steps)
        return outcomes

    def run(self, *steps: Step, check: bool = False) -> list[TaskResult]:
        """As play; all must succeed."""
        outcomes = self.play(*steps, check=check)
        for step, outcome in zip(steps, outcomes, strict=True):
            assert outcome.status == "ok", (step, outcome.msg)
        return outcomes

    def refuse(self, *steps: Step) -> list[str]:
        """As play; all must fail with a message of their own and change nothing. The messages."""
        outcomes = self.play(*steps)
        for step, outcome in zip(steps, outcomes, strict=True):
            assert outcome.failed, step
            assert not outcome.changed, (step, outcome.msg)
            assert "Traceback" not in str(outcome.result), (step, outcome.msg)
            assert "defect" not in outcome.msg, (step, outcome.msg)
        assert self.calls.mutating() == []
        return [outcome.msg for outcome in outcomes]

    def vm(self, name: str = NAME) -> Vm:
        return self.builder.vm(name)

    def leave_successor(self, moid: str) -> None:
        """Make of a container that is off what a run leaves that is killed after the clone."""
        self.builder.set_config(moid, {"gantry.kind": "successor"})
        self.builder.rename(moid, NAME + SUCCESSOR)


@pytest.fixture
def containers(direct: DirectRunner, way: Way, builder: VmBuilder, calls: Control) -> Iterator[Containers]:
    yield Containers(direct, way, builder, calls)
    builder.clear()


@pytest.fixture
def other_network(lab: dict[str, Any]) -> str:
    return next(name for name in lab["networks"] if name != NETWORK)


# -- creating, and leaving alone


def test_a_container_is_created_and_started_and_then_left_alone(containers: Containers) -> None:
    step = {"env": {"GREETING": "hi"}, "labels": {"tier": "front"}, "notes": "ours"}
    (first,) = containers.run(step)
    assert first.changed
    assert first["actions"] == [f"create {NAME} from {FIRST}", f"start {NAME}"]
    container = first["container"]
    assert (container["state"], container["status"], container["image"]) == ("running", "running", FIRST)
    assert container["labels"] == {"tier": "front"}
    assert container["ip_addresses"]
    vm = containers.vm()
    assert vm.power == "poweredOn"
    assert (vm.moid, vm.path) == (container["moid"], container["path"])
    assert vm.config["gantry.kind"] == "container"
    assert vm.config["gantry.id"] == container["id"] == vm.spec["id"]
    (second,) = containers.run(step)
    assert not second.changed
    assert second["actions"] == []
    assert second["diff"] == {"before": {}, "after": {}}
    assert second["container"] == container
    assert containers.calls.mutating() == []
    assert len(containers.calls.methods()) <= BUDGET, containers.calls.methods()


def test_the_vm_is_what_the_contract_says(containers: Containers) -> None:
    containers.run(
        {
            "env": {"GREETING": "hi"},
            "memory": "128M",
            "cpus": 2,
            "scratch_size": "1G",
            "networks": [{"name": NETWORK, "mac_address": "00:50:56:00:00:01"}],
        }
    )
    vm = containers.vm()
    assert (vm.memory_mb, vm.cpus) == (128, 2)
    (controller,) = vm.of_kind(vim.vm.device.VirtualSCSIController)
    assert isinstance(controller, vim.vm.device.ParaVirtualSCSIController)
    disks = {disk.unitNumber: disk for disk in vm.of_kind(vim.vm.device.VirtualDisk)}
    assert disks.keys() == {0, 1}
    assert disks[1].capacityInKB == 1 << 20
    assert disks[1].backing.thinProvisioned
    (adapter,) = vm.of_kind(vim.vm.device.VirtualEthernetCard)
    assert isinstance(adapter, vim.vm.device.VirtualVmxnet3)
    assert adapter.macAddress == "00:50:56:00:00:01"
    (drive,) = vm.of_kind(vim.vm.device.VirtualCdrom)
    assert drive.backing.fileName.endswith(".iso")
    assert drive.connectable.startConnected
    assert vm.of_kind(vim.vm.device.VirtualSerialPort) == []
    assert vm.spec["process"]["args"] == ["serve"]
    assert vm.spec["process"]["env"] == ["PATH=/bin", f"HOSTNAME={NAME}", "COLOUR=red", "GREETING=hi"]
    assert vm.spec["networks"] == [{"mac": "00:50:56:00:00:01", "dhcp": True}]
    assert vm.spec["root"]["scratch"] == {"unit": 1}
    assert json.loads(vm.config["gantry.config"])["env"] == {"GREETING": "hi"}
    assert "gantry.image.references" not in {key for key, value in vm.config.items() if value}


def test_several_adapters_are_named_by_their_macs(containers: Containers, other_network: str) -> None:
    step = {"networks": [{"name": NETWORK}, {"name": other_network, "ipv4_address": "10.9.9.9/24"}]}
    _first, second = containers.run(step, step)
    vm = containers.vm()
    adapters = sorted(vm.of_kind(vim.vm.device.VirtualEthernetCard), key=lambda card: card.key)
    assert [entry["mac"] for entry in vm.spec["networks"]] == [card.macAddress for card in adapters]
    assert len({card.macAddress for card in adapters}) == 2
    assert not second.changed


def test_present_does_not_start_and_leaves_running_what_runs(containers: Containers) -> None:
    created, started, left = containers.run({"state": "present"}, {"state": "started"}, {"state": "present"})
    assert (created["container"]["state"], created["container"]["status"]) == ("stopped", "created")
    assert started["container"]["state"] == "running"
    assert not left.changed
    assert left["container"]["state"] == "running"


def test_healthy_waits_for_the_health_check(containers: Containers) -> None:
    step = {"state": "healthy", "image": CHECKED}
    first, second, refused = containers.play(step, step, {**step, "healthcheck": {"test": "NONE"}})
    assert first["container"]["health"] == "healthy"
    assert not second.changed
    assert refused.failed
    assert "no health check" in refused.msg


# -- check mode and diff

# What is wanted, and after what.
CHANGES: dict[str, tuple[Step, Step | None]] = {
    "create": ({}, None),
    "environment": ({"env": {"A": "new"}}, {"env": {"A": "old"}}),
    "labels": ({"labels": {"a": "b"}}, {}),
    "image": ({"image": SECOND}, {}),
    "memory": ({"memory": "512M"}, {}),
    "stop": ({"state": "stopped"}, {}),
    "start": ({"state": "started"}, {"state": "present"}),
    "absent": ({"state": "absent"}, {}),
}


def test_check_mode_predicts_what_a_run_does_and_touches_nothing(containers: Containers) -> None:
    wanted = [{"name": f"{PREFIX}{case}", **after} for case, (after, _before) in CHANGES.items()]
    containers.run(*({"name": f"{PREFIX}{case}", **one} for case, (_, one) in CHANGES.items() if one is not None))
    predicted = containers.run(*wanted, check=True)
    assert containers.calls.mutating() == []
    made = containers.run(*wanted)
    for case, guess, done in zip(CHANGES, predicted, made, strict=True):
        assert guess.changed, case
        for key in ("changed", "actions", "diff"):
            assert guess[key] == done[key], (case, key)
        assert done["diff"]["before"] != done["diff"]["after"], case
        if done["container"] is None:
            assert guess["container"] is None, case
            continue
        same = ("name", "image", "image_digest", "state", "labels", "memory", "cpus", "path", "datastore", "hostname")
        for key in same:
            assert guess["container"][key] == done["container"][key], (case, key)
    assert not any(outcome.changed for outcome in containers.run(*wanted, check=True))


def test_a_diff_says_that_a_variable_changes_and_not_what_it_is(containers: Containers) -> None:
    created, changed = containers.run({"env": {"PASSWORD": "hunter2"}}, {"env": {"PASSWORD": "hunter3"}})
    assert "PASSWORD" in changed["diff"]["after"][NAME]["env"]
    for outcome in (created, changed):
        shown = json.dumps({key: value for key, value in outcome.result.items() if key != "invocation"})
        assert "hunter" not in shown


# -- changing


def test_what_takes_effect_at_a_start_is_changed_in_place(containers: Containers) -> None:
    step = {"env": {"A": "b"}, "memory": "512M", "command": ["other"]}
    before, changed, again = containers.run({}, step, step)
    assert changed["actions"] == [f"stop {NAME}", f"reconfigure {NAME}: command, env, memory", f"start {NAME}"]
    assert not again.changed
    vm = containers.vm()
    assert (vm.moid, vm.config["gantry.id"]) == (before["container"]["moid"], before["container"]["id"])
    assert vm.memory_mb == 512
    assert vm.spec["process"]["args"] == ["other"]
    assert "A=b" in vm.spec["process"]["env"]
    assert vm.power == "poweredOn"


def test_another_restart_policy_is_followed_while_it_runs_and_survives_the_loss_of_guestinfo(
    containers: Containers,
) -> None:
    step = {"restart_policy": "on-failure", "restart_retries": 3}
    (created,) = containers.run({})
    (predicted,) = containers.run(step, check=True)
    assert containers.calls.mutating() == []
    (changed,) = containers.run(step)
    assert containers.calls.mutating() == ["ReconfigVM_Task"]
    assert changed["actions"] == predicted["actions"] == [f"reconfigure {NAME}: restart_policy, restart_retries"]
    assert changed["diff"] == predicted["diff"]
    assert changed["diff"]["before"] == {NAME: {"restart_policy": "no", "restart_retries": 0}}
    assert changed["diff"]["after"] == {NAME: step}
    assert changed["container"]["started_at"] == created["container"]["started_at"]
    vm = containers.vm()
    assert (vm.spec["restart"], vm.spec["revision"]) == ({"policy": "on-failure", "max_retries": 3}, 1)
    (again,) = containers.run(step)
    assert not again.changed
    assert containers.calls.mutating() == []

    # What was written while the VM was on is gone at power off; a start restores it.
    containers.calls.behave(guest_info_at_power_off="reverted")
    containers.builder.power_off(vm.moid)
    assert containers.vm().spec["restart"]["policy"] == "no"
    _started, left = containers.run(step, step)
    assert containers.vm().spec == vm.spec
    assert not left.changed


def test_a_restart_on_request_is_a_new_run_of_the_same_vm(containers: Containers) -> None:
    step = {"labels": {"a": "b"}, "published_ports": ["80:80"], "restart": True}
    created, restarted, again = containers.run({}, step, {"image": None, "restart": True})
    assert restarted["actions"] == [f"stop {NAME}", f"reconfigure {NAME}: labels, published_ports", f"start {NAME}"]
    assert again["container"]["published_ports"] == ["80/tcp"]
    assert again["actions"] == [f"stop {NAME}", f"start {NAME}"]
    assert again["container"]["moid"] == created["container"]["moid"]
    assert again["container"]["started_at"] > created["container"]["started_at"]


def test_redirected_ports_are_in_the_guest_document_and_a_change_restarts(containers: Containers) -> None:
    first, second = {"published_ports": ["80:80", "8080:80"]}, {"published_ports": ["80", "443", "8080:80/tcp"]}
    created, again, live, removed = containers.run(first, first, second, {})
    assert created["container"]["published_ports"] == ["80/tcp", "8080:80/tcp"]
    assert not again.changed
    assert live["actions"] == [f"reconfigure {NAME}: published_ports"]
    assert removed["actions"] == [f"stop {NAME}", f"reconfigure {NAME}: published_ports", f"start {NAME}"]
    assert "redirects" not in containers.vm().spec


def test_reservations_limits_and_shares_are_changed_while_it_runs(containers: Containers) -> None:
    given = {"cpu_limit": "1500", "cpu_shares": "high", "memory_reservation": "64M", "memory_shares": "333"}
    created, changed, again, reset = containers.run({"cpu_reservation": 100}, given, given, {"memory_shares": "333"})
    assert created["actions"][-1] == f"start {NAME}"
    assert changed["actions"] == [
        f"reconfigure {NAME}: cpu_limit, cpu_reservation, cpu_shares, memory_reservation, memory_shares"
    ]
    assert not again.changed
    assert reset["diff"]["after"][NAME] == {"cpu_limit": "unlimited", "cpu_shares": "normal", "memory_reservation": 0}
    session = containers.builder.session
    (row,) = session.read([session.ref("VirtualMachine", containers.vm().moid)], ["resourceConfig"])
    cpu, memory = row["resourceConfig"].cpuAllocation, row["resourceConfig"].memoryAllocation
    assert (cpu.reservation, cpu.limit, cpu.shares.level) == (0, -1, "normal")
    assert (memory.reservation, memory.limit, memory.shares.level, memory.shares.shares) == (0, -1, "custom", 333)


def test_a_task_says_whether_it_changes_in_place_restarts_or_replaces(containers: Containers) -> None:
    (created,) = containers.run({})
    assert created["effects"] == []
    assert "after_header" not in created["diff"]
    steps: list[tuple[Step, str, list[str]]] = [
        ({"labels": {"tier": "front"}, "cpu_shares": "high"}, "in place", ["cpu_shares", "labels"]),
        ({"labels": {"tier": "back"}, "env": {"A": "b"}}, "restarted", ["env"]),
        ({"image": SECOND, "env": {"A": "c"}}, "replaced", ["image"]),
    ]
    before = created["container"]
    for step, effect, reason in steps:
        (predicted,) = containers.run(step, check=True)
        (made,) = containers.run(step)
        for one in (predicted, made):
            assert one["effects"] == [{"name": NAME, "effect": effect, "options": reason}]
            assert one["diff"]["after_header"] == f"{NAME} {effect} ({', '.join(reason)})"
        after = made["container"]
        assert (after["id"] == before["id"]) is (effect != "replaced")
        assert (after["started_at"] == before["started_at"]) is (effect == "in place")
        before = after


def test_what_a_resource_pool_cannot_admit_is_refused_before_anything_is_created(containers: Containers) -> None:
    """The lab refuses it only when the VM starts; without the check, the VM would be created and left behind."""
    builder, lab = containers.builder, containers.builder.lab
    pool = {"path": f"{PREFIX}tight", "cluster": lab["cluster"]}
    reserved = {"memory": {"reservation": "100M", "expandable_reservation": False}}
    assert "failed" not in drive("resource_pool", {**lab["vcenter"], **pool, **reserved})
    small = {"resource_pool": pool["path"], "memory_reservation": "50M"}
    large = {**small, "memory_reservation": "150M"}
    (message,) = containers.refuse(large)
    assert f"{pool['path']} has 100 MiB of memory left to reserve, and {NAME} would take at least 151 MiB" in message
    (predicted,) = containers.play(large, check=True)
    assert (predicted.failed, predicted.msg) == (True, message)
    assert builder.vms(NAME) == []
    # As a check of the check.
    containers.run({**large, "state": "present"})
    vm = vim.VirtualMachine(containers.vm().moid, stub=builder.session.stub)
    with pytest.raises(GantryError) as refused:
        builder.task("power on", vm.PowerOnVM_Task)
    assert (refused.value.fault or {})["type"] == "InsufficientMemoryResourcesFault"
    (message,) = containers.refuse({"image": None})
    assert "would take at least 151 MiB" in message
    containers.run(small)
    # The overhead of its VM is reserved too.
    (message,) = containers.refuse({**small, "memory_reservation": "90M"})
    assert f"has 25 MiB of memory left to reserve, and {NAME} would take 40 MiB of memory." in message
    containers.run({**small, "memory_reservation": "75M"})


def test_a_container_is_suspended_and_goes_on(containers: Containers) -> None:
    (created,) = containers.run({})
    state = {"image": None, "state": "suspended"}
    suspended, again, left = containers.run(state, state, {"state": "present"})
    assert suspended["actions"] == [f"suspend {NAME}"]
    assert suspended["diff"]["before"][NAME] == {"power": "poweredOn"}
    assert suspended["diff"]["after"][NAME] == {"power": "suspended"}
    assert [suspended["container"][key] for key in ("state", "status", "health")] == ["suspended", "suspended", None]
    assert not again.changed
    assert not left.changed
    (resumed,) = containers.run({"wait_timeout": 20})
    assert resumed["actions"] == [f"start {NAME}"]
    assert (resumed["container"]["state"], resumed["container"]["status"]) == ("running", "running")
    assert resumed["container"]["started_at"] == created["container"]["started_at"]


def test_cpus_and_memory_are_added_while_it_runs_and_never_removed(containers: Containers) -> None:
    hot = {"cpu_hot_add": True, "memory_hot_add": True, "memory": "256M"}
    more = {**hot, "cpus": 2, "memory": "512M"}
    (created,) = containers.run(hot)
    (predicted,) = containers.run(more, check=True)
    grown, again = containers.run(more, more)
    assert (created["container"]["cpu_hot_add"], created["container"]["memory_hot_add"]) == (True, True)
    for one in (predicted, grown):
        assert one["actions"] == [f"reconfigure {NAME}: cpus, memory"]
        assert one["effects"] == [{"name": NAME, "effect": "in place", "options": ["cpus", "memory"]}]
        assert one["diff"]["after"][NAME] == {"cpus": 2, "memory": 512 << 20}
    assert not again.changed
    assert grown["container"]["moid"] == created["container"]["moid"]
    assert containers.vm().memory_mb == 512
    unequal, less = containers.run({**more, "memory": "600M"}, {**hot, "cpus": 1})
    assert unequal["actions"] == [f"stop {NAME}", f"reconfigure {NAME}: memory", f"start {NAME}"]
    assert less["actions"] == [f"stop {NAME}", f"reconfigure {NAME}: cpus, memory", f"start {NAME}"]
    assert (less["container"]["cpus"], less["container"]["memory"]) == (1, 256 << 20)


def test_hot_add_takes_effect_at_the_next_start(containers: Containers) -> None:
    hot = {"cpu_hot_add": True}
    _created, recorded, again, restarted, off = containers.run({}, hot, hot, {**hot, "restart": True}, {})
    assert recorded["actions"] == [f"reconfigure {NAME}: cpu_hot_add"]
    assert not recorded["container"]["cpu_hot_add"]
    assert not again.changed
    assert restarted["actions"] == [f"stop {NAME}", f"reconfigure {NAME}: cpu_hot_add_enabled", f"start {NAME}"]
    assert restarted["container"]["cpu_hot_add"]
    assert off["container"]["cpu_hot_add"]


def test_labels_and_notes_are_changed_while_it_runs(containers: Containers) -> None:
    containers.run({})
    changed, again = containers.run({"labels": {"a": "b"}, "notes": "hello"}, {"labels": {"a": "b"}})
    assert changed["actions"] == [f"reconfigure {NAME}: labels, notes"]
    assert not again.changed
    assert containers.calls.mutating() == ["ReconfigVM_Task"]
    vm = containers.vm()
    assert (json.loads(vm.config["gantry.labels"]), vm.notes) == ({"a": "b"}, "hello")


def test_another_image_is_another_vm_and_the_old_one_goes_last(containers: Containers) -> None:
    (before,) = containers.run({})
    replaced, again = containers.run({"image": SECOND}, {"image": SECOND})
    assert replaced["actions"] == [
        f"create the successor of {NAME} from {SECOND} (another image)",
        f"stop {NAME}",
        f"remove {NAME}",
        f"rename {NAME}{SUCCESSOR} to {NAME}",
        f"start {NAME}",
    ]
    assert not again.changed
    mutating = containers.calls.mutating()
    assert mutating.index("CloneVM_Task") < mutating.index("Destroy_Task")
    vm = containers.vm()
    assert vm.moid != before["container"]["moid"]
    assert vm.config["gantry.kind"] == "container"
    assert vm.spec["process"]["args"] == ["serve", "more"]
    assert containers.builder.vms(NAME + SUCCESSOR) == []


def test_a_container_can_be_replaced_again_and_again(containers: Containers) -> None:
    # The files of each successor lie in a folder that is named like those of the one before.
    outcomes = containers.run({}, {"recreate": True}, {"recreate": True})
    made = [(outcome["container"]["moid"], outcome["container"]["id"]) for outcome in outcomes]
    assert len(set(made)) == 3
    assert containers.vm().moid == made[-1][0]


def test_a_successor_that_cannot_be_made_leaves_the_old_container_running(containers: Containers) -> None:
    (before,) = containers.run({})
    containers.calls.fault("CloneVM_Task", "NoDiskSpace")
    (outcome,) = containers.play({"image": SECOND})
    assert outcome.failed
    assert outcome["fault"]["type"] == "NoDiskSpace"
    assert "Make room" in outcome.msg
    vm = containers.vm()
    assert (vm.moid, vm.power) == (before["container"]["moid"], "poweredOn")


def test_networks_are_changed_in_place(containers: Containers, other_network: str) -> None:
    (before,) = containers.run({})
    (old,) = containers.vm().of_kind(vim.vm.device.VirtualEthernetCard)
    step = {"networks": [{"name": NETWORK}, {"name": other_network}]}
    changed, again = containers.run(step, step)
    assert changed.changed
    assert not again.changed
    vm = containers.vm()
    macs = [entry["mac"] for entry in vm.spec["networks"]]
    assert vm.moid == before["container"]["moid"]
    assert macs[0] == old.macAddress
    assert sorted(macs) == sorted(card.macAddress for card in vm.of_kind(vim.vm.device.VirtualEthernetCard))
    changed, again = containers.run({"networks": []}, {"networks": []})
    assert changed.changed
    assert not again.changed
    assert containers.vm().of_kind(vim.vm.device.VirtualEthernetCard) == []


def test_folder_and_pool_are_moved_to_while_it_runs(containers: Containers) -> None:
    containers.builder.create_folder("ct-folder")
    containers.builder.create_pool("ct-pool")
    (before,) = containers.run({})
    step = {"folder": "ct-folder", "resource_pool": "ct-pool"}
    moved, again, without = containers.run(step, step, {})
    container = moved["container"]
    assert container["folder"].endswith("/vm/ct-folder")
    assert container["resource_pool"] == "ct-pool"
    assert container["moid"] == before["container"]["moid"]
    assert set(containers.calls.mutating()) == {"MoveIntoFolder_Task", "MoveIntoResourcePool"}
    assert not again.changed
    assert not without.changed


def test_what_others_changed_is_changed_back(containers: Containers) -> None:
    step = {"env": {"A": "b"}}
    containers.run(step)
    vm = containers.vm()
    containers.builder.power_off(vm.moid)
    containers.builder.reconfigure(vm.moid, vim.vm.ConfigSpec(memoryMB=1024))
    containers.builder.set_config(vm.moid, {"guestinfo.gantry.spec": json.dumps({**vm.spec, "hostname": "evil"})})
    fixed, again = containers.run(step, step)
    assert fixed["actions"] == [f"reconfigure {NAME}: memory", f"start {NAME}"]
    assert not again.changed
    now = containers.vm()
    assert now.memory_mb == 256
    assert now.spec == vm.spec


# -- stopping, starting, removing


def test_stop_start_and_removal(containers: Containers) -> None:
    states = ["stopped", "stopped", "started", "absent", "absent"]
    steps = [{"state": state, "image": None} for state in states]
    _created, stopped, still, started, gone, none = containers.run({}, *steps)
    assert stopped["actions"] == [f"stop {NAME}"]
    assert stopped["container"]["state"] == "stopped"
    assert not still.changed
    assert started["actions"] == [f"start {NAME}"]
    assert started["container"]["state"] == "running"
    assert gone["actions"] == [f"stop {NAME}", f"remove {NAME}"]
    assert gone["container"] is None
    assert not none.changed
    assert "ShutdownGuest" in containers.calls.mutating()
    assert "PowerOffVM_Task" not in containers.calls.mutating()
    assert containers.builder.vms(NAME) == []


def test_force_kill_does_not_ask(containers: Containers) -> None:
    _created, killed = containers.run({}, {"state": "stopped", "force_kill": True})
    assert killed["actions"] == [f"kill {NAME}"]
    assert "ShutdownGuest" not in containers.calls.mutating()
    assert containers.vm().power == "poweredOff"


# -- interrupted runs


def test_a_run_killed_after_the_clone_is_finished_by_the_next(containers: Containers) -> None:
    other = {"name": f"{PREFIX}other", "image": SECOND, "state": "present"}
    old, new = containers.run({}, other)
    containers.leave_successor(new["container"]["moid"])
    finished, again = containers.run({"image": SECOND}, {"image": SECOND})
    assert "CloneVM_Task" not in containers.calls.mutating()
    assert finished["container"]["moid"] == new["container"]["moid"] != old["container"]["moid"]
    assert not again.changed
    assert containers.vm().spec["name"] == NAME
    assert containers.builder.vms(NAME + SUCCESSOR) == []


def test_a_run_killed_before_the_rename_is_finished_by_the_next(containers: Containers) -> None:
    (new,) = containers.run({"state": "present"})
    containers.leave_successor(new["container"]["moid"])
    finished, again = containers.run({}, {})
    assert finished["actions"] == [f"rename {NAME}{SUCCESSOR} to {NAME}", f"start {NAME}"]
    assert finished["container"]["moid"] == new["container"]["moid"]
    assert not again.changed


def test_a_successor_that_is_no_longer_wanted_is_removed(containers: Containers) -> None:
    _old, new = containers.run({}, {"name": f"{PREFIX}other", "image": SECOND, "state": "present"})
    containers.leave_successor(new["container"]["moid"])
    cleaned, again = containers.run({}, {})
    assert cleaned["actions"] == [f"remove {NAME}{SUCCESSOR}"]
    assert not again.changed
    assert containers.builder.vms(NAME + SUCCESSOR) == []


# -- what is not ours, and bad input


def test_a_foreign_vm_is_never_touched(containers: Containers) -> None:
    moid = containers.builder.create_vm(NAME, {})
    states = ["present", "started", "stopped", "absent"]
    for message in containers.refuse(*({"state": state} for state in states)):
        assert "left alone" in message
        assert containers.vm().path in message
    assert containers.vm().moid == moid


def test_two_of_one_name_are_told_apart_by_their_folder(containers: Containers) -> None:
    for folder in ("ct-one", "ct-two"):
        containers.builder.create_folder(folder)
    one, two = containers.run(
        {"folder": "ct-one", "state": "present"},
        {"folder": "ct-two", "state": "present", "name": f"{PREFIX}other"},
    )
    containers.builder.rename(two["container"]["moid"], NAME)
    (message,) = containers.refuse({"state": "stopped"})
    assert f"/ct-one/{NAME}" in message
    assert f"/ct-two/{NAME}" in message
    gone, left = containers.run({"folder": "ct-two", "state": "absent"}, {"state": "present"})
    assert gone.changed
    assert not left.changed
    assert containers.vm().moid == one["container"]["moid"]


def test_a_foreign_vm_with_the_name_of_a_successor_is_left_alone(containers: Containers) -> None:
    (before,) = containers.run({})
    moid = containers.builder.create_vm(NAME + SUCCESSOR, {})
    (outcome,) = containers.play({"image": SECOND})
    assert outcome["fault"]["type"] == "DuplicateName"
    assert NAME + SUCCESSOR in outcome.msg
    assert (containers.vm().moid, containers.vm().power) == (before["container"]["moid"], "poweredOn")
    assert containers.vm(NAME + SUCCESSOR).moid == moid


BAD_INPUT: list[tuple[Step, list[str]]] = [
    ({"image": "registry.example.com/nothing:1"}, ["registry.example.com/nothing:1", "container_image"]),
    ({"image": "Not A Reference"}, ["Not A Reference"]),
    ({"datacenter": "DC9"}, ["DC9"]),
    ({"cluster": "C9"}, ["C9"]),
    ({"datastore": "nowhere"}, ["nowhere"]),
    ({"folder": "nowhere"}, ["nowhere"]),
    ({"resource_pool": "nowhere"}, ["nowhere"]),
    ({"networks": [{"name": "VM Netwrok"}]}, ["VM Netwrok", "VM Network"]),
    ({"memory": "a lot"}, ["memory", "a lot"]),
    ({"memory": "1"}, ["memory", "96 MiB"]),
    ({"env": {"A": 1}}, ["env", "'A'", "quotes"]),
    ({"name": "no/slash"}, ["name", "no/slash"]),
    ({"restart_policy": "sometimes"}, ["restart_policy", "on-failure"]),
    ({"privileged": True}, ["privileged"]),
    ({"healthcheck": {"retires": 3}}, ["retires"]),
    ({"image": None, "state": "started"}, ["Give image"]),
    ({"image": None, "cpus": 2}, ["cpus", "image"]),
]


def test_bad_input_is_one_clear_message(containers: Containers) -> None:
    messages = containers.refuse(*(step for step, _words in BAD_INPUT))
    for (step, words), message in zip(BAD_INPUT, messages, strict=True):
        for word in words:
            assert word in message, step


def test_a_datastore_without_a_bootstrap_says_so(containers: Containers) -> None:
    containers.builder.remove_bootstrap()
    try:
        (message,) = containers.refuse({})
    finally:
        containers.builder.upload_bootstrap()
    assert "bootstrap_image" in message
    assert containers.builder.lab["datastore"] in message


FAULTS = {
    "NoDiskSpace": "Make room",
    "InsufficientMemoryResourcesFault": "lower memory",
    "NoPermission": "privileges",
}


def test_a_fault_of_the_clone_says_what_to_do(containers: Containers) -> None:
    for fault in FAULTS:
        containers.calls.fault("CloneVM_Task", fault)
    outcomes = containers.play(*({} for _fault in FAULTS))
    for (fault, hint), outcome in zip(FAULTS.items(), outcomes, strict=True):
        assert outcome.failed
        assert outcome["fault"]["type"] == fault
        assert hint in outcome.msg
        assert not outcome.changed
    assert containers.builder.vms(NAME) == []


def test_a_start_that_is_not_admitted_says_what_to_do_and_the_next_run_goes_on(containers: Containers) -> None:
    containers.calls.fault("PowerOnMultiVM_Task", "InsufficientMemoryResourcesFault")
    refused, started = containers.play({}, {})
    assert refused.failed
    assert refused.changed
    assert "lower memory" in refused.msg
    assert started["actions"] == [f"start {NAME}"]


# -- how much is asked; last, as many VMs make the lab slow


def test_a_loop_logs_in_once(play: PlaybookRunner, builder: VmBuilder, calls: Control) -> None:
    names = [f"{PREFIX}loop{number}" for number in range(3)]
    task = {MODULE: {**options(builder.lab, state="present"), "name": "{{ item }}"}, "loop": names}
    assert play(task).ok().last.changed
    calls.reset()
    assert not play(task).ok().last.changed
    assert calls.methods().count("Login") <= 1
    assert calls.mutating() == []
    # Names and places are read once, and then each container by itself.
    assert calls.methods().count("RetrievePropertiesEx") == 1 + len(names)
    builder.clear()


def test_nothing_to_do_is_cheap_among_500_vms(containers: Containers) -> None:
    containers.calls.add_vms(500, f"{PREFIX}idle-")
    containers.run({})
    for step in ({}, {"name": f"{PREFIX}nothing", "state": "absent"}):
        (outcome,) = containers.run(step)
        assert not outcome.changed
        assert len(containers.calls.methods()) <= BUDGET, containers.calls.methods()
