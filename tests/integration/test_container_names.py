# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the tables of names that containers of a network get, against the lab's vCenter."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pyVmomi import vim

from tests.support.lab.containers import PREFIX, VmBuilder, building
from tests.support.lab.control import Control
from tests.support.lab.drive import drive

IMAGE = "registry.example.com/named:1"
WEB, DB, OTHER = f"{PREFIX}web", f"{PREFIX}db", f"{PREFIX}other"
NETWORK = "VM Network"


class Named:
    """Runs container_vm for containers with names, and looks at their tables with pyVmomi alone."""

    def __init__(self, builder: VmBuilder, calls: Control) -> None:
        self.builder, self.calls = builder, calls

    def run(self, name: str, address: str | None, *aliases: str, check: bool = False, **options: Any) -> dict[str, Any]:
        """Run container_vm for a container on the network, with an address or with DHCP."""
        network = {"name": NETWORK, "aliases": list(aliases)}
        if address is not None:
            network["ipv4_address"] = f"{address}/24"
        given = {"image": IMAGE, "networks": [network], **options}
        return self.task("container_vm", name=name, check=check, **given)

    def task(self, module: str, *, check: bool = False, **options: Any) -> dict[str, Any]:
        lab = self.builder.lab
        place = {"datacenter": lab["datacenter"], "cluster": lab["cluster"]}
        self.calls.forget()
        return drive(module, {**lab["vcenter"], **place, **options}, check=check)

    def ok(self, name: str, address: str | None, *aliases: str, **options: Any) -> dict[str, Any]:
        """Run it: check mode predicts what it does, and a second run does nothing."""
        predicted = self.run(name, address, *aliases, check=True, **options)
        assert self.calls.mutating() == []
        made = self.run(name, address, *aliases, **options)
        assert "failed" not in made, made
        assert made["actions"] == predicted["actions"]
        again = self.run(name, address, *aliases, **options)
        assert (again["changed"], again["actions"], self.calls.mutating()) == (False, [], [])
        return made

    def values(self, name: str) -> dict[str, str]:
        vms = self.builder.session.read_all("VirtualMachine", ["name", "config.extraConfig"])
        (found,) = [vm for vm in vms if vm["name"] == name]
        return {one.key: str(one.value) for one in found["config.extraConfig"]}

    def table(self, name: str) -> dict[str, list[str]]:
        """Return what the guest of a container reads."""
        names: dict[str, list[str]] = json.loads(self.values(name)["guestinfo.gantry.names"])["names"]
        return names


@pytest.fixture(scope="module")
def builder(lab: dict[str, Any]) -> Iterator[VmBuilder]:
    with building(lab) as one:
        one.make_image(IMAGE, 1, {"Cmd": ["serve"]})
        yield one


@pytest.fixture
def named(builder: VmBuilder, calls: Control) -> Iterator[Named]:
    yield Named(builder, calls)
    calls.reset()
    builder.clear()


def test_containers_of_a_network_get_each_other_s_names_without_a_restart(named: Named) -> None:
    made = named.ok(DB, "10.77.0.21", "DataBase")
    assert made["actions"] == [f"create {DB} from {IMAGE}", f"start {DB}"]
    own = {DB: ["10.77.0.21"], "database": ["10.77.0.21"]}
    assert named.table(DB) == own
    assert json.loads(named.values(DB)["guestinfo.gantry.spec"])["dns"]["names"] is True

    made = named.ok(WEB, "10.77.0.22")
    assert made["actions"] == [
        f"create {WEB} from {IMAGE}",
        f"start {WEB}",
        f"update the names that {DB} finds",
    ]
    both = {**own, WEB: ["10.77.0.22"]}
    assert (named.table(DB), named.table(WEB)) == (both, both)

    # Another address: its own VM is restarted, and the other one only gets a table.
    reported = named.values(WEB)["guestinfo.gantry.status"]
    made = named.ok(DB, "10.77.0.23", "database")
    assert made["actions"][-1] == f"update the names that {WEB} finds"
    assert not any(WEB in action for action in made["actions"][:-1])
    assert named.table(WEB)["database"] == ["10.77.0.23"]

    # A further alias is changed while it runs.
    made = named.ok(DB, "10.77.0.23", "database", "store")
    assert [action for action in made["actions"] if not action.startswith("update")] == [f"reconfigure {DB}: networks"]
    assert named.table(WEB)["store"] == ["10.77.0.23"]
    assert named.values(WEB)["guestinfo.gantry.status"] == reported

    gone = named.task("container_vm", name=DB, state="absent")
    assert gone["actions"][-1] == f"update the names that {WEB} finds"
    assert named.table(WEB) == {WEB: ["10.77.0.22"]}
    serial = json.loads(named.values(WEB)["guestinfo.gantry.names"])["serial"]
    assert named.values(WEB)["gantry.names.table"].startswith(f"{serial} ")


def test_a_stopped_container_is_not_found_and_comes_back_with_its_start(named: Named) -> None:
    for name, address in ((WEB, "10.77.0.31"), (DB, "10.77.0.32")):
        named.ok(name, address, "app")
    assert named.table(WEB)["app"] == ["10.77.0.31", "10.77.0.32"]
    stopped = named.task("container_vm", name=DB, state="stopped")
    assert stopped["actions"] == [
        f"stop {DB}",
        f"update the names that {DB} finds",
        f"update the names that {WEB} finds",
    ]
    assert named.table(WEB)["app"] == ["10.77.0.31"]
    started = named.task("container_vm", name=DB, state="started")
    assert started["actions"] == [f"start {DB}", f"update the names that {WEB} finds"]
    assert named.table(WEB)["app"] == named.table(DB)["app"] == ["10.77.0.31", "10.77.0.32"]


def test_addresses_from_dhcp_follow_when_they_are_known(named: Named) -> None:
    made = named.ok(DB, None)
    assert made["actions"][-1] == f"update the names that {DB} finds"
    address = made["container"]["ip_addresses"][0]
    assert named.table(DB) == {DB: [address]}
    named.ok(WEB, None)
    assert named.table(DB).keys() == named.table(WEB).keys() == {DB, WEB}
    assert named.table(WEB)[DB] == [address]


def test_containers_without_names_or_in_another_folder_are_left(named: Named) -> None:
    folder = {"path": f"{PREFIX}tenant"}
    assert "failed" not in drive("vm_folder", {**named.builder.lab["vcenter"], **folder})
    named.ok(DB, "10.77.0.41")
    plain = named.task("container_vm", name=OTHER, image=IMAGE, networks=[{"name": NETWORK}])
    assert plain["actions"] == [f"create {OTHER} from {IMAGE}", f"start {OTHER}"]
    assert "guestinfo.gantry.names" not in named.values(OTHER)
    tenant = named.ok(WEB, "10.77.0.42", folder=folder["path"])
    assert tenant["actions"] == [f"create {WEB} from {IMAGE}", f"start {WEB}"]
    assert named.table(WEB) == {WEB: ["10.77.0.42"]}
    assert named.table(DB) == {DB: ["10.77.0.41"]}
    named.builder.clear()
    assert "failed" not in drive("vm_folder", {**named.builder.lab["vcenter"], **folder, "state": "absent"})


def test_a_project_gets_its_tables_in_one_run(named: Named) -> None:
    networks = [{"name": NETWORK, "aliases": ["app"]}]
    containers = [{"name": WEB, "image": IMAGE, "networks": networks, "replicas": 3}]
    made = named.task("container_set", project="shop", containers=containers)
    assert "failed" not in made, made
    replicas = [f"{WEB}-{number}" for number in (1, 2, 3)]
    tables = [named.table(name) for name in replicas]
    assert tables[0].keys() == {*replicas, "app"}
    assert len(tables[0]["app"]) == 3
    assert tables[1:] == [tables[0], tables[0]]
    again = named.task("container_set", project="shop", containers=containers)
    assert (again["changed"], again["actions"]) == (False, [])
    fewer = [{**containers[0], "replicas": 2}]
    less = named.task("container_set", project="shop", containers=fewer, remove_unlisted=True)
    assert "failed" not in less, less
    assert named.table(replicas[0]).keys() == {*replicas[:2], "app"}


def test_a_table_that_another_client_has_removed_is_written_before_the_next_start(named: Named) -> None:
    named.ok(DB, "10.77.0.51")
    inventory = named.builder.session.inventory(vms=True, refresh=True)
    (vm,) = [entry for entry in inventory.vms() if entry.name == DB]
    named.task("container_vm", name=DB, state="stopped")
    spec = vim.vm.ConfigSpec(extraConfig=[vim.option.OptionValue(key="guestinfo.gantry.names", value="")])
    named.builder.task("edit", lambda: vm.ref.ReconfigVM_Task(spec))
    named.task("container_vm", name=DB, state="started")
    assert named.table(DB) == {DB: ["10.77.0.51"]}


def test_an_alias_that_is_no_name_is_refused(named: Named) -> None:
    refused = named.run(DB, "10.77.0.61", "not a name")
    assert refused["failed"]
    assert refused["msg"].startswith("networks[0].aliases holds 'not a name', which is not a name of DNS.")
