# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test that a run killed between any two of its changes is finished by the next one, and nothing is left over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._container.operation import ContainerVm
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import vim
from tests.support.lab.containers import PREFIX, SUCCESSOR, Vm, VmBuilder, building
from tests.support.lab.drive import drive
from tests.support.lab.interrupted import Kill, await_tasks, run_until_killed

NAME = f"{PREFIX}web"
FIRST = "registry.example.com/app:1"
SECOND = "registry.example.com/app:2"
VOLUME = f"{PREFIX}data"
NETWORKS = [{"name": "VM Network"}, {"name": "VM Network"}]


@pytest.fixture(scope="module")
def builder(lab: dict[str, Any]) -> Iterator[VmBuilder]:
    with building(lab) as one:
        one.make_image(FIRST, 1, {"Cmd": ["serve"]})
        one.make_image(SECOND, 3, {"Cmd": ["serve", "more"]})
        volume = {**lab["vcenter"], "name": VOLUME}
        drive("container_volume", {**volume, "size": "64M", "datastore": lab["datastore"]})
        yield one
        drive("container_volume", {**volume, "state": "absent", "confirm_data_loss": True})


def run(lab: Mapping[str, Any], options: Mapping[str, Any], kill: Kill | None = None) -> bool:
    """Run container_vm in this process; return whether it came to its end."""
    vcenter = lab["vcenter"]
    connection = {key: vcenter[key] for key in ("hostname", "port", "username", "password", "ca_path")}
    place = {"datacenter": lab["datacenter"], "cluster": lab["cluster"]}
    given = {**connection, **place, "name": NAME, "wait_timeout": 30, **options}
    return run_until_killed(ContainerVm(), given, kill) is not None


# From the first state to the second.
CHANGES: dict[str, tuple[dict[str, Any] | None, dict[str, Any]]] = {
    "create": (None, {"image": FIRST, "networks": NETWORKS}),
    # What runs must run again, although the task does not ask for it.
    "replace": (
        {"image": FIRST, "volumes": [f"{VOLUME}:/data"]},
        {"image": SECOND, "networks": NETWORKS, "volumes": [f"{VOLUME}:/data"], "state": "present"},
    ),
    "reconfigure": (
        {"image": FIRST},
        {"image": FIRST, "networks": NETWORKS, "env": {"A": "b"}, "memory": "512M", "state": "present"},
    ),
    "remove": ({"image": FIRST}, {"state": "absent"}),
}


@pytest.mark.parametrize("at_once", [True, False], ids=["submitted", "done"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_run_killed_between_changes_is_finished_by_the_next(
    lab: dict[str, Any], builder: VmBuilder, change: str, at_once: bool
) -> None:
    before, after = CHANGES[change]
    changes, finished = 0, False
    while not finished:
        if before is not None:
            run(lab, before)
        finished = run(lab, after, Kill(changes, at_once))
        await_tasks(builder)
        run(lab, after)
        assert builder.vms(NAME + SUCCESSOR) == [], changes
        if after.get("state") == "absent":
            assert builder.vms(NAME) == [], changes
        else:
            check(builder.vm(NAME), after)
        builder.clear()
        changes += 1
    assert changes > 2


def check(container: Vm, wanted: Mapping[str, Any]) -> None:
    assert container.power == "poweredOn"
    assert "gantry.start_pending" not in container.config
    assert container.config["gantry.kind"] == "container"
    assert container.config["gantry.image"] == wanted["image"]
    volumes = [disk for disk in container.of_kind(vim.vm.device.VirtualDisk) if disk.vDiskId is not None]
    assert len(volumes) == len(wanted.get("volumes", ()))
    cards = sorted(container.of_kind(vim.vm.device.VirtualEthernetCard), key=lambda card: card.key)
    assert [network["mac"] for network in container.spec["networks"]] == [card.macAddress for card in cards]
