# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""vm_vmotion against the lab's vCenters, with nothing booted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim

from tests.support.lab.background import result_of, running
from tests.support.lab.containers import BOOTSTRAP, PREFIX, VmBuilder
from tests.support.lab.control import Control
from tests.support.lab.govc import Govc
from tests.support.lab.placement import NETWORK, Site, cd_drive, destination, serial_port, wait_for
from tests.support.lab.playbook import PlaybookRunner, run_both_ways

BUDGET = 10
MANY = [f"{PREFIX}{number:02}" for number in range(20)]
A, B, C = f"{PREFIX}a", f"{PREFIX}b", f"{PREFIX}c"


@pytest.fixture
def site(lab: dict[str, Any], builder: VmBuilder, calls: Control) -> Iterator[Site]:
    one = Site(lab, builder, calls)
    one.clear()
    yield one
    one.clear()


def states(result: dict[str, Any]) -> dict[str, str]:
    return {vm["name"]: vm["status"] for vm in result["vms"]}


def codes(result: dict[str, Any]) -> list[tuple[str, str]]:
    return [(blocker["vm"].rpartition("/")[2], blocker["code"]) for blocker in result["blockers"]]


def comparable(result: dict[str, Any]) -> dict[str, Any]:
    """Return what check mode must predict: all but what is known only after a move."""
    vms = [{key: value for key, value in vm.items() if key not in ("duration", "verified")} for vm in result["vms"]]
    return {"vms": vms, **{key: result[key] for key in ("changed", "actions", "diff", "blockers")}}


# -- moves

# What is asked, and what is then true of the VM.
MOVES: dict[str, tuple[dict[str, Any], Callable[[Site], bool]]] = {
    "host": ({"host": "esx2"}, lambda site: site.hosts()[A] == "esx2"),
    "cluster": ({"cluster": "C1"}, lambda site: site.hosts()[A] in ("esx4", "esx5")),
    "datastore": ({"datastore": "shared1"}, lambda site: site.disks(A) == ["shared1", "shared1"]),
    "host and its own datastore": (
        {"host": "esx3", "datastore": "local-esx3"},
        lambda site: (site.hosts()[A], site.disks(A)) == ("esx3", ["local-esx3", "local-esx3"]),
    ),
    "one disk": (
        {"disks": [{"label": "Hard disk 2", "datastore": "shared1", "provisioning": "thick"}]},
        lambda site: site.disks(A) == ["shared0", "shared1"],
    ),
    "network": ({"network_mapping": {NETWORK: "Backend"}}, lambda site: site.network(A) == "Backend"),
}


@pytest.mark.parametrize("case", MOVES)
@pytest.mark.parametrize("on", [True, False], ids=["live", "cold"])
def test_check_mode_predicts_the_move_and_a_second_run_leaves_it(site: Site, case: str, on: bool) -> None:
    options, is_there = MOVES[case]
    site.make(A, host="esx1", on=on)
    predicted = site.ok("vm_vmotion", vms=[A], check=True, **options)
    assert site.calls.mutating() == []
    assert not is_there(site)
    moved = site.ok("vm_vmotion", vms=[A], **options)
    assert comparable(moved) == comparable(predicted)
    assert moved["changed"]
    assert is_there(site)
    (vm,) = moved["vms"]
    assert (vm["status"], vm["mode"]) == ("moved", "live" if on else "cold")
    assert vm["verified"]["placement"]
    assert vm["duration"] >= 0
    again = site.ok("vm_vmotion", vms=[A], **options)
    assert (again["changed"], again["actions"], states(again)) == (False, [], {A: "in_place"})
    assert site.calls.mutating() == []
    assert len(site.calls.methods()) <= BUDGET


def test_a_resource_pool_and_a_datastore_cluster(site: Site, builder: VmBuilder) -> None:
    builder.create_pool("gold")
    site.make(A, host="esx1")
    site.ok("vm_vmotion", vms=[A], host="esx1", datastore="local-esx1")
    result = site.ok("vm_vmotion", vms=[A], resource_pool="gold", datastore_cluster="pod")
    (vm,) = result["vms"]
    assert vm["to"]["resource_pool"] == "/DC0/host/C0/Resources/gold"
    assert set(site.disks(A)) <= {"shared0", "shared1"}
    assert not site.ok("vm_vmotion", vms=[A], resource_pool="gold", datastore_cluster="pod")["changed"]


def test_drs_chooses_a_host_for_the_datastores_of_the_vm(site: Site, builder: VmBuilder) -> None:
    """Asked without a datastore, DRS recommends the emptiest one, and the host that sees it."""
    site.make(A, host="esx1")
    site.make(B, host="esx4")  # so that esx5 is the better host
    for used in ("shared1", "local-esx5"):
        builder.upload_bootstrap("iso/fill.iso", datastore=used)  # so that local-esx4 is the emptiest
    predicted = site.ok("vm_vmotion", vms=[A], cluster="C1", check=True)
    moved = site.ok("vm_vmotion", vms=[A], cluster="C1")
    assert comparable(moved) == comparable(predicted)
    assert (site.hosts()[A], moved["vms"][0]["chosen_by"], site.disks(A)) == ("esx5", "drs", ["shared0", "shared0"])


def test_drs_considers_the_networks_after_the_move(site: Site) -> None:
    """The hosts of the other cluster do not have the network that the VM leaves."""
    site.make(A, host="esx1")
    site.ok("vm_vmotion", vms=[A], network_mapping={NETWORK: "Backend"})
    refused = site.refused("vm_vmotion", vms=[A], cluster="C1")
    assert codes(refused) == [(A, "network_missing")]
    moved = site.ok("vm_vmotion", vms=[A], cluster="C1", network_mapping={"Backend": NETWORK})
    assert (moved["vms"][0]["chosen_by"], site.network(A)) == ("drs", NETWORK)
    assert site.hosts()[A] in ("esx4", "esx5")


def test_a_container_keeps_its_address_and_its_run(site: Site, builder: VmBuilder) -> None:
    builder.upload_bootstrap()
    builder.make_image("registry.example.com/app:1", 1, {"Cmd": ["serve"]})
    try:
        place = {"cluster": "C0", "networks": [{"name": NETWORK}], "image": "registry.example.com/app:1"}
        site.ok("container_vm", name=A, labels={"com.docker.compose.project": "shop"}, **place)
        target = "esx1" if site.hosts()[A] != "esx1" else "esx2"
        moved = site.ok("vm_vmotion", vms=[{"stack": "shop"}], host=target)
        assert moved["vms"][0]["verified"] == {"placement": True, "ip_addresses": True, "process": True}
        assert moved.get("warnings", []) == []
        stored = site.ok("vm_vmotion", vms=[{"stack": "shop"}], datastore="shared1")
        assert stored["vms"][0]["verified"] == {"placement": True, "ip_addresses": True, "process": True}
        assert set(site.disks(A)) == {"shared1"}
        assert not site.ok("vm_vmotion", vms=[{"stack": "shop"}], datastore="shared1")["changed"]
    finally:
        builder.clear(images=True)


def parents(site: Site, name: str) -> set[str]:
    """Return the parents of the VM's disks."""
    backings = [disk.backing for disk in site.builder.vm(name).of_kind(vim.vm.device.VirtualDisk)]
    return {backing.parent.fileName for backing in backings if backing.parent is not None}


def test_a_moved_container_shares_the_disk_of_its_image_or_copies_it(site: Site, builder: VmBuilder) -> None:
    builder.upload_bootstrap()
    builder.make_image("registry.example.com/app:1", 1, {"Cmd": ["serve"]})
    try:
        place = {"cluster": "C0", "networks": [{"name": NETWORK}], "image": "registry.example.com/app:1"}
        for name in (A, B):
            site.ok("container_vm", name=name, **place)
        (image,) = {path.split("/")[0].removeprefix("[shared0] ") for path in parents(site, A)}
        disks = builder.vm(A).of_kind(vim.vm.device.VirtualDisk)
        (label,) = [disk.deviceInfo.label for disk in disks if disk.backing.parent is not None]
        request = {"label": label, "datastore": "shared1", "provisioning": "thick"}
        refused = site.refused("vm_vmotion", vms=[A], disks=[request])
        assert codes(refused) == [(A, "linked_clone")]
        site.calls.limit_datastore("shared1", 1000)
        try:
            refused = site.refused("vm_vmotion", vms=[A, B], datastore="shared1")
            assert codes(refused) == [(A, "capacity"), (B, "capacity")]
            first, second = (one["message"] for one in refused["blockers"])
            assert re.fullmatch(r"the datastore shared1 has 0 MiB free, and \d+ MiB are needed\.", first)
            assert second.endswith("are needed, with the VM before it.")
        finally:
            site.calls.limit_datastore("shared1", 32 << 30)
        site.ok("vm_vmotion", vms=[A], datastore="shared1")
        assert parents(site, A) == {f"[shared1] {A}/{A}-base_1.vmdk"}
        template = site.vm(image)
        there = builder.session.inventory().datastore("shared1").ref
        pool = site.vm(A).resourcePool
        copy = vim.vm.CloneSpec(location=vim.vm.RelocateSpec(datastore=there, pool=pool), template=False, powerOn=False)
        builder.task("clone", lambda: template.CloneVM_Task(folder=template.parent, name=f"{PREFIX}image", spec=copy))
        builder.task("snapshot", lambda: site.vm(f"{PREFIX}image").CreateSnapshot_Task("gantry-base", "", False, False))
        site.ok("vm_vmotion", vms=[B], datastore="shared1")
        (shared,) = parents(site, B)
        # Either has the content of the image and is written by no VM.
        assert shared in parents(site, A) | {f"[shared1] {PREFIX}image/{PREFIX}image.vmdk"}
        site.ok("vm_vmotion", vms=[A, B], datastore="shared0")
        assert parents(site, A) == parents(site, B) == {f"[shared0] {image}/{image}.vmdk"}
    finally:
        builder.clear(images=True)


@pytest.mark.parametrize("state", ["present", "started"])
def test_a_container_stays_where_its_bootstrap_is(site: Site, builder: VmBuilder, state: str) -> None:
    """A move to a host that does not see the ISO would leave it unable to start again."""
    builder.upload_bootstrap(datastore="local-esx1")
    builder.make_image("registry.example.com/app:1", 1, {"Cmd": ["serve"]})
    try:
        place = {"cluster": "C0", "networks": [{"name": NETWORK}], "image": "registry.example.com/app:1"}
        site.ok("container_vm", name=A, state=state, bootstrap=f"[local-esx1] {BOOTSTRAP}", **place)
        assert site.hosts()[A] == "esx1"
        refused = site.refused("vm_vmotion", vms=[A], host="esx2")
        assert codes(refused) == [(A, "bootstrap_not_shared")]
        assert "bootstrap_image" in refused["msg"]
        kept = site.run("host_maintenance", host="esx1", evacuation="explicit", evacuate_powered_off=True, check=True)
        assert codes(kept) == [(A, "bootstrap_not_shared")]
    finally:
        builder.clear(images=True)


# -- refusals


def test_what_is_misspelt_fails_before_anything_changes(site: Site) -> None:
    """community.vmware drops a misspelt datastore in silence where the host is valid."""
    site.make(A, host="esx1")
    message = site.refused("vm_vmotion", vms=[A], host="esx2", datastore="shraed1")["msg"]
    assert "no datastore 'shraed1'" in message
    assert "Did you mean 'shared1'" in message
    assert (
        "no network 'VM Netwrok'"
        in site.refused("vm_vmotion", vms=[A], network_mapping={"VM Netwrok": "Backend"})["msg"]
    )
    assert (
        "no disk 'Hard disk 9'"
        in site.refused("vm_vmotion", vms=[A], disks=[{"label": "Hard disk 9", "datastore": "shared1"}])["msg"]
    )
    assert "no VM named 'ct-z'" in site.refused("vm_vmotion", vms=["ct-z"], host="esx2")["msg"]
    assert site.hosts() == {A: "esx1"}


def test_all_blockers_of_all_vms_are_named_before_anything_moves(site: Site, builder: VmBuilder) -> None:
    site.make(A, host="esx1", devices=[serial_port()])
    site.make(B, host="esx1", devices=cd_drive(builder.upload_bootstrap("iso/tools.iso")))
    site.make(C, host="esx1")
    site.ok("vm_vmotion", vms=[C], network_mapping={NETWORK: "Backend"})
    site.ok("vm_vmotion", vms=[B], datastore="local-esx1")
    refused = site.refused("vm_vmotion", vms=[A, B, C], host="esx3")
    assert codes(refused) == [(A, "serial_connected"), (B, "datastore_not_shared"), (C, "network_missing")]
    assert "Disconnect or remove the serial port" in refused["msg"]
    assert set(states(refused).values()) == {"blocked"}
    only = site.ok("vm_vmotion", vms=[A, B, C], host="esx3", precheck="report")
    assert (only["blockers"], only["changed"]) == (refused["blockers"], False)
    # vCenter reports the same blockers, and moves VMs without blockers.
    assert site.calls.methods().count("CheckRelocate_Task") == 3
    assert states(site.ok("vm_vmotion", vms=[C], host="esx2", precheck="report")) == {C: "movable"}


def test_a_host_in_maintenance_and_a_mandatory_rule_are_blockers(site: Site) -> None:
    site.make(A, host="esx1")
    group = vim.cluster.VmGroup(name="licensed", vm=[site.vm(A)])
    hosts = vim.cluster.HostGroup(name="first", host=[site.host("esx1")])
    rule = vim.cluster.VmHostRuleInfo(
        name="licence", enabled=True, mandatory=True, vmGroupName="licensed", affineHostGroupName="first"
    )
    site.configure(
        "C0",
        groupSpec=[vim.cluster.GroupSpec(operation="add", info=one) for one in (group, hosts)],
        rulesSpec=[vim.cluster.RuleSpec(operation="add", info=rule)],
    )
    site.ok("host_maintenance", host="esx2")
    try:
        refused = site.refused("vm_vmotion", vms=[A], host="esx2")
        assert codes(refused) == [(A, "host_maintenance"), (A, "mandatory_rule")]
        assert "'licence'" in refused["msg"]
    finally:
        site.ok("host_maintenance", host="esx2", state="absent")
        (key,) = [one.key for one in site.builder.session.inventory().cluster("C0").ref.configurationEx.rule]
        site.configure(
            "C0",
            rulesSpec=[vim.cluster.RuleSpec(operation="remove", removeKey=key)],
            groupSpec=[vim.cluster.GroupSpec(operation="remove", removeKey=n) for n in ("licensed", "first")],
        )


def test_the_mode_is_kept(site: Site) -> None:
    site.make(A, host="esx1")
    site.make(B, host="esx1", on=False)
    assert codes(site.refused("vm_vmotion", vms=[A, B], host="esx2", mode="cold")) == [(A, "vm_state")]
    assert codes(site.refused("vm_vmotion", vms=[A, B], host="esx2", mode="live")) == [(B, "vm_state")]


# -- failures, and running moves


def test_a_partial_failure_has_a_clear_account_and_a_second_run_finishes_it(site: Site) -> None:
    site.make(A, B, C, host="esx1")
    site.calls.fault("RelocateVM_Task", "NoDiskSpace", name=B, in_task=True)
    failed = site.run("vm_vmotion", vms=[A, B, C], host="esx2")
    assert failed["failed"]
    assert failed["changed"]
    assert states(failed) == {A: "moved", B: "failed", C: "moved"}
    assert failed["msg"].startswith(f"2 of 3 VMs were moved; failed: {B}")
    assert failed["fault"]["type"] == failed["vms"][1]["fault"]["type"] == "NoDiskSpace"
    assert len(failed["submitted"]) == 3
    assert site.hosts() == {A: "esx2", B: "esx1", C: "esx2"}
    finished = site.ok("vm_vmotion", vms=[A, B, C], host="esx2")
    assert states(finished) == {A: "in_place", B: "moved", C: "in_place"}
    assert site.hosts() == {A: "esx2", B: "esx2", C: "esx2"}


def test_what_does_not_end_in_time_is_told_apart_from_what_was_not_started(site: Site) -> None:
    site.make(*MANY[:9], host="esx1")
    site.calls.fault("RelocateVM_Task", delay_seconds=3600, count=0, in_task=True)
    failed = site.run("vm_vmotion", vms=MANY[:9], host="esx2", timeout=3)
    assert sorted(states(failed).values()) == ["in_flight"] * 8 + ["not_started"]
    site.calls.reset()  # they go on
    finished = site.ok("vm_vmotion", vms=MANY[:9], host="esx2")
    assert set(states(finished).values()) <= {"moved", "in_place"}
    assert set(site.hosts().values()) == {"esx2"}


def test_a_controller_killed_in_mid_move_leaves_a_move_that_the_next_run_finishes(
    site: Site, connection: dict[str, str]
) -> None:
    site.make(A, B, host="esx1")
    site.calls.fault("RelocateVM_Task", delay_seconds=3600, name=A, in_task=True)
    options = {"vms": [A, B], "host": "esx2"}
    with running("vm_vmotion", options, connection) as killed:
        wait_for(lambda: site.calls.methods().count("RelocateVM_Task") == 2)
        killed.kill()
        killed.wait()
    wait_for(lambda: site.hosts()[B] == "esx2")
    # B has moved; A is moving, and will be for an hour.
    looked = site.ok("vm_vmotion", check=True, **options)
    assert states(looked) == {A: "in_flight", B: "in_place"}
    assert "wait for the running move" in looked["actions"][0]
    site.calls.forget()
    with running("vm_vmotion", options, connection) as waiting:
        wait_for(lambda: "WaitForUpdatesEx" in site.calls.methods())
        site.calls.reset()  # the move goes on
        finished = result_of(waiting)
    assert not finished.get("failed"), finished
    assert states(finished) == {A: "moved", B: "in_place"}
    assert finished["vms"][0]["to"]["host"] == "esx2"
    assert "RelocateVM_Task" not in site.calls.methods()
    assert site.hosts() == {A: "esx2", B: "esx2"}


def test_a_move_of_somebody_else_is_waited_for_and_then_corrected(site: Site, connection: dict[str, str]) -> None:
    site.make(A, host="esx1")
    site.calls.fault("RelocateVM_Task", delay_seconds=3600, in_task=True)
    site.vm(A).RelocateVM_Task(spec=vim.vm.RelocateSpec(host=site.host("esx3")))
    site.calls.forget()
    with running("vm_vmotion", {"vms": [A], "host": "esx2"}, connection) as waiting:
        wait_for(lambda: "WaitForUpdatesEx" in site.calls.methods())
        site.calls.reset()
        result = result_of(waiting)
    assert states(result) == {A: "moved"}
    assert result["vms"][0]["to"]["host"] == "esx2"
    assert site.calls.methods().count("RelocateVM_Task") == 1
    assert site.hosts() == {A: "esx2"}


# -- another vCenter


def test_a_move_to_another_vcenter_outlives_its_controller(
    site: Site, second: Site, connection: dict[str, str]
) -> None:
    site.make(A, host="esx1")
    site.calls.fault("RelocateVM_Task", delay_seconds=3600, in_task=True)
    options = {"vms": [A], "destination_vcenter": destination(second)}
    with running("vm_vmotion", options, connection) as killed:
        wait_for(lambda: "RelocateVM_Task" in site.calls.methods())
        killed.kill()
        killed.wait()
    site.calls.forget()
    with running("vm_vmotion", options, connection) as waiting:
        wait_for(lambda: "WaitForUpdatesEx" in site.calls.methods())
        site.calls.reset()  # the move goes on
        finished = result_of(waiting)
    assert states(finished) == {A: "moved"}
    assert {A: finished["vms"][0]["to"]["host"]} == second.hosts()
    assert "RelocateVM_Task" not in site.calls.methods()


@pytest.mark.parametrize("thumbprint", ["thumbprint", "thumbprint_sha1"])
def test_a_vm_moves_to_another_vcenter(site: Site, second: Site, thumbprint: str) -> None:
    site.make(A, host="esx1")
    site.make(B, host="esx1", on=False)
    target = destination(second, thumbprint=second.lab[thumbprint])
    # The host is chosen by its free memory, which still counts the VMs of earlier tests until it is updated.
    wait_for(lambda: second.used_memory() == 0)
    second.calls.forget()
    predicted = site.ok("vm_vmotion", vms=[A, B], destination_vcenter=target, check=True)
    assert site.calls.mutating() == second.calls.mutating() == []
    moved = site.ok("vm_vmotion", vms=[A, B], destination_vcenter=target)
    assert comparable(moved) == comparable(predicted)
    assert site.hosts() == {}
    assert second.hosts().keys() == {A, B}
    assert {vm["name"]: vm["to"]["host"] for vm in moved["vms"]} == second.hosts()
    assert second.disks(A) == ["remote0", "remote0"]
    assert all(vm["verified"]["placement"] for vm in moved["vms"])
    assert second.lab["vcenter"]["password"] not in json.dumps(moved)
    second.calls.forget()
    again = site.ok("vm_vmotion", vms=[A, B], destination_vcenter=target)
    assert (again["changed"], states(again)) == (False, {A: "in_place", B: "in_place"})
    assert len(site.calls.methods()) <= BUDGET
    assert len(second.calls.methods()) <= BUDGET


def test_vcenter_9_gets_the_certificate_of_the_other_one(site: Site, second: Site) -> None:
    site.make(A, host="esx1", on=False)
    site.calls.behave(api="9.0.0.0")
    moved = site.ok("vm_vmotion", vms=[A], destination_vcenter=destination(second))
    assert states(moved) == {A: "moved"}
    assert second.hosts().keys() == {A}


def test_nothing_is_sent_to_a_vcenter_with_another_thumbprint(site: Site, second: Site) -> None:
    site.make(A, host="esx1")
    second.calls.forget()
    target = destination(second, thumbprint="ab" * 32)
    refused = site.refused("vm_vmotion", vms=[A], destination_vcenter=target)
    assert second.lab["thumbprint"] in refused["msg"]
    assert second.calls.methods() == []
    # Without a thumbprint its certificate must be signed by a CA that is known.
    refused = site.refused("vm_vmotion", vms=[A], destination_vcenter=destination(second, thumbprint=None))
    assert "certificate is not trusted" in refused["msg"]
    assert second.calls.methods() == []


def test_what_the_other_vcenter_lacks_is_a_blocker(site: Site, second: Site) -> None:
    site.make(A, host="esx1")
    target = destination(second, datastore=None)
    refused = site.refused("vm_vmotion", vms=[A], destination_vcenter=target)
    assert codes(refused) == [(A, "datastore_not_shared")]
    assert "destination_vcenter.datastore" in refused["msg"]


# -- an independent client


def test_govc_reads_back_the_placements_that_are_reported(site: Site, lab: dict[str, Any], tmp_path: Path) -> None:
    site.make(A, B, host="esx1")
    site.ok("vm_vmotion", vms=[A], host="esx2", datastore="shared1")
    predicted = site.ok("vm_vmotion", vms=[A, B], cluster="C1")
    read = Govc(lab, tmp_path).read
    found = {}
    for vm in read("vm.info", A, B)["virtualMachines"]:
        (host,) = read("object.collect", f"HostSystem:{vm['runtime']['host']['value']}", "name")
        disks = [one for one in vm["config"]["hardware"]["device"] if "capacityInKB" in one]
        found[vm["name"]] = (host["val"], {disk["backing"]["fileName"].split("]")[0].lstrip("[") for disk in disks})
    assert found == {vm["name"]: (vm["to"]["host"], set(vm["to"]["datastores"])) for vm in predicted["vms"]}
    assert {host for host, _stores in found.values()} == {"esx4", "esx5"}


# -- with ansible-playbook


def test_a_move_to_another_vcenter_returns_the_same_both_ways_and_no_password(
    site: Site, second: Site, play: PlaybookRunner
) -> None:
    site.make(A, host="esx1")
    away = {"vms": [A], "destination_vcenter": destination(second)}
    (predicted,) = run_both_ways(play, [{"gantry.vsphere.vm_vmotion": away}], check=True, diff=True)
    assert predicted.changed
    assert second.lab["vcenter"]["password"] not in json.dumps(predicted.result)
    assert site.hosts() == {A: "esx1"}


def test_a_move_without_checks(site: Site) -> None:
    site.make(A, host="esx1")
    moved = site.ok("vm_vmotion", vms=[A], host="esx3", precheck="skip")
    assert moved["vms"][0]["to"]["host"] == "esx3"
    assert "CheckRelocate_Task" not in site.calls.methods()
    assert site.hosts() == {A: "esx3"}


# -- how much is asked; last, as many VMs make the lab slow


def test_requests_do_not_grow_with_the_inventory(site: Site) -> None:
    site.make(*MANY, host="esx1")
    site.calls.add_vms(500, f"{PREFIX}idle-")
    moved = site.ok("vm_vmotion", vms=MANY, host="esx2")
    assert set(states(moved).values()) == {"moved"}
    assert len(site.calls.methods()) <= 3 * len(MANY), site.calls.methods()
    assert site.calls.methods().count("CheckRelocate_Task") == len(MANY)
    again = site.ok("vm_vmotion", vms=MANY, host="esx2")
    assert not again["changed"]
    assert len(site.calls.methods()) <= BUDGET, site.calls.methods()
    assert not site.ok("host_maintenance", host="esx3", state="absent")["changed"]
    assert len(site.calls.methods()) <= BUDGET, site.calls.methods()
