# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several tasks that give addresses at the same time, in any order of their requests."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gantry.vsphere.plugins.module_utils._address_pool.model import (
    AddressedVm,
    AddressPool,
    AddressRange,
    AssignedAddress,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.apply_addresses import hold_addresses
from ansible_collections.gantry.vsphere.plugins.module_utils._container.apply_batch import ContainerSubject, Workbench
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import Machine
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.batch import Gather, Watch
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import Job
from tests.support.builders.containers import DATACENTER

NETWORK = frozenset({"net0"})


def pool_of(size: int) -> AddressPool:
    first = IPv4Address("10.0.0.1")
    return AddressPool("front", IPv4Network("10.0.0.0/24"), (AddressRange(first, first + size - 1),), networks=NETWORK)


@dataclass
class World:
    """The records of VMs, as all tasks see them, and which VMs have been started."""

    records: dict[str, tuple[str, ...]] = field(default_factory=dict)
    started: set[str] = field(default_factory=set)

    def ref(self, _kind: str, moid: str) -> VmHandle:
        return VmHandle(self, moid)

    def vms(self) -> list[AddressedVm]:
        return [
            AddressedVm(moid, f"name of {moid}", NETWORK, addresses, running=moid in self.started)
            for moid, addresses in self.records.items()
        ]


@dataclass
class VmHandle:
    world: World
    moid: str

    def ReconfigVM_Task(self, spec: Any) -> None:  # noqa: N802 - the API's name
        values = {option.key: option.value for option in spec.extraConfig}
        self.world.records[self.moid] = tuple(values["gantry.addresses"].split())


class Task:
    """One task that has chosen an address: it writes its VM, makes sure of the address, and starts the VM."""

    def __init__(self, world: World, number: int, address: str, pool: AddressPool, *, fixed: bool = False) -> None:
        self.world, self.moid = world, f"vm-{number}"
        self.first = address
        network = {"mac": None, "dhcp": False, "address": pool.interface(address), "gateway": None}
        self.machine = Machine(
            self.moid,
            f"web-{number}",
            "/DC0/web",
            "container",
            datacenter=DATACENTER,
            document={"networks": [network]},
        )
        bench = Workbench(world)  # type: ignore[arg-type]
        bench.promise(pool, address)
        subject = ContainerSubject("1", self.machine.name, (), bench=bench)
        claim = AssignedAddress(address, pool, fixed=fixed)
        self.flow: Generator[Any, Any, Machine] = hold_addresses(subject, self.machine, (claim,))
        self.request: Any = None
        self.state = "planned"
        self.error: GantryError | None = None

    @property
    def over(self) -> bool:
        return self.state in ("started", "failed")

    def step(self, *, patient: bool) -> None:
        """Do the next thing. A wait that is not over goes on if the task is patient, and else ends in vain."""
        if self.state == "planned":
            self.world.records[self.moid] = (self.first,)
            self.state = "written"
            self._resume(None)
        elif isinstance(self.request, Gather):
            self._resume(self.world.vms())
        elif isinstance(self.request, Watch):
            self._watch(patient=patient)
        elif isinstance(self.request, Job):
            self.request.start()
            self._resume(None)
        else:
            raise TypeError(self.request)

    def _watch(self, *, patient: bool) -> None:
        moid = self.request.vm.moid
        record = " ".join(self.world.records.get(moid, ()))
        power = "poweredOn" if moid in self.world.started else "poweredOff"
        values = {'config.extraConfig["gantry.addresses"]': record, "runtime.powerState": power}
        if self.request.watcher.seen(values):
            self._resume(True)
        elif not patient:
            self._resume(False)

    def _resume(self, answer: Any) -> None:
        try:
            self.request = self.flow.send(answer)
        except StopIteration as end:
            self.machine = end.value
            self.world.started.add(self.moid)
            self.state = "started"
        except GantryError as error:
            self.state, self.error = "failed", error


def run(tasks: list[Task], order: list[tuple[int, bool]]) -> None:
    """Let the tasks go on in this order of their numbers, and then in turn until all are over."""
    world = tasks[0].world
    more = [(turn, turn % 7 != 0) for turn in range(2000)]
    for number, patient in [*order, *more]:
        left = [task for task in tasks if not task.over]
        if not left:
            return
        left[number % len(left)].step(patient=patient)
        used = [address for moid in world.started for address in world.records[moid]]
        assert len(used) == len(set(used)), world.records
    raise AssertionError(f"these tasks do not end: {[task.moid for task in tasks if not task.over]}")


ORDERS = st.lists(st.tuples(st.integers(0, 11), st.booleans()), max_size=60)


@given(order=ORDERS, choices=st.lists(st.integers(1, 6), min_size=2, max_size=6), spare=st.integers(0, 3))
def test_of_two_vms_with_one_address_only_one_keeps_it(
    order: list[tuple[int, bool]], choices: list[int], spare: int
) -> None:
    """Whoever is first to write, to read, to wait or to start: all containers get addresses, and all different."""
    world, pool = World(), pool_of(6 + spare)
    tasks = [Task(world, number, f"10.0.0.{choice}", pool) for number, choice in enumerate(choices, start=8)]
    run(tasks, order)
    assert [task.error for task in tasks] == [None] * len(tasks)
    for task in tasks:
        (recorded,) = world.records[task.moid]
        assert (task.machine.document or {})["networks"][0]["address"] == f"{recorded}/24"


@given(order=ORDERS, numbers=st.permutations([9, 10, 11]))
def test_no_more_containers_are_started_than_a_pool_has_addresses(
    order: list[tuple[int, bool]], numbers: list[int]
) -> None:
    world, pool = World(), pool_of(2)
    tasks = [Task(world, number, "10.0.0.1", pool) for number in numbers]
    run(tasks, order)
    failed = [task for task in tasks if task.error is not None]
    assert len(world.started) <= 2
    assert failed
    for task in failed:
        assert "no address left" in str(task.error)
        # It holds nothing, and would use DHCP if somebody started it.
        assert world.records[task.moid] == ()


def test_an_address_that_the_task_gives_is_not_replaced() -> None:
    world, pool = World(), pool_of(6)
    world.records["vm-7"] = ("10.0.0.1",)
    task = Task(world, 8, "10.0.0.1", pool, fixed=True)
    run([task], [])
    assert task.error is not None
    assert task.error.message.startswith("The address 10.0.0.1 of container web-8 was given to name of vm-7")
    assert world.records == {"vm-7": ("10.0.0.1",), "vm-8": ()}


@pytest.mark.parametrize("other", ["own", "another network"])
def test_what_is_no_rival_does_not_matter(other: str) -> None:
    world, pool = World(), pool_of(6)
    world.records["vm-7"] = ("10.0.0.1",)
    task = Task(
        world, 8, "10.0.0.1", replace(pool, networks=frozenset({"net1"})) if other == "another network" else pool
    )
    if other == "own":
        claim = AssignedAddress("10.0.0.1", pool, own=frozenset({"vm-7"}))
        subject = ContainerSubject("1", "web-8", (), bench=Workbench(world))  # type: ignore[arg-type]
        task.flow = hold_addresses(subject, task.machine, (claim,))
    run([task], [])
    assert world.records["vm-8"] == ("10.0.0.1",)
