# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test that a run killed between any two of its changes is finished by the next one, and nothing is left over.

The runs are in this process and not by ansible-playbook, because there is one for each change to be killed at.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.gantry.vsphere.plugins.module_utils._container.operation import ContainerVm
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import vim
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.settings import ConnectionSettings
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.stub import _may_change
from tests.support.lab.containers import PREFIX, SUCCESSOR, Vm, VmBuilder, building
from tests.support.lab.drive import drive

NAME = f"{PREFIX}web"
FIRST = "registry.example.com/app:1"
SECOND = "registry.example.com/app:2"
VOLUME = f"{PREFIX}data"
NETWORKS = [{"name": "VM Network"}, {"name": "VM Network"}]


class KilledError(BaseException):
    """A simulated kill of the process, which no code catches."""


@pytest.fixture(scope="module")
def builder(lab: dict[str, Any]) -> Iterator[VmBuilder]:
    with building(lab) as one:
        one.make_image(FIRST, 1, {"Cmd": ["serve"]})
        one.make_image(SECOND, 3, {"Cmd": ["serve", "more"]})
        volume = {**lab["vcenter"], "name": VOLUME}
        drive("container_volume", {**volume, "size": "64M", "datastore": lab["datastore"]})
        yield one
        drive("container_volume", {**volume, "state": "absent", "confirm_data_loss": True})


@dataclass(frozen=True)
class Kill:
    """When a run is killed: right after a number of mutating requests, or right before the next one."""

    after: int
    at_once: bool

    def is_due(self, session: Session, method: str) -> bool:
        return session.stub.changes >= self.after and (self.at_once or _may_change(method))


def run(lab: Mapping[str, Any], options: Mapping[str, Any], kill: Kill | None = None) -> bool:
    """container_vm in this process; whether it came to its end."""
    operation = ContainerVm()
    vcenter = lab["vcenter"]
    connection = {key: vcenter[key] for key in ("hostname", "port", "username", "password", "ca_path")}
    place = {"datacenter": lab["datacenter"], "cluster": lab["cluster"]}
    given = {**connection, **place, "name": NAME, "wait_timeout": 30, **options}
    checked = ArgumentSpecValidator(dict(operation.argument_spec)).validate(given)
    assert not checked.error_messages
    desired = operation.desire(checked.validated_parameters)
    session = Session(ConnectionSettings.from_params(checked.validated_parameters))
    send = session.stub.InvokeMethod

    def invoke(mo: Any, info: Any, *args: Any) -> Any:
        if kill is not None and kill.is_due(session, info.wsdlName):
            raise KilledError
        return send(mo, info, *args)

    session.stub.InvokeMethod = invoke  # type: ignore[method-assign]
    try:
        observed = operation.observe(session, desired)
        plan = operation.plan(desired, observed)
        if plan.changed:
            operation.apply(session, desired, observed, plan, lambda _text: None)
        session.close()
    except KilledError:
        session.stub.DropConnections()
        return False
    return True


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


def await_tasks(builder: VmBuilder) -> None:
    """Wait until vCenter has done what the killed run has submitted: meanwhile the next run is told to run again."""
    deadline = time.monotonic() + 60
    while any(task.info.state in ("queued", "running") for task in builder.session.content.taskManager.recentTask):
        assert time.monotonic() < deadline


def check(container: Vm, wanted: Mapping[str, Any]) -> None:
    assert container.power == "poweredOn"
    assert "gantry.start_pending" not in container.config
    assert container.config["gantry.kind"] == "container"
    assert container.config["gantry.image"] == wanted["image"]
    volumes = [disk for disk in container.of_kind(vim.vm.device.VirtualDisk) if disk.vDiskId is not None]
    assert len(volumes) == len(wanted.get("volumes", ()))
    cards = sorted(container.of_kind(vim.vm.device.VirtualEthernetCard), key=lambda card: card.key)
    assert [network["mac"] for network in container.spec["networks"]] == [card.macAddress for card in cards]
