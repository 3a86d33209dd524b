# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""container_vm against the lab's vCenter, as a module and as an action, with nothing booted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.api import vim
from tests.integration.support.containers import PREFIX, SUCCESSOR, Vm, Yard
from tests.integration.support.control import Control
from tests.integration.support.playing import Outcome, Player, Way

MODULE = "gantry.vsphere.container_vm"
NAME = f"{PREFIX}web"
FIRST = "registry.example.com/app:1"
SECOND = "registry.example.com/app:2"
CHECKED = "registry.example.com/checked:1"
BUDGET = 10
NETWORK = "VM Network"


@pytest.fixture(scope="module")
def yard(lab: dict[str, Any]) -> Iterator[Yard]:
    """Three images and an ISO; all is cleared away afterwards."""
    one = Yard(lab)
    one.clear(images=True)
    one.upload_bootstrap()
    one.make_image(FIRST, 1, {"Cmd": ["serve"], "Env": ["PATH=/bin", "COLOUR=red"]})
    one.make_image(SECOND, 3, {"Cmd": ["serve", "more"]})
    one.make_image(CHECKED, 5, {"Cmd": ["serve"], "Healthcheck": {"Test": ["CMD", "true"]}})
    yield one
    one.clear(images=True)
    one.session.close()


@dataclass(frozen=True)
class Containers:
    """The module in one of its ways, with the place that all containers of these tests are in."""

    play: Player
    way: Way
    yard: Yard
    calls: Control

    def options(self, **options: Any) -> dict[str, Any]:
        lab = self.yard.lab
        common = {
            "name": NAME,
            "datacenter": lab["datacenter"],
            "cluster": lab["cluster"],
            "networks": [{"name": NETWORK}],
            "image": FIRST,
            "wait_timeout": 30,
        }
        merged = {**common, **options}
        if merged["image"] is None:
            del merged["networks"]
        return {key: value for key, value in merged.items() if value is not None}

    def try_(self, *, check: bool = False, diff: bool = False, **options: Any) -> Outcome:
        self.calls.reset()
        return self.play({MODULE: self.options(**options)}, way=self.way, check=check, diff=diff).last

    def run(self, *, check: bool = False, diff: bool = False, **options: Any) -> Outcome:
        outcome = self.try_(check=check, diff=diff, **options)
        assert outcome.status == "ok", outcome.msg
        return outcome

    def fails(self, **options: Any) -> Outcome:
        """It fails with a message of its own, and nothing was changed."""
        outcome = self.try_(**options)
        assert outcome.failed
        assert "Traceback" not in str(outcome.result)
        assert "defect" not in outcome.msg
        assert self.calls.mutating() == []
        assert not outcome.changed
        return outcome

    def vm(self) -> Vm:
        return self.yard.vm(NAME)


@pytest.fixture
def containers(play: Player, way: Way, yard: Yard, calls: Control) -> Iterator[Containers]:
    yield Containers(play, way, yard, calls)
    yard.clear()


# -- creating, and leaving alone


@pytest.mark.smoke
def test_a_container_is_created_and_started_and_then_left_alone(containers: Containers) -> None:
    first = containers.run(env={"GREETING": "hi"}, labels={"tier": "front"}, notes="ours")
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
    second = containers.run(env={"GREETING": "hi"}, labels={"tier": "front"}, notes="ours")
    assert not second.changed
    assert second["actions"] == []
    assert second["container"] == container
    assert containers.calls.mutating() == []
    assert len(containers.calls.methods()) <= BUDGET, containers.calls.methods()


def test_the_vm_is_what_the_contract_says(containers: Containers) -> None:
    containers.run(
        env={"GREETING": "hi"},
        memory="128M",
        cpus=2,
        scratch_size="1G",
        networks=[{"name": NETWORK, "mac_address": "00:50:56:00:00:01"}],
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


def test_several_adapters_are_named_by_their_macs(containers: Containers) -> None:
    other = next(name for name in containers.yard.lab["networks"] if name != NETWORK)
    networks = [{"name": NETWORK}, {"name": other, "ipv4_address": "10.9.9.9/24"}]
    containers.run(networks=networks)
    vm = containers.vm()
    adapters = sorted(vm.of_kind(vim.vm.device.VirtualEthernetCard), key=lambda card: card.key)
    assert [entry["mac"] for entry in vm.spec["networks"]] == [card.macAddress for card in adapters]
    assert len({card.macAddress for card in adapters}) == 2
    assert not containers.run(networks=networks).changed


def test_present_does_not_start_and_leaves_running_what_runs(containers: Containers) -> None:
    assert containers.run(state="present")["container"]["status"] == "created"
    assert containers.vm().power == "poweredOff"
    containers.run(state="started")
    assert not containers.run(state="present").changed
    assert containers.vm().power == "poweredOn"


def test_healthy_waits_for_the_health_check(containers: Containers) -> None:
    outcome = containers.run(state="healthy", image=CHECKED)
    assert outcome["container"]["health"] == "healthy"
    assert not containers.run(state="healthy", image=CHECKED).changed
    assert "no health check" in containers.fails(state="healthy", image=CHECKED, healthcheck={"test": "NONE"}).msg


# -- check mode and diff

CHANGES = {
    "create": ({}, None),
    "environment": ({"env": {"A": "new"}}, {"env": {"A": "old"}}),
    "labels": ({"labels": {"a": "b"}}, {}),
    "image": ({"image": SECOND}, {}),
    "memory": ({"memory": "512M"}, {}),
    "stop": ({"state": "stopped"}, {}),
    "start": ({"state": "started"}, {"state": "stopped"}),
    "absent": ({"state": "absent"}, {}),
}


@pytest.mark.parametrize("case", CHANGES)
def test_check_mode_predicts_what_a_run_does_and_touches_nothing(containers: Containers, case: str) -> None:
    wanted, before = CHANGES[case]
    if before is not None:
        containers.run(**before)
    predicted = containers.run(check=True, diff=True, **wanted)
    assert containers.calls.mutating() == []
    made = containers.run(diff=True, **wanted)
    for key in ("changed", "actions", "diff"):
        assert predicted[key] == made[key], key
    assert predicted.changed
    assert made["diff"]["before"] != made["diff"]["after"]
    if made["container"] is None:
        assert predicted["container"] is None
    else:
        same = ("name", "image", "image_digest", "state", "labels", "memory", "cpus", "path", "datastore", "hostname")
        assert {key: predicted["container"][key] for key in same} == {key: made["container"][key] for key in same}
    assert not containers.run(check=True, **wanted).changed


def test_a_diff_says_that_a_variable_changes_and_not_what_it_is(containers: Containers) -> None:
    containers.run(env={"PASSWORD": "hunter2"})
    outcome = containers.run(diff=True, env={"PASSWORD": "hunter3"})
    assert "PASSWORD" in outcome["diff"]["after"][NAME]["env"]
    shown = json.dumps({key: value for key, value in outcome.result.items() if key != "invocation"})
    assert "hunter" not in shown


# -- changing


def test_what_takes_effect_at_a_start_is_changed_in_place(containers: Containers) -> None:
    before = containers.run()["container"]
    outcome = containers.run(env={"A": "b"}, memory="512M", command=["other"])
    assert outcome["actions"] == [
        f"stop {NAME}",
        f"reconfigure {NAME}: command, env, memory",
        f"start {NAME}",
    ]
    vm = containers.vm()
    assert (vm.moid, vm.config["gantry.id"]) == (before["moid"], before["id"])
    assert vm.memory_mb == 512
    assert vm.spec["process"]["args"] == ["other"]
    assert "A=b" in vm.spec["process"]["env"]
    assert vm.power == "poweredOn"
    assert not containers.run(env={"A": "b"}, memory="512M", command=["other"]).changed


def test_labels_and_notes_are_changed_while_it_runs(containers: Containers) -> None:
    containers.run()
    outcome = containers.run(labels={"a": "b"}, notes="hello")
    assert outcome["actions"] == [f"reconfigure {NAME}: labels, notes"]
    assert set(containers.calls.mutating()) == {"ReconfigVM_Task"}
    vm = containers.vm()
    assert (json.loads(vm.config["gantry.labels"]), vm.notes) == ({"a": "b"}, "hello")
    assert not containers.run(labels={"a": "b"}).changed


def test_another_image_is_another_vm_and_the_old_one_goes_last(containers: Containers) -> None:
    before = containers.run()["container"]
    outcome = containers.run(image=SECOND)
    assert outcome["actions"] == [
        f"create the successor of {NAME} from {SECOND} (another image)",
        f"stop {NAME}",
        f"remove {NAME}",
        f"rename {NAME}{SUCCESSOR} to {NAME}",
        f"start {NAME}",
    ]
    mutating = containers.calls.mutating()
    assert mutating.index("CloneVM_Task") < mutating.index("Destroy_Task")
    vm = containers.vm()
    assert vm.moid != before["moid"]
    assert vm.config["gantry.kind"] == "container"
    assert vm.spec["process"]["args"] == ["serve", "more"]
    assert containers.yard.vms(NAME + SUCCESSOR) == []
    assert not containers.run(image=SECOND).changed
    # Once more: the successor's folder in the datastore has the same name as its predecessor's.
    assert containers.run(image=FIRST).changed
    assert containers.vm().spec["process"]["args"] == ["serve"]


def test_a_successor_that_cannot_be_made_leaves_the_old_container_running(containers: Containers) -> None:
    before = containers.run()["container"]
    containers.calls.reset()
    containers.calls.fault("CloneVM_Task", "NoDiskSpace")
    outcome = containers.play({MODULE: containers.options(image=SECOND)}, way=containers.way).last
    assert outcome.failed
    assert "datastore" in outcome.msg
    assert outcome["fault"]["type"] == "NoDiskSpace"
    vm = containers.vm()
    assert (vm.moid, vm.power) == (before["moid"], "poweredOn")


def test_recreate_replaces_without_another_reason(containers: Containers) -> None:
    before = containers.run()["container"]
    after = containers.run(recreate=True)["container"]
    assert after["moid"] != before["moid"]
    assert after["id"] != before["id"]


def test_networks_are_changed_in_place(containers: Containers) -> None:
    other = next(name for name in containers.yard.lab["networks"] if name != NETWORK)
    before = containers.run()["container"]
    mac = containers.vm().of_kind(vim.vm.device.VirtualEthernetCard)[0].macAddress
    networks = [{"name": NETWORK}, {"name": other}]
    assert containers.run(networks=networks).changed
    vm = containers.vm()
    macs = [entry["mac"] for entry in vm.spec["networks"]]
    assert vm.moid == before["moid"]
    assert macs[0] == mac
    assert sorted(macs) == sorted(card.macAddress for card in vm.of_kind(vim.vm.device.VirtualEthernetCard))
    assert not containers.run(networks=networks).changed
    assert containers.run(networks=[]).changed
    assert containers.vm().of_kind(vim.vm.device.VirtualEthernetCard) == []
    assert not containers.run(networks=[]).changed


def test_folder_and_pool_are_moved_to_while_it_runs(containers: Containers) -> None:
    containers.yard.create_folder("ct-folder")
    containers.yard.create_pool("ct-pool")
    before = containers.run()["container"]
    outcome = containers.run(folder="ct-folder", resource_pool="ct-pool")
    assert outcome["container"]["folder"].endswith("/vm/ct-folder")
    assert outcome["container"]["resource_pool"] == "ct-pool"
    assert outcome["container"]["moid"] == before["moid"]
    assert not {"PowerOffVM_Task", "ShutdownGuest"} & set(containers.calls.mutating())
    assert not containers.run(folder="ct-folder", resource_pool="ct-pool").changed
    # Without them it stays where it is.
    assert not containers.run().changed


def test_what_others_changed_is_changed_back(containers: Containers) -> None:
    containers.run(env={"A": "b"})
    vm = containers.vm()
    containers.yard.power_off(vm.moid)
    containers.yard.reconfigure(vm.moid, vim.vm.ConfigSpec(memoryMB=1024))
    containers.yard.set_config(vm.moid, {"guestinfo.gantry.spec": json.dumps({**vm.spec, "hostname": "evil"})})
    outcome = containers.run(env={"A": "b"})
    assert outcome["actions"] == [f"reconfigure {NAME}: memory", f"start {NAME}"]
    again = containers.vm()
    assert again.memory_mb == 256
    assert again.spec == vm.spec
    assert not containers.run(env={"A": "b"}).changed


# -- stopping, starting, removing


def test_stop_start_and_removal(containers: Containers) -> None:
    containers.run()
    stopped = containers.run(state="stopped", image=None)
    assert stopped["actions"] == [f"stop {NAME}"]
    assert "ShutdownGuest" in containers.calls.mutating()
    assert stopped["container"]["state"] == "stopped"
    assert not containers.run(state="stopped", image=None).changed
    assert containers.run(state="started", image=None)["container"]["state"] == "running"
    gone = containers.run(state="absent", image=None)
    assert gone["actions"] == [f"stop {NAME}", f"remove {NAME}"]
    assert gone["container"] is None
    assert containers.yard.vms(NAME) == []
    assert not containers.run(state="absent", image=None).changed


def test_force_kill_does_not_ask(containers: Containers) -> None:
    containers.run()
    outcome = containers.run(state="stopped", force_kill=True)
    assert outcome["actions"] == [f"kill {NAME}"]
    assert "ShutdownGuest" not in containers.calls.mutating()
    assert containers.vm().power == "poweredOff"


# -- interrupted runs


def test_a_run_killed_after_the_clone_is_finished_by_the_next(containers: Containers) -> None:
    old = containers.run()["container"]
    new = containers.run(name=f"{PREFIX}other", image=SECOND, state="present")["container"]
    # The very state between the clone and the end of the old VM.
    containers.yard.set_config(new["moid"], {"gantry.kind": "successor"})
    containers.yard.rename(new["moid"], NAME + SUCCESSOR)
    outcome = containers.run(image=SECOND)
    assert "CloneVM_Task" not in containers.calls.mutating()
    assert outcome["container"]["moid"] == new["moid"] != old["moid"]
    assert containers.vm().spec["name"] == NAME
    assert containers.yard.vms(NAME + SUCCESSOR) == []
    assert not containers.run(image=SECOND).changed


def test_a_run_killed_before_the_rename_is_finished_by_the_next(containers: Containers) -> None:
    new = containers.run(state="present")["container"]
    containers.yard.set_config(new["moid"], {"gantry.kind": "successor"})
    containers.yard.rename(new["moid"], NAME + SUCCESSOR)
    outcome = containers.run()
    assert outcome["actions"] == [f"rename {NAME}{SUCCESSOR} to {NAME}", f"start {NAME}"]
    assert outcome["container"]["moid"] == new["moid"]
    assert not containers.run().changed


def test_a_successor_that_is_no_longer_wanted_is_removed(containers: Containers) -> None:
    containers.run()
    new = containers.run(name=f"{PREFIX}other", image=SECOND, state="present")["container"]
    containers.yard.set_config(new["moid"], {"gantry.kind": "successor"})
    containers.yard.rename(new["moid"], NAME + SUCCESSOR)
    assert containers.run()["actions"] == [f"remove {NAME}{SUCCESSOR}"]
    assert containers.yard.vms(NAME + SUCCESSOR) == []
    assert not containers.run().changed


# -- what is not ours, and bad input


@pytest.mark.parametrize("state", ["present", "started", "stopped", "absent"])
def test_a_foreign_vm_is_never_touched(containers: Containers, state: str) -> None:
    moid = containers.yard.create_vm(NAME, {})
    outcome = containers.fails(state=state)
    assert "left alone" in outcome.msg
    assert containers.vm().path in outcome.msg
    assert containers.vm().moid == moid


def test_two_of_one_name_are_told_apart_by_their_folder(containers: Containers) -> None:
    for folder in ("ct-one", "ct-two"):
        containers.yard.create_folder(folder)
        containers.run(folder=folder, state="present")
    outcome = containers.fails(state="stopped")
    assert "/ct-one/" in outcome.msg
    assert "/ct-two/" in outcome.msg
    assert containers.run(folder="ct-two", state="absent").changed
    assert not containers.run(state="present").changed
    assert containers.vm().path.endswith(f"/ct-one/{NAME}")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"image": "registry.example.com/nothing:1"}, ["registry.example.com/nothing:1", "container_image"]),
        ({"image": "Not A Reference"}, ["Not A Reference"]),
        ({"datacenter": "DC9"}, ["DC9"]),
        ({"cluster": "C9"}, ["C9"]),
        ({"datastore": "nowhere"}, ["nowhere"]),
        ({"folder": "nowhere"}, ["nowhere"]),
        ({"resource_pool": "nowhere"}, ["nowhere"]),
        ({"networks": [{"name": "VM Netwrok"}]}, ["VM Netwrok", "VM Network"]),
        ({"memory": "a lot"}, ["memory", "a lot"]),
        ({"memory": "1"}, ["memory", "64 MiB"]),
        ({"env": {"A": 1}}, ["env", "'A'", "quotes"]),
        ({"name": "no/slash"}, ["name", "no/slash"]),
        ({"restart_policy": "sometimes"}, ["restart_policy", "on-failure"]),
        ({"privileged": True}, ["privileged"]),
        ({"healthcheck": {"retires": 3}}, ["retires"]),
        ({"image": None, "state": "started"}, ["give image"]),
        ({"image": None, "cpus": 2}, ["cpus", "image"]),
    ],
)
def test_bad_input_is_one_clear_message(containers: Containers, options: dict[str, Any], words: list[str]) -> None:
    message = containers.fails(**options).msg
    for word in words:
        assert word in message


def test_an_empty_datastore_says_that_the_bootstrap_is_missing(containers: Containers) -> None:
    outcome = containers.fails(bootstrap="[nowhere] x.iso", datastore="nowhere")
    assert "nowhere" in outcome.msg


@pytest.mark.parametrize(
    ("fault", "hint"),
    [
        ("NoDiskSpace", "Make room"),
        ("DuplicateName", "run again"),
        ("NoPermission", "privileges"),
    ],
)
def test_a_fault_of_the_clone_says_what_to_do(containers: Containers, fault: str, hint: str) -> None:
    containers.calls.reset()
    containers.calls.fault("CloneVM_Task", fault)
    outcome = containers.play({MODULE: containers.options()}, way=containers.way).last
    assert outcome.failed
    assert outcome["fault"]["type"] == fault
    assert hint in outcome.msg
    assert not outcome.changed
    assert containers.yard.vms(NAME) == []


# -- both ways, and how dear it is


@pytest.mark.smoke
def test_both_ways_return_the_same(containers: Containers, both_ways: Callable[..., dict[str, Any]], way: Way) -> None:
    if way == "module":
        pytest.skip("one comparison covers both")
    task = {MODULE: containers.options(labels={"a": "b"})}
    assert both_ways(task, check=True, diff=True)["changed"]
    containers.run(labels={"a": "b"})
    assert not both_ways(task, diff=True)["changed"]
    assert both_ways({MODULE: containers.options(networks=[{"name": "nowhere"}])})["failed"]


def test_nothing_to_do_is_cheap_among_500_vms(containers: Containers) -> None:
    containers.calls.add_vms(500, f"{PREFIX}idle-")
    containers.run()
    for state in ("present", "started"):
        assert not containers.run(state=state).changed
        assert len(containers.calls.methods()) <= BUDGET, containers.calls.methods()
    containers.run(state="absent")
    assert not containers.run(state="absent").changed
    assert len(containers.calls.methods()) <= BUDGET, containers.calls.methods()


def test_a_loop_logs_in_once(play: Player, yard: Yard, calls: Control, containers: Containers) -> None:
    names = [f"{PREFIX}loop{number}" for number in range(3)]
    task = {MODULE: {**containers.options(state="present"), "name": "{{ item }}"}, "loop": names}
    assert play(task, way="action").last.changed
    calls.reset()
    assert not play(task, way="action").last.changed
    assert calls.methods().count("Login") <= 1
    assert calls.mutating() == []
