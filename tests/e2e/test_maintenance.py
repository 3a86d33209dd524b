# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test that a stack of running containers leaves a host for maintenance without a stop, and the host returns."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.guests.containers import PATIENCE, Containers
from tests.support.guests.machine import SMALLEST_MIB

STACK = "shop"
NAMES = [f"shop-{number}" for number in range(1, 7)]
_SELECTOR = {"com.docker.compose.project": STACK}


@pytest.fixture
def stack(containers: Containers) -> Iterator[list[str]]:
    """Start six containers."""
    options = {
        "image": containers.image("tiny"),
        "entrypoint": ["/bin/sleep", "100000"],
        "command": [],
        "labels": _SELECTOR,
        "memory": f"{SMALLEST_MIB}M",
        "networks": [{"name": "VM Network"}],
        "wait_timeout": 2 * PATIENCE,
    }
    containers.direct([{"gantry.vsphere.container_vm": {"name": name, **options}} for name in NAMES]).ok()
    yield NAMES
    gone = {"state": "absent", "force_kill": True}
    containers.direct([{"gantry.vsphere.container_vm": {"name": name, **gone}} for name in NAMES]).ok()


def _look(containers: Containers) -> dict[str, dict[str, Any]]:
    """Return the containers when all have addresses: after a move, the guest tools report them anew."""
    deadline = time.monotonic() + PATIENCE
    while True:
        found = containers.direct({"gantry.vsphere.container_vm_info": {"labels": _SELECTOR}}).ok().last["containers"]
        if all(container["ip_addresses"] for container in found):
            return {container["name"]: container for container in found}
        assert time.monotonic() < deadline, found
        time.sleep(0.5)


def _life(container: dict[str, Any]) -> dict[str, Any]:
    """Return the values that a restart of the container would change."""
    return {key: container[key] for key in ("state", "started_at", "restart_count", "ip_addresses")}


def test_six_containers_leave_a_host_for_maintenance_and_it_returns(containers: Containers, stack: list[str]) -> None:
    before = _look(containers)
    assert sorted(before) == stack
    host = containers.lab["hosts"][0]
    gathered = {"gantry.vsphere.vm_vmotion": {"vms": [{"stack": STACK}], "host": host}}
    containers.direct(gathered).ok()
    assert {container["host"] for container in _look(containers).values()} == {host}

    entered = {"gantry.vsphere.host_maintenance": {"host": host, "timeout": PATIENCE}}
    result = containers.direct(entered).ok().last.result
    assert result["host"]["maintenance"]
    # The templates of the images that are on the host move first.
    live = [moved["name"] for moved in result["evacuated"] if moved["mode"] != "template"]
    assert sorted(live) == stack
    assert {moved["mode"] for moved in result["evacuated"]} <= {"live", "template"}
    away = _look(containers)
    assert host not in {container["host"] for container in away.values()}
    assert {name: _life(one) for name, one in away.items()} == {name: _life(one) for name, one in before.items()}

    left = {"gantry.vsphere.host_maintenance": {"host": host, "state": "absent"}}
    assert not containers.direct(left).ok().last["host"]["maintenance"]
    containers.direct(gathered).ok()
    back = _look(containers)
    assert {container["host"] for container in back.values()} == {host}
    assert {name: _life(one) for name, one in back.items()} == {name: _life(one) for name, one in before.items()}
