# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test that port groups that are made at run time separate the traffic of containers by their VLANs.

One of them gives the containers addresses from a pool.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.guests.containers import Containers

NAMES = ("vlan-server", "vlan-neighbor", "vlan-stranger")
# Static busybox cannot look up the port of http, as wget does.
ASK = r"printf 'GET / HTTP/1.0\r\n\r\n' | nc -w 5 $SERVER 80"


def _port_group(containers: Containers, name: str, **options: Any) -> None:
    containers.direct({"gantry.vsphere.port_group": {"name": name, "switch": "DSwitch0", **options}}).ok()


def _network(containers: Containers, **options: Any) -> None:
    task = {"name": "red", "switch": "DSwitch0", **options}
    containers.direct({"gantry.vsphere.container_network": task}).ok()


@pytest.fixture
def _groups(containers: Containers) -> Iterator[None]:
    """Make two port groups of one VLAN and one of another; remove them and the containers on them afterwards."""
    for name, vlan in (("blue", 120), ("azure", 120), ("red", 121)):
        _port_group(containers, name, vlan=vlan)
    yield
    for name in NAMES:
        containers.remove(name)
    for name in ("blue", "azure"):
        _port_group(containers, name, state="absent")
    _network(containers, state="absent")


def _ask(containers: Containers, name: str, script: str, network: dict[str, Any], server: str) -> None:
    containers.run(
        name,
        image="tiny",
        entrypoint=["/bin/sh", "-c"],
        command=[script],
        env={"SERVER": server},
        networks=[network],
        wait=False,
    )


@pytest.mark.usefixtures("_groups")
def test_containers_of_one_vlan_talk_and_others_do_not(containers: Containers) -> None:
    server, neighbor, stranger = NAMES
    # The addresses of a new VLAN come from the lab's DHCP.
    started = containers.run(server, image="tiny", networks=[{"name": "blue"}])
    address = started["container"]["ip_addresses"][0]
    subnet = address.rpartition(".")[0]

    _ask(containers, neighbor, ASK, {"name": "azure"}, address)
    over = containers.wait_until_over(neighbor)
    assert over["log"].endswith("tiny\n"), over

    # It gets an address of the same subnet from the pool, so that only its VLAN separates it.
    _network(containers, ipv4={"subnet": f"{subnet}.0/24", "ip_range": [f"{subnet}.9"]})
    own = {"name": "red"}
    _ask(containers, stranger, f"{ASK} || echo nobody", own, address)
    over = containers.wait_until_over(stranger)
    assert over["configured_addresses"] == [f"{subnet}.9/24"]
    assert over["log"].endswith("nobody\n"), over
    assert "tiny" not in over["log"]

    # A running container follows its port group to another VLAN.
    containers.remove(stranger)
    _ask(containers, stranger, f"until {ASK}; do sleep 1; done", own, address)
    _port_group(containers, "red", vlan=120)
    assert containers.wait_until_over(stranger)["log"].endswith("tiny\n")
