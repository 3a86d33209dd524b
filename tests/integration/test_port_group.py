# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""port_group against the lab's vCenter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pyVim.task import WaitForTask
from pyVmomi import vim

from tests.support.lab.control import Control
from tests.support.lab.converging import ConvergingModule
from tests.support.lab.drs import ClusterObserver

SWITCH = "/DC0/network/DSwitch0"
HOSTS = [f"/DC0/host/C0/esx{number}" for number in (1, 2, 3)]
REJECT = {"promiscuous": False, "mac_changes": False, "forged_transmits": False}
ACCEPT = {**REJECT, "mac_changes": True, "forged_transmits": True}
STANDARD = {"type": "standard", "switch": "vSwitch0"}
# A security policy, as (promiscuous, MAC changes, forged transmits), that is inherited from the switch.
NOT_SET = (None, None, None)


class PortGroups(ConvergingModule):
    """Runs port_group, and looks at the networks with pyVmomi alone."""

    module = "port_group"

    def __init__(self, lab: dict[str, Any], calls: Control, observer: ClusterObserver) -> None:
        super().__init__(lab["vcenter"], calls)
        self.observer = observer
        (self.datacenter,) = observer.content.rootFolder.childEntity

    def refusal(self, **options: Any) -> str:
        """Return the message of the failure."""
        return str(self.refused(**options)["msg"])

    def network(self, name: str) -> Any:
        found = [one for one in self.datacenter.networkFolder.childEntity if one.name == name]
        return found[0] if found else None

    def on_host(self, name: str, host: str = "esx1") -> Any:
        """Return the port group in the configuration of a host."""
        (system,) = [one for one in self.observer.cluster.host if one.name == host]
        found = [one for one in system.config.network.portgroup if one.spec.name == name]
        return found[0] if found else None

    def own_security(self, host: str) -> tuple[bool | None, ...]:
        """Return the security policy that the port group back itself has on a host."""
        policy = self.on_host("back", host).spec.policy.security
        return policy.allowPromiscuous, policy.macChanges, policy.forgedTransmits

    def connect(self, vm: str, network: Any) -> None:
        """Give a VM an adapter on the network, as another client would."""
        card = vim.vm.device.VirtualVmxnet3(key=-1)
        if isinstance(network, vim.DistributedVirtualPortgroup):
            switch = network.config.distributedVirtualSwitch
            port = vim.dvs.PortConnection(portgroupKey=network.key, switchUuid=switch.uuid)
            card.backing = vim.vm.device.VirtualEthernetCard.DistributedVirtualPortBackingInfo(port=port)
        else:
            card.backing = vim.vm.device.VirtualEthernetCard.NetworkBackingInfo(deviceName=network.name)
        change = vim.vm.device.VirtualDeviceSpec(operation="add", device=card)
        WaitForTask(self.observer.vm(vm).ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=[change])))

    def disconnect(self, vm: str) -> None:
        cards = [
            one
            for one in self.observer.vm(vm).config.hardware.device
            if isinstance(one, vim.vm.device.VirtualEthernetCard)
        ]
        changes = [vim.vm.device.VirtualDeviceSpec(operation="remove", device=one) for one in cards]
        WaitForTask(self.observer.vm(vm).ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=changes)))


@pytest.fixture
def groups(lab: dict[str, Any], calls: Control) -> Iterator[PortGroups]:
    """Yield what makes port groups, and remove those that a test has made."""
    observer = ClusterObserver(lab, lab["cluster"])
    one = PortGroups(lab, calls, observer)
    before = {network._moId for network in one.datacenter.network}
    yield one
    calls.reset()
    made = [network for network in one.datacenter.network if network._moId not in before]
    for network in made:
        for vm in network.vm:
            one.disconnect(vm.name)
        if isinstance(network, vim.DistributedVirtualPortgroup):
            WaitForTask(network.Destroy_Task())
        else:
            for host in list(network.host):
                host.configManager.networkSystem.RemovePortGroup(network.name)
    for host in observer.cluster.host:
        (switch,) = [other for other in host.config.network.vswitch if other.name == "vSwitch0"]
        if switch.mtu != 1500:
            switch.spec.mtu = 1500
            host.configManager.networkSystem.UpdateVirtualSwitch("vSwitch0", switch.spec)
    observer.close()


def test_a_distributed_port_group_is_created_with_what_is_given(groups: PortGroups) -> None:
    done = groups.converge(name="web", switch="DSwitch0", vlan=120)
    assert done["actions"] == [f"create web on {SWITCH}"]
    made = groups.network("web")
    assert done["port_group"] == {
        "name": "web",
        "moid": made._moId,
        "type": "distributed",
        "switch": SWITCH,
        "vlan": 120,
        "security": REJECT,
        "mtu": 1500,
        "port_allocation": "elastic",
        "ports": 8,
    }
    assert done["diff"]["before"] == {}
    setting = made.config.defaultPortConfig
    assert (setting.vlan.vlanId, made.config.type, made.config.autoExpand) == (120, "earlyBinding", True)
    # What is not given is inherited from the switch.
    assert setting.macManagementPolicy.inherited


def test_only_given_values_are_changed(groups: PortGroups) -> None:
    groups.converge(name="web", switch="DSwitch0", vlan=120, security={"promiscuous": True})
    done = groups.converge(name="web", switch="DSwitch0", security={"forged_transmits": True}, ports=16)
    assert done["actions"] == [
        f"set forged_transmits of web on {SWITCH}: true",
        f"set ports of web on {SWITCH}: 16",
    ]
    assert done["diff"] == {
        "before": {"port_groups": {"web": {SWITCH: {"security": {"forged_transmits": False}, "ports": 8}}}},
        "after": {"port_groups": {"web": {SWITCH: {"security": {"forged_transmits": True}, "ports": 16}}}},
    }
    policy = groups.network("web").config.defaultPortConfig.macManagementPolicy
    assert (policy.allowPromiscuous, policy.macChanges, policy.forgedTransmits) == (True, False, True)
    assert groups.network("web").config.defaultPortConfig.vlan.vlanId == 120
    # False and zero are values.
    groups.converge(name="web", switch="DSwitch0", vlan=0, security={"promiscuous": False})
    assert groups.network("web").config.defaultPortConfig.vlan.vlanId == 0


def test_a_trunk_has_ranges_and_becomes_one_vlan_again(groups: PortGroups) -> None:
    done = groups.converge(name="all", switch="DSwitch0", trunk=["30", "10-12", "13-20"])
    assert done["port_group"]["vlan"] == "10-20,30"
    ranges = groups.network("all").config.defaultPortConfig.vlan.vlanId
    assert [(one.start, one.end) for one in ranges] == [(10, 20), (30, 30)]
    assert not groups.converge(name="all", switch="DSwitch0", trunk=["10-20", "30"])["changed"]
    groups.converge(name="all", switch="DSwitch0", vlan=5)
    assert groups.network("all").config.defaultPortConfig.vlan.vlanId == 5


def test_port_allocations(groups: PortGroups) -> None:
    groups.converge(name="web", switch="DSwitch0", port_allocation="fixed", ports=4)
    config = groups.network("web").config
    assert (config.type, config.autoExpand, config.numPorts) == ("earlyBinding", False, 4)
    done = groups.converge(name="web", switch="DSwitch0", port_allocation="ephemeral")
    assert "ports" not in done["port_group"]
    assert groups.network("web").config.type == "ephemeral"
    assert "creates ports as needed" in groups.refusal(name="web", switch="DSwitch0", ports=4)
    assert groups.converge(name="web", switch="DSwitch0", port_allocation="elastic")["port_group"]["ports"] == 8


def test_the_mtu_is_that_of_the_switch(groups: PortGroups) -> None:
    groups.converge(name="web", switch="DSwitch0")
    done = groups.converge(name="web", switch="DSwitch0", mtu=9000)
    assert done["actions"] == [f"set the MTU of DSwitch0 on {SWITCH}: 9000"]
    assert groups.network("DSwitch0").config.maxMtu == 9000
    groups.converge(name="web", switch="DSwitch0", mtu=1500)
    done = groups.converge(name="back", **STANDARD, hosts=["esx2"], mtu=9000)
    assert [action.split(":")[0] for action in done["actions"]] == [
        f"set the MTU of vSwitch0 on {HOSTS[1]}",
        f"create back on {HOSTS[1]}",
    ]


def test_a_standard_port_group_is_on_all_hosts(groups: PortGroups) -> None:
    done = groups.converge(name="back", **STANDARD, cluster="C0", vlan=130)
    assert sorted(done["actions"]) == [f"create back on {host}" for host in HOSTS]
    network = groups.network("back")
    assert sorted(host.name for host in network.host) == ["esx1", "esx2", "esx3"]
    assert done["port_group"]["moid"] == network._moId
    assert done["port_group"]["hosts"] == {host: {"vlan": 130, "security": ACCEPT, "mtu": 1500} for host in HOSTS}
    # What is inherited from the switch is not written.
    assert groups.own_security("esx1") == NOT_SET


def test_a_standard_port_group_is_completed_where_it_is_missing_or_differs(groups: PortGroups) -> None:
    groups.converge(name="back", **STANDARD, hosts=["esx1"], vlan=130, security={"promiscuous": True})
    done = groups.converge(name="back", **STANDARD, vlan=131)
    assert done["actions"] == [
        f"set vlan of back on {HOSTS[0]}: 131",
        f"create back on {HOSTS[1]}",
        f"create back on {HOSTS[2]}",
    ]
    # The policy of the first host is not given, and stays.
    assert groups.own_security("esx1") == (True, None, None)
    assert groups.own_security("esx2") == NOT_SET
    groups.converge(name="back", **STANDARD, trunk=["0-4094"])
    assert groups.on_host("back").spec.vlanId == 4095


def test_a_port_group_in_use_is_not_removed(groups: PortGroups, lab: dict[str, Any]) -> None:
    Control(lab["control"]).add_vms(1, "on-web-")
    groups.converge(name="web", switch="DSwitch0", vlan=120)
    groups.connect("on-web-0", groups.network("web"))
    assert "in use by on-web-0" in groups.refusal(name="web", switch="DSwitch0", state="absent")
    groups.disconnect("on-web-0")
    done = groups.converge(name="web", switch="DSwitch0", state="absent")
    assert (done["actions"], done["port_group"]) == ([f"remove web from {SWITCH}"], None)
    assert groups.network("web") is None


def test_what_earlier_tasks_remove_is_no_obstacle_for_check_mode(groups: PortGroups, lab: dict[str, Any]) -> None:
    Control(lab["control"]).add_vms(2, "gone-")
    for kind in ({"name": "web", "switch": "DSwitch0"}, {"name": "back", **STANDARD}):
        groups.converge(**kind)
        absent = {**kind, "state": "absent", "assume_removed": ["gone-0", "gone-1"]}
        groups.connect("gone-0", groups.network(kind["name"]))
        assert groups.run(check=True, **absent)["changed"]
        # It is checked again before it is removed.
        result = groups.run(**absent)
        assert "in use by gone-0" in result["msg"]
        assert groups.network(kind["name"]) is not None
        groups.disconnect("gone-0")
        groups.converge(**absent)


def test_a_standard_port_group_is_removed_where_nothing_uses_it(groups: PortGroups, lab: dict[str, Any]) -> None:
    Control(lab["control"]).add_vms(1, "on-back-")
    groups.converge(name="back", **STANDARD)
    host = groups.observer.vm("on-back-0").runtime.host.name
    others = [name for name in ("esx1", "esx2", "esx3") if name != host]
    groups.connect("on-back-0", groups.network("back"))
    assert "in use by on-back-0" in groups.refusal(name="back", **STANDARD, state="absent")
    groups.converge(name="back", **STANDARD, hosts=others, state="absent")
    assert [one.name for one in groups.network("back").host] == [host]


def test_what_vcenter_would_refuse_is_refused_before(groups: PortGroups) -> None:
    assert "no switch 'DSwitch9'" in groups.refusal(name="web", switch="DSwitch9")
    message = groups.refusal(name="back", type="standard", switch="vSwitch9")
    assert f"{HOSTS[0]}, {HOSTS[1]}, {HOSTS[2]} have no virtual switch 'vSwitch9'. They have: vSwitch0." in message
    assert "no hosts 'esx9'" in groups.refusal(name="back", **STANDARD, hosts=["esx9"])
    assert "Network /DC0/network/Backend has its name" in groups.refusal(name="Backend", switch="DSwitch0")
    groups.converge(name="web", switch="DSwitch0")
    assert "DistributedVirtualPortgroup /DC0/network/web has its name" in groups.refusal(name="web", **STANDARD)
    uplinks = next(one.name for one in groups.datacenter.network if "DVUplinks" in one.name)
    assert "the uplinks of DSwitch0" in groups.refusal(name=uplinks, switch="DSwitch0", state="absent")


def test_a_port_group_on_another_virtual_switch_is_not_moved(groups: PortGroups) -> None:
    (host,) = [one for one in groups.observer.cluster.host if one.name == "esx1"]
    system = host.configManager.networkSystem
    system.AddVirtualSwitch("vSwitch1")
    try:
        system.AddPortGroup(
            vim.host.PortGroup.Specification(
                name="back", vswitchName="vSwitch1", vlanId=0, policy=vim.host.NetworkPolicy()
            )
        )
        message = groups.refusal(name="back", **STANDARD, hosts=["esx1"])
        assert "on the virtual switch 'vSwitch1', and it cannot be moved to 'vSwitch0'" in message
        system.RemovePortGroup("back")
    finally:
        system.RemoveVirtualSwitch("vSwitch1")


def test_wrong_values_are_refused(groups: PortGroups) -> None:
    assert "vlan is 4095" in groups.refusal(name="web", switch="DSwitch0", vlan=4095)
    assert "'20-10', which is neither" in groups.refusal(name="web", switch="DSwitch0", trunk=["20-10"])
    assert "'1-5000', which is neither" in groups.refusal(name="web", switch="DSwitch0", trunk=["1-5000"])
    assert "trunk is empty" in groups.refusal(name="web", switch="DSwitch0", trunk=[])
    assert "one VLAN or all of them" in groups.refusal(name="web", **STANDARD, trunk=["1-10"])
    assert "mtu is 500" in groups.refusal(name="web", switch="DSwitch0", mtu=500)
    assert "ports is 0" in groups.refusal(name="web", switch="DSwitch0", ports=0)
    assert "applies to distributed port groups only" in groups.refusal(name="web", **STANDARD, ports=8)
    assert "applies to standard port groups only" in groups.refusal(name="web", switch="DSwitch0", hosts=["esx1"])
    assert "hosts is empty" in groups.refusal(name="web", **STANDARD, hosts=[])
    assert "1 to 80 characters" in groups.refusal(name=" ", switch="DSwitch0")


def test_a_failure_on_one_host_names_the_host(groups: PortGroups) -> None:
    groups.calls.fault("AddPortGroup", "HostConfigFault")
    result = groups.run(name="back", **STANDARD)
    assert "2 of 3 hosts are done, 1 failed." in result["msg"]
    assert "HostConfigFault" in result["msg"]
    done = groups.run(name="back", **STANDARD)
    assert len(done["actions"]) == 1


def test_nothing_to_do_is_two_reads(groups: PortGroups) -> None:
    for options in ({"switch": "DSwitch0", "name": "web"}, {**STANDARD, "name": "back"}):
        groups.converge(**options, vlan=7)
        groups.run(**options, vlan=7)
        assert len(groups.reads()) == 2
        groups.run(**{**options, "name": "none"}, state="absent")
        assert len(groups.reads()) == 2
