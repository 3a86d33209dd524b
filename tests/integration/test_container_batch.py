# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fifty containers in one batch: what fails for three of them stays with them, and the next run finishes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.apply import apply_containers
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes import ContainerChange
from ansible_collections.gantry.vsphere.plugins.module_utils._container.desire import desire_container
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import DesiredContainer
from ansible_collections.gantry.vsphere.plugins.module_utils._container.observe import observe_containers
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options import container_argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._container.plan import plan_containers
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from tests.support.lab.containers import PREFIX, SUCCESSOR, VmBuilder
from tests.support.lab.control import Control

FIRST = "registry.example.com/app:1"
SECOND = "registry.example.com/app:2"
OTHER = "registry.example.com/other:1"
# Templates are named after their digest and disk; see VmBuilder.make_image().
OTHER_TEMPLATE = f"gantry-image-{'5' * 12}-{'6' * 8}"

CREATED = f"{PREFIX}created"
RECONFIGURED = f"{PREFIX}reconfigured"
REPLACED = f"{PREFIX}replaced"
STARTED = f"{PREFIX}started"
NEW = [f"{PREFIX}new-{number:02}" for number in range(46)]
NAMES = [CREATED, RECONFIGURED, REPLACED, STARTED, *NEW]


@pytest.fixture
def builder(lab: dict[str, Any]) -> Iterator[VmBuilder]:
    one = VmBuilder(lab)
    one.clear(images=True)
    one.upload_bootstrap()
    one.make_image(FIRST, 1, {"Cmd": ["serve"]})
    one.make_image(SECOND, 3, {"Cmd": ["serve", "more"]})
    one.make_image(OTHER, 5, {"Cmd": ["serve"]})
    yield one
    one.clear(images=True)
    one.session.close()


@dataclass(frozen=True)
class Containers:
    """Lists of containers, through the four steps of one run."""

    builder: VmBuilder

    def desire(self, name: str, **options: Any) -> DesiredContainer:
        lab = self.builder.lab
        place = {"datacenter": lab["datacenter"], "cluster": lab["cluster"]}
        given = {"name": name, "image": FIRST, "wait_timeout": 60, **place, **options}
        checked = ArgumentSpecValidator(container_argument_spec()).validate(given)
        assert not checked.error_messages
        return desire_container(checked.validated_parameters)

    def plan(self, wanted: Sequence[DesiredContainer]) -> Plan[ContainerChange]:
        observed = observe_containers(self.builder.session, wanted, refresh=True)
        return plan_containers(list(zip(wanted, observed, strict=True)))

    def run(self, wanted: Sequence[DesiredContainer]) -> Plan[ContainerChange]:
        plan = self.plan(wanted)
        apply_containers(self.builder.session, plan.changes, lambda _text: None)
        return plan


def test_three_of_fifty_fail_at_three_steps_and_the_next_run_finishes_them(builder: VmBuilder, calls: Control) -> None:
    containers = Containers(builder)
    containers.run(
        [
            containers.desire(RECONFIGURED),
            containers.desire(REPLACED),
            containers.desire(STARTED, state="present"),
        ]
    )
    wanted = [
        containers.desire(CREATED, image=OTHER),
        containers.desire(RECONFIGURED, memory="512M"),
        containers.desire(REPLACED, image=SECOND),
        containers.desire(STARTED),
        *(containers.desire(name) for name in NEW),
    ]
    calls.fault("CloneVM_Task", "NoDiskSpace", name=OTHER_TEMPLATE)
    # The old VM is gone by then; the successor does not get its name.
    calls.fault("ReconfigVM_Task", "InvalidState", name=REPLACED + SUCCESSOR)
    # STARTED has nothing before its start, so that the first call is for it alone: all others have tasks that are late.
    calls.fault("PowerOnMultiVM_Task", "InsufficientMemoryResourcesFault")
    calls.fault("CloneVM_Task", delay_seconds=3.0, count=0, in_task=True)
    calls.fault("ReconfigVM_Task", delay_seconds=3.0, in_task=True, name=RECONFIGURED)

    with pytest.raises(GantryError) as caught:
        containers.run(wanted)

    failed = {CREATED: "NoDiskSpace", REPLACED: "InvalidState", STARTED: "InsufficientMemoryResourcesFault"}
    message = caught.value.message
    assert message.startswith("47 of 50 containers are done, 3 failed. ")
    assert message.endswith(" Run again to finish them.")
    assert "Not started" not in message
    # By name, and only they.
    assert {name for name in NAMES if name in message} == set(failed)
    results = {one["name"]: one for one in caught.value.details["subjects"]}
    assert list(results) == NAMES
    assert {name: one["fault"]["type"] for name, one in results.items() if one["status"] == "failed"} == failed
    assert {name for name, one in results.items() if one["status"] == "done"} == set(NAMES) - set(failed)
    assert results[CREATED]["actions"] == results[STARTED]["actions"] == []
    assert results[REPLACED]["actions"] == [
        f"create the successor of {REPLACED} from {SECOND} (another image)",
        f"stop {REPLACED}",
        f"remove {REPLACED}",
    ]
    assert results[RECONFIGURED]["actions"] == [
        f"stop {RECONFIGURED}",
        f"reconfigure {RECONFIGURED}: memory",
        f"start {RECONFIGURED}",
    ]
    assert results[NEW[0]]["actions"] == [f"create {NEW[0]} from {FIRST}", f"start {NEW[0]}"]

    calls.reset()
    finished = containers.run(wanted)

    # Nothing is done to the forty-seven, and what was done for the three is not done again.
    assert finished.actions() == [
        f"create {CREATED} from {OTHER}",
        f"start {CREATED}",
        f"rename {REPLACED}{SUCCESSOR} to {REPLACED}",
        f"start {REPLACED}",
        f"start {STARTED}",
    ]
    assert not containers.plan(wanted).changed
    assert {name: builder.vm(name).power for name in (*failed, NEW[0], NEW[-1])} == dict.fromkeys(
        (*failed, NEW[0], NEW[-1]), "poweredOn"
    )
    assert builder.vm(RECONFIGURED).memory_mb == 512
    assert builder.vm(REPLACED).config["gantry.image"] == SECOND
    assert builder.vms(REPLACED + SUCCESSOR) == []
