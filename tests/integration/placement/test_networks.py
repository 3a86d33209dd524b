# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Containers and VMs on networks that are not standard port groups, in the lab's vCenters with nothing booted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.lab.containers import PREFIX, VmBuilder
from tests.support.lab.control import Control
from tests.support.lab.placement import NETWORK, Site, destination

FRONT = "Front"  # a port group of the distributed switch DSwitch0
OPAQUE = "Overlay"  # a segment of NSX without a port group
SEGMENT = "Tenant"  # a port group of each of the distributed switches DSwitch0 and DSwitch1
IMAGE = "registry.example.com/app:1"
NAME, OTHER = f"{PREFIX}a", f"{PREFIX}b"


@pytest.fixture(scope="module")
def image(builder: VmBuilder) -> Iterator[str]:
    """Yield the reference of an image, with no other images or containers in the lab."""
    builder.clear(images=True)
    builder.upload_bootstrap()
    builder.make_image(IMAGE, 1, {"Cmd": ["serve"]})
    yield IMAGE
    builder.clear(images=True)


@pytest.fixture
def site(lab: dict[str, Any], builder: VmBuilder, calls: Control, image: str) -> Iterator[Site]:
    one = Site(lab, builder, calls)
    yield one
    one.clear()


def run(site: Site, *networks: str, **options: Any) -> dict[str, Any]:
    """Run container_vm with these networks."""
    names = [{"name": name} for name in networks]
    return site.ok("container_vm", name=NAME, image=IMAGE, cluster="C0", networks=names, **options)


def networks(site: Site, name: str) -> list[str]:
    """Return the names of a VM's networks, as vCenter has them."""
    return [network.name for network in site.vm(name).network]


@pytest.mark.parametrize("kind", [FRONT, OPAQUE])
def test_a_container_converges_on_a_network_of_each_kind(site: Site, kind: str) -> None:
    assert run(site, kind)["changed"]
    assert networks(site, NAME) == [kind]
    again = run(site, kind)
    assert (again["changed"], again["actions"]) == (False, [])
    moved = run(site, NETWORK)
    assert (moved["changed"], networks(site, NAME)) == (True, [NETWORK])
    back = run(site, kind)
    shown = [back["diff"][side][NAME]["network_adapters"][0]["network"] for side in ("before", "after")]
    assert shown == [NETWORK, kind]
    assert networks(site, NAME) == [kind]


@pytest.mark.parametrize("kind", [FRONT, OPAQUE])
def test_a_vm_gets_a_network_of_each_kind_and_keeps_it(site: Site, second: Site, kind: str) -> None:
    site.make(OTHER, host="esx1")
    mapped = site.ok("vm_vmotion", vms=[OTHER], host="esx2", network_mapping={NETWORK: kind})
    assert mapped["vms"][0]["to"]["networks"] == [kind]
    assert networks(site, OTHER) == [kind]
    again = site.ok("vm_vmotion", vms=[OTHER], host="esx2", network_mapping={NETWORK: kind})
    assert (again["changed"], again["vms"][0]["status"]) == (False, "in_place")
    moved = site.ok("vm_vmotion", vms=[OTHER], host="esx3")
    assert moved["vms"][0]["to"] == {**mapped["vms"][0]["to"], "host": "esx3"}
    assert networks(site, OTHER) == [kind]
    # The other vCenter has a network of this name, with another key or id.
    away = site.ok("vm_vmotion", vms=[OTHER], destination_vcenter=destination(second))
    assert away["vms"][0]["status"] == "moved"
    assert networks(second, OTHER) == [kind]


def switch_of(site: Site, name: str) -> str:
    """Return the distributed switch of a VM's network."""
    (network,) = site.vm(name).network
    return str(network.config.distributedVirtualSwitch.name)


def test_port_groups_of_the_same_name_are_told_apart_by_their_switches(site: Site) -> None:
    names = [{"name": SEGMENT}]
    refused = site.refused("container_vm", name=NAME, image=IMAGE, cluster="C0", networks=names)["msg"]
    for switch in ("DSwitch0", "DSwitch1"):
        assert f"/DC0/network/{switch}/{SEGMENT} (dvportgroup-" in refused
    run(site, f"DSwitch1/{SEGMENT}")
    assert switch_of(site, NAME) == "DSwitch1"
    assert not run(site, f"DSwitch1/{SEGMENT}")["changed"]
    assert run(site, f"DSwitch0/{SEGMENT}")["changed"]
    assert switch_of(site, NAME) == "DSwitch0"


def test_a_vm_is_moved_from_a_port_group_to_one_of_the_same_name(site: Site, second: Site) -> None:
    site.make(OTHER, host="esx1")
    site.ok("vm_vmotion", vms=[OTHER], network_mapping={NETWORK: f"DSwitch1/{SEGMENT}"})
    # The one that is not used is mapped, too, and nothing moves to it.
    mapping = {f"DSwitch1/{SEGMENT}": f"DSwitch0/{SEGMENT}", f"DSwitch0/{SEGMENT}": FRONT}
    assert site.ok("vm_vmotion", vms=[OTHER], network_mapping=mapping)["changed"]
    assert switch_of(site, OTHER) == "DSwitch0"
    refused = site.refused("vm_vmotion", vms=[OTHER], destination_vcenter=destination(second))
    assert [blocker["code"] for blocker in refused["blockers"]] == ["network_missing"]
    assert f"has 2 networks '{SEGMENT}'" in refused["msg"]
    there = destination(second, network_mapping={SEGMENT: f"DSwitch1/{SEGMENT}"})
    site.ok("vm_vmotion", vms=[OTHER], destination_vcenter=there)
    assert switch_of(second, OTHER) == "DSwitch1"


def test_the_port_groups_of_uplinks_are_not_networks(site: Site) -> None:
    known = [network.name for network in site.host("esx1").network]
    (uplinks,) = [name for name in known if name.startswith("DSwitch0-DVUplinks")]
    refused = site.refused("container_vm", name=NAME, image=IMAGE, cluster="C0", networks=[{"name": uplinks}])["msg"]
    assert f"There is no network '{uplinks}' in /DC0. There are: " in refused
    assert uplinks not in refused.partition("There are: ")[2]
    (cluster, *_others) = site.ok("cluster_info")["clusters"]
    assert FRONT in cluster["networks"]
    assert uplinks not in cluster["networks"]
