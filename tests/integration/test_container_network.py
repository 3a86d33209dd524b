# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""container_network and the addresses of containers against the lab's vCenter."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from pyVmomi import vim

from devkit.console import ROOT
from tests.support.lab.containers import IMAGE, PREFIX, VmBuilder
from tests.support.lab.control import Control
from tests.support.lab.converging import ConvergingModule
from tests.support.lab.drive import drive

NETWORK = f"{PREFIX}shop"
SUBNET = {"subnet": "10.20.0.0/24", "gateway": "10.20.0.1", "dns_servers": ["10.20.0.2"]}
SUBNET6 = {"subnet": "fd00:20::/64", "gateway": "fd00:20::1", "dns_servers": ["fd00:20::53"]}
SMALL6 = {**SUBNET6, "ip_range": ["fd00:20::10-fd00:20::12"]}
SMALL = {**SUBNET, "ip_range": ["10.20.0.10-10.20.0.12"]}
WEB, DB = f"{PREFIX}web", f"{PREFIX}db"


class Networks(ConvergingModule):
    """Runs container_network, containers on its network, and looks at vCenter with pyVmomi alone."""

    module = "container_network"

    def __init__(self, builder: VmBuilder, calls: Control) -> None:
        super().__init__(builder.lab["vcenter"], calls)
        self.builder = builder

    def make(self, ipv4: dict[str, Any], **options: Any) -> None:
        """Create the network, and let the users of containers use it; the record of calls begins again."""
        given = {**self.connection, "name": NETWORK, "switch": "DSwitch0", **options, "ipv4": ipv4}
        result = drive("container_network", given)
        assert "failed" not in result, result
        if any(action.startswith(f"create the address pools of {NETWORK}: ") for action in result["actions"]):
            inventory = self.builder.session.inventory(refresh=True)
            manager = self.builder.session.content.authorizationManager
            found = manager.RetrieveEntityPermissions(inventory.network("VM Network").ref, False)
            mine = [one for one in found if "-container-vm" in one.principal or "-container-set" in one.principal]
            manager.SetEntityPermissions(inventory.network(NETWORK).ref, mine)
        self.calls.forget()

    def profiles(self) -> list[Any]:
        """Return the network protocol profiles of the datacenter."""
        content = self.builder.session.content
        datacenter = self.builder.session.inventory(refresh=True).datacenter(self.builder.lab["datacenter"])
        return list(content.ipPoolManager.QueryIpPools(datacenter.ref))

    def container(self, name: str = WEB, *, check: bool = False, **options: Any) -> dict[str, Any]:
        self.calls.forget()
        return drive("container_vm", self.task(name, **options), check=check)

    def task(self, name: str, **options: Any) -> dict[str, Any]:
        lab = self.builder.lab
        place = {"datacenter": lab["datacenter"], "cluster": lab["cluster"]}
        return {**self.connection, "name": name, "image": IMAGE, "networks": [{"name": NETWORK}], **place, **options}

    def addresses(self) -> list[Any]:
        found = drive("container_network_info", {**self.connection, "name": [NETWORK]})["networks"][0]
        free = [found[family]["free"] for family in ("ipv4", "ipv6") if found[family] is not None]
        return [*free, *((one["address"], one["vm"], one["recorded"]) for one in found["addresses"])]


@pytest.fixture
def networks(builder: VmBuilder, calls: Control) -> Iterator[Networks]:
    one = Networks(builder, calls)
    yield one
    calls.reset()
    builder.clear()
    for kind in ({}, {"type": "standard", "switch": "vSwitch0"}):
        gone = {**one.connection, "name": NETWORK, "switch": "DSwitch0", "state": "absent", **kind}
        assert "failed" not in drive("container_network", gone)
    assert one.profiles() == []


def test_a_network_has_a_profile_of_vcenter_as_its_pool(networks: Networks) -> None:
    options = {"name": NETWORK, "switch": "DSwitch0", "vlan": 140, "mtu": 1500}
    made = networks.converge(**options, ipv4={**SUBNET, "exclude": ["10.20.0.2-10.20.0.9", "10.20.0.128/25"]})
    assert made["actions"] == [
        f"create {NETWORK} on /DC0/network/DSwitch0",
        f"create the address pools of {NETWORK}: 10.20.0.0/24",
    ]
    assert (made["network"]["vlan"], made["network"]["ipv4"]["ip_range"]) == (140, ["10.20.0.10-10.20.0.127"])
    (profile,) = networks.profiles()
    assert (profile.name, profile.ipv4Config.range, profile.ipv4Config.netmask) == (
        NETWORK,
        "10.20.0.10#118",
        "255.255.255.0",
    )
    assert (profile.ipv4Config.ipPoolEnabled, list(profile.ipv4Config.dns)) == (True, ["10.20.0.2"])
    assert [one.network._moId for one in profile.networkAssociation] == [made["network"]["moid"]]
    changed = networks.converge(**options, ipv4={"subnet": "10.20.0.0/24", "ip_range": ["10.20.0.5"]})
    assert changed["diff"]["before"]["address_pools"][NETWORK]["ipv4"]["gateway"] == "10.20.0.1"
    assert changed["network"]["ipv4"] == {
        "subnet": "10.20.0.0/24",
        "gateway": None,
        "ip_range": ["10.20.0.5"],
        "dns_servers": [],
    }
    assert not networks.run(name=NETWORK, switch="DSwitch0")["changed"]
    # A pool of IPv6 is added to the same profile, which keeps that of IPv4.
    both = networks.converge(**options, ipv6={**SMALL6, "exclude": ["fd00:20::11"]})
    assert both["actions"] == [f"change the address pools of {NETWORK}: 10.20.0.0/24, fd00:20::/64"]
    assert both["network"]["ipv4"]["ip_range"] == ["10.20.0.5"]
    assert both["network"]["ipv6"] == {**SUBNET6, "ip_range": ["fd00:20::10", "fd00:20::12"]}
    (profile,) = networks.profiles()
    config = profile.ipv6Config
    assert (config.subnetAddress, config.netmask) == ("fd00:20::", "ffff:ffff:ffff:ffff::")
    assert (config.range, config.gateway, config.ipPoolEnabled) == ("fd00:20::10#1,fd00:20::12#1", "fd00:20::1", True)
    gone = networks.converge(name=NETWORK, switch="DSwitch0", state="absent")
    assert gone["actions"][-1] == f"remove the address pools of {NETWORK}"
    assert networks.profiles() == []


def test_a_standard_network_has_a_pool_too(networks: Networks) -> None:
    options = {"name": NETWORK, "switch": "vSwitch0", "type": "standard", "cluster": "C0"}
    made = networks.converge(**options, ipv4=SMALL)
    assert networks.profiles()[0].networkAssociation[0].networkName == NETWORK
    assert made["network"]["ipv4"]["subnet"] == "10.20.0.0/24"
    gone = networks.converge(**options, state="absent")
    assert gone["actions"][-1] == f"remove the address pools of {NETWORK}"


def test_the_name_of_another_profile_is_refused(networks: Networks, builder: VmBuilder) -> None:
    inventory = builder.session.inventory(refresh=True)
    network = inventory.network("VM Network", datacenter=inventory.datacenter(builder.lab["datacenter"]))
    pool = vim.vApp.IpPool(
        name=NETWORK, networkAssociation=[vim.vApp.IpPool.Association(network=network.ref, networkName="")]
    )
    datacenter = inventory.datacenter(builder.lab["datacenter"]).ref
    manager = builder.session.content.ipPoolManager
    number = manager.CreateIpPool(datacenter, pool)
    try:
        assert "network protocol profile" in networks.refused(name=NETWORK, switch="DSwitch0", ipv4=SMALL)["msg"]
    finally:
        manager.DestroyIpPool(datacenter, number, True)


def test_a_container_keeps_an_address_of_the_pool_until_it_is_gone(networks: Networks) -> None:
    networks.make(SMALL)
    predicted = networks.container(check=True)
    done = networks.container()
    assert "failed" not in done, done
    (address,) = done["container"]["configured_addresses"]
    assert predicted["container"]["configured_addresses"] == [address]
    assert predicted["diff"]["after"][WEB]["configured_addresses"] == [address]
    vm = networks.builder.vm(WEB)
    assert vm.spec["networks"] == [{"mac": None, "dhcp": False, "address": address, "gateway": "10.20.0.1"}]
    assert vm.spec["dns"]["servers"] == ["10.20.0.2"]
    assert vm.config["gantry.addresses"] == address.removesuffix("/24")
    assert done["container"]["ip_addresses"] == [address.removesuffix("/24")]
    again = networks.container()
    assert not again["changed"], again
    assert len(networks.calls.methods()) <= 10, networks.calls.methods()
    networks.container(state="stopped")
    assert not networks.container(state="stopped")["changed"]
    assert len(networks.calls.methods()) <= 10, networks.calls.methods()
    # A replacement keeps the address, also if the pool is moved away from it.
    networks.make({**SUBNET, "ip_range": ["10.20.0.200-10.20.0.202"]})
    replaced = networks.container(recreate=True)
    assert replaced["container"]["configured_addresses"] == [address]
    assert networks.addresses() == [3, (address.removesuffix("/24"), WEB, True)]
    networks.container(state="absent")
    assert networks.addresses() == [3]


def test_an_exhausted_pool_is_one_message_before_anything_is_created(networks: Networks) -> None:
    networks.make({**SMALL, "exclude": ["10.20.0.12"]})
    lab = networks.builder.lab
    task = {
        **networks.connection,
        "project": "shop",
        "containers": [{"name": WEB, "replicas": 3}],
        "defaults": {"image": IMAGE, "networks": [{"name": NETWORK}], "state": "present"},
        "datacenter": lab["datacenter"],
        "cluster": lab["cluster"],
    }
    refused = drive("container_set", task)
    assert f"The address pool of network {NETWORK} has no free address for {WEB}-3" in refused["msg"]
    assert "2 of its 2 addresses are in use" in refused["msg"]
    assert networks.calls.mutating() == []
    networks.make(SUBNET, ipv6={**SMALL6, "exclude": ["fd00:20::11"]})
    refused = drive("container_set", task)
    assert f"The IPv6 address pool of network {NETWORK} has no free address for {WEB}-3" in refused["msg"]
    assert networks.calls.mutating() == []


def test_a_container_has_an_ipv6_address_of_the_pool_or_what_its_task_says(networks: Networks) -> None:
    networks.make(SMALL, ipv6=SMALL6)
    predicted = networks.container(check=True)
    done = networks.container()
    assert "failed" not in done, done
    (address,), (address6,) = (done["container"][f"configured_{kind}addresses"] for kind in ("", "ipv6_"))
    assert predicted["container"]["configured_ipv6_addresses"] == [address6]
    assert predicted["diff"]["after"][WEB]["configured_ipv6_addresses"] == [address6]
    vm = networks.builder.vm(WEB)
    assert vm.spec["networks"][0]["ipv6"] == {"mode": "static", "address": address6, "gateway": "fd00:20::1"}
    assert vm.spec["dns"]["servers"] == ["10.20.0.2", "fd00:20::53"]
    bare, bare6 = address.removesuffix("/24"), address6.removesuffix("/64")
    assert vm.config["gantry.addresses"] == f"{bare} {bare6}"
    assert done["container"]["ip_addresses"] == [bare, bare6]
    assert networks.addresses() == [2, 2, (bare, WEB, True), (bare6, WEB, True)]
    assert not networks.container()["changed"]
    assert len(networks.calls.methods()) <= 10, networks.calls.methods()
    # Both can be left to the network instead, and the addresses of the pools are free again.
    own = [{"name": NETWORK, "ipv4_address": "dhcp", "ipv6_address": "auto"}]
    changed = networks.container(networks=own)
    assert changed["diff"]["after"][WEB]["configured_ipv6_addresses"] == [None]
    assert networks.builder.vm(WEB).spec["networks"] == [{"mac": None, "dhcp": True, "ipv6": {"mode": "auto"}}]
    assert not networks.container(networks=own)["changed"]
    assert networks.addresses()[:2] == [3, 3]
    only = [{"name": NETWORK, "ipv4_address": "disabled", "ipv6_address": bare6}]
    changed = networks.container(networks=only)
    assert changed["container"]["ip_addresses"] == [bare6]
    taken = networks.container(DB, networks=only)
    assert taken["msg"].startswith(f"networks[0].ipv6_address of container {DB} is {bare6}, which {WEB} has on"), taken


def test_an_address_that_another_vm_has_is_refused_and_not_given(networks: Networks) -> None:
    networks.make({**SMALL, "exclude": ["10.20.0.12"]})
    fixed = [{"name": NETWORK, "ipv4_address": "10.20.0.10"}]
    first = networks.container(DB, networks=fixed)
    assert first["container"]["configured_addresses"] == ["10.20.0.10/24"], first
    refused = networks.container(WEB, networks=fixed)
    assert refused["msg"].startswith(f"networks[0].ipv4_address of container {WEB} is 10.20.0.10, which {DB} has on")
    # What only the guest of another VM reports is taken too.
    networks.builder.set_config(networks.builder.vm(DB).moid, {"gantry.addresses": ""})
    refused = networks.container(WEB, networks=fixed)
    assert f"which the VM {DB} reports on network {NETWORK}" in refused["msg"]
    done = networks.container(WEB, state="present")
    assert done["container"]["configured_addresses"] == ["10.20.0.11/24"]
    gateway = networks.container(f"{PREFIX}third", networks=[{"name": NETWORK, "ipv4_address": "10.20.0.1"}])
    assert "is the gateway" in gateway["msg"]
    outside = networks.container(f"{PREFIX}third", networks=[{"name": NETWORK, "ipv4_address": "10.30.0.1"}])
    assert "has no prefix length" in outside["msg"]
    assert networks.calls.mutating() == []


def test_two_controllers_never_give_one_address_to_two_containers(networks: Networks) -> None:
    ipv6 = {**SUBNET6, "ip_range": ["fd00:20::100-fd00:20::133"]}
    networks.make({**SUBNET, "ip_range": ["10.20.0.10-10.20.0.61"]}, ipv6=ipv6)  # 52 addresses of each
    # Both have chosen their addresses before the first VM exists.
    networks.calls.fault("CloneVM_Task", delay_seconds=2, count=0)
    lab = networks.builder.lab
    runs = []
    for project in ("one", "two"):
        task = {
            **networks.connection,
            "project": project,
            "containers": [{"name": f"{PREFIX}{project}", "replicas": 25}],
            "defaults": {"image": IMAGE, "networks": [{"name": NETWORK}], "state": "present"},
            "datacenter": lab["datacenter"],
            "cluster": lab["cluster"],
        }
        command = [sys.executable, "-m", "tests.support.lab.drive", "container_set", json.dumps(task)]
        runs.append(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
    ended = [run.communicate() for run in runs]
    results = [json.loads(output) for output, _errors in ended]
    assert all("failed" not in result for result in results), [result.get("msg") for result in results]
    given = [one["configured_addresses"][0] for result in results for one in result["containers"]]
    assert len(given) == len(set(given)) == 50
    assert len({one["configured_ipv6_addresses"][0] for result in results for one in result["containers"]}) == 50
    held = {(address, vm) for address, vm, _recorded in networks.addresses()[2:]}
    assert held == {
        (address.partition("/")[0], one["name"])
        for result in results
        for one in result["containers"]
        for address in (*one["configured_addresses"], *one["configured_ipv6_addresses"])
    }
    # Some were chosen by both, so that one of them gave way.
    assert sum(errors.count("change the address of") for _output, errors in ended) > 0
