# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test fifty containers in one run, of which three fail, each at another step. The steps run in this process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.apply import apply_containers
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes import ContainerChange
from ansible_collections.gantry.vsphere.plugins.module_utils._container.desire import desire_container
from ansible_collections.gantry.vsphere.plugins.module_utils._container.observe import observe_containers
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options import container_argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._container.plan import plan_containers
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from tests.support.lab.containers import IMAGE, PREFIX, VmBuilder
from tests.support.lab.control import Control
from tests.support.lab.labs import open_lab

NAMES = [f"{PREFIX}{number:02}" for number in range(50)]
# These exist before the run and are powered off; the configuration of the second ten changes.
KEPT, CHANGED = NAMES[:10], NAMES[10:20]
REFUSED_CHANGE, STARTED_BY_OTHERS = CHANGED[2], KEPT[5]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Start a lab for this file only: hundreds of VMs of other tests would make each clone slow."""
    with open_lab(tmp_path_factory.mktemp("batch-lab"), {"images": []}, running=None) as info:
        yield info


@dataclass(frozen=True)
class Fleet:
    """Many containers with one session, as a module for many containers would use them."""

    builder: VmBuilder

    def plan(self, options: Mapping[str, Mapping[str, Any]]) -> Plan[ContainerChange]:
        lab = self.builder.lab
        common = {
            "datacenter": lab["datacenter"],
            "cluster": lab["cluster"],
            "networks": [{"name": "VM Network"}],
            "image": IMAGE,
            "wait_timeout": 120,
        }
        desired = []
        for name, own in options.items():
            checked = ArgumentSpecValidator(container_argument_spec()).validate({**common, "name": name, **own})
            assert not checked.error_messages
            desired.append(desire_container(checked.validated_parameters))
        observed = observe_containers(self.builder.session, desired, refresh=True)
        return plan_containers(list(zip(desired, observed, strict=True)))

    def apply(self, plan: Plan[ContainerChange]) -> None:
        apply_containers(self.builder.session, plan.changes, lambda _text: None)

    def running(self) -> set[str]:
        rows = self.builder.session.read_all("VirtualMachine", ["name", "runtime.powerState"])
        return {row["name"] for row in rows if row["name"] in NAMES and row["runtime.powerState"] == "poweredOn"}

    def power_on(self, name: str) -> None:
        vm = self.builder.session.ref("VirtualMachine", self.builder.vm(name).moid)
        self.builder.task("power on", vm.PowerOnVM_Task)


def test_two_of_fifty_fail_and_the_next_run_finishes_them(builder: VmBuilder, calls: Control) -> None:
    fleet = Fleet(builder)
    fleet.apply(fleet.plan({name: {"state": "present", "env": {"STEP": "old"}} for name in KEPT + CHANGED}))
    wanted = {name: {"env": {"STEP": "old" if name in KEPT else "new"}} for name in NAMES}
    plan = fleet.plan(wanted)
    assert len(plan.changes) == 30 * 2 + 10 * 2 + 10

    calls.forget()
    calls.fault("CloneVM_Task", "NoDiskSpace", skip=7)
    calls.fault("ReconfigVM_Task", "GenericVmConfigFault", name=REFUSED_CHANGE)
    # What the task wants anyway is no failure.
    fleet.power_on(STARTED_BY_OTHERS)
    calls.forget()
    with pytest.raises(GantryError) as caught:
        fleet.apply(plan)

    shown = {one["name"]: one for one in caught.value.details["subjects"]}
    assert sorted(shown) == NAMES
    failed = {name: one for name, one in shown.items() if one["status"] != "done"}
    (unmade,) = failed.keys() - {REFUSED_CHANGE}
    assert unmade in NAMES[20:]
    faults = {name: (one["status"], one["fault"]["type"]) for name, one in failed.items()}
    assert faults == {
        unmade: ("failed", "NoDiskSpace"),
        REFUSED_CHANGE: ("failed", "GenericVmConfigFault"),
    }
    message = caught.value.message
    assert message.startswith("48 of 50 containers are done, 2 failed.")
    for name, what in ((unmade, "create"), (REFUSED_CHANGE, "reconfigure")):
        assert message.lower().count(f"could not {what} {name}") == 1
    assert fleet.running() == set(NAMES) - {unmade, REFUSED_CHANGE}
    # Reads and waits are shared by all containers.
    requests = Counter(calls.methods())
    assert requests["CreatePropertyCollector"] == 1
    assert requests["CloneVM_Task"] == 30
    # All containers that can start after the same update start with one request, however slowly the clones end.
    assert requests["PowerOnMultiVM_Task"] <= requests["WaitForUpdatesEx"] + 1, requests

    calls.reset()
    again = fleet.plan(wanted)
    assert {change.container for change in again.changes} == {unmade, REFUSED_CHANGE}
    fleet.apply(again)
    assert fleet.running() == set(NAMES)
    assert not fleet.plan(wanted).changed
