# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many operations at a time against vCenter's limits of simultaneous operations, which the lab queues by."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from pyVmomi import vim

from tests.support.lab.background import result_of, running
from tests.support.lab.containers import IMAGE, PREFIX, VmBuilder, building
from tests.support.lab.control import Control
from tests.support.lab.placement import Site, wait_for

HOST_UNITS, DATASTORE_UNITS = 16, 128
# The limits of the collection (_container/apply.py and TaskLimits).
CLONES, TASKS = 32, 64
CONTAINERS, MOVES = 60, 24
WEB, FOREIGN = f"{PREFIX}web", f"{PREFIX}foreign"
MANY = [f"{PREFIX}{number:02}" for number in range(MOVES)]


@pytest.fixture(scope="module")
def builder(lab: dict[str, Any]) -> Iterator[VmBuilder]:
    with building(lab) as one:
        one.make_image(IMAGE, 1, {"Cmd": ["serve"]})
        yield one


@pytest.fixture
def site(lab: dict[str, Any], builder: VmBuilder, calls: Control) -> Iterator[Site]:
    one = Site(lab, builder, calls)
    one.clear()
    yield one
    one.clear()


def containers(site: Site, count: int) -> dict[str, Any]:
    place = {"datacenter": site.lab["datacenter"], "cluster": site.lab["cluster"], "datastore": site.lab["datastore"]}
    return {"project": "shop", "containers": [{"name": WEB, "image": IMAGE, "replicas": count, **place}]}


def running_vms(site: Site) -> list[str]:
    rows = site.builder.session.read_all("VirtualMachine", ["name", "runtime.powerState"])
    return [row["name"] for row in rows if row["name"].startswith(WEB) and row["runtime.powerState"] == "poweredOn"]


def queue_times(site: Site) -> list[tuple[Any, Any]]:
    """Return when each recent task came, and when it was started."""
    (row,) = site.builder.session.read([site.builder.session.content.taskManager], ["recentTask"])
    infos = [one["info"] for one in site.builder.session.read(row["recentTask"], ["info"])]
    return [(info.queueTime, info.startTime) for info in infos]


def occupy(site: Site, count: int, seconds: float) -> Sequence[Any]:
    """Start tasks of another client, which take this long."""
    site.calls.fault("ReconfigVM_Task", delay_seconds=seconds, count=count, name=FOREIGN, in_task=True)
    vm = site.vm(FOREIGN)
    return [vm.ReconfigVM_Task(vim.vm.ConfigSpec(annotation=str(number))) for number in range(count)]


def test_containers_are_created_within_the_limits_of_the_collection_and_of_the_hosts(site: Site) -> None:
    site.calls.fault("CloneVM_Task", delay_seconds=0.3, count=CONTAINERS, in_task=True)
    site.ok("container_set", **containers(site, CONTAINERS))
    assert len(running_vms(site)) == CONTAINERS
    most = site.calls.operations()
    assert 0 < max(most["hosts"].values()) <= CLONES / 2 == HOST_UNITS
    assert sum(most["hosts"].values()) <= CLONES
    assert most["all"] <= TASKS
    # DRS spreads the clones, so that no host has as many as it would queue.
    assert most["queued"] == 0
    assert not site.ok("container_set", **containers(site, CONTAINERS))["changed"]


def test_containers_are_created_although_the_hosts_queue_their_clones(site: Site) -> None:
    site.calls.behave(host_units=2)
    site.calls.fault("CloneVM_Task", delay_seconds=0.1, count=CONTAINERS, in_task=True)
    site.ok("container_set", **containers(site, CONTAINERS))
    assert len(running_vms(site)) == CONTAINERS
    most = site.calls.operations()
    assert set(most["hosts"].values()) == {2}
    assert 0 < most["queued"] <= CLONES
    assert any(start > came for came, start in queue_times(site))
    assert site.calls.operations("now") == {"hosts": {}, "datastores": {}, "networks": {}, "all": 0, "queued": 0}


@pytest.mark.parametrize(
    ("storage", "units"), [(False, {"esx1": 16, "esx2": 16}), (True, {"esx1": 16})], ids=["vMotion", "Storage vMotion"]
)
def test_no_more_moves_are_submitted_than_vcenter_starts_at_once(
    site: Site, storage: bool, units: dict[str, int]
) -> None:
    count = 6 if storage else MOVES
    site.make(*MANY[:count], host="esx1")
    site.calls.reset()
    site.calls.fault("RelocateVM_Task", delay_seconds=0.2, count=count, in_task=True)
    target = {"datastore": "shared1"} if storage else {"host": "esx2"}
    moved = site.ok("vm_vmotion", vms=MANY[:count], **target)
    assert {vm["status"] for vm in moved["vms"]} == {"moved"}
    most = site.calls.operations()
    assert most["hosts"] == units
    assert most["queued"] == 0
    assert all(used <= DATASTORE_UNITS for used in most["datastores"].values())
    assert most["networks"] == ({} if storage else {"esx1": 8, "esx2": 8})


def test_the_moves_of_a_slow_network_are_queued_and_end_well(site: Site) -> None:
    site.make(*MANY[:10], host="esx1")
    site.calls.reset()
    site.calls.behave(network_units=4)
    site.calls.fault("RelocateVM_Task", delay_seconds=0.1, count=10, in_task=True)
    moved = site.ok("vm_vmotion", vms=MANY[:10], host="esx2")
    assert {vm["status"] for vm in moved["vms"]} == {"moved"}
    most = site.calls.operations()
    assert most["networks"] == {"esx1": 4, "esx2": 4}
    assert 0 < most["queued"] <= 4


def test_tasks_of_another_client_make_a_container_wait(site: Site, connection: dict[str, str]) -> None:
    site.builder.create_vm(FOREIGN, {})
    site.calls.behave(operations=3)
    began = time.monotonic()
    occupy(site, 3, 2.0)
    wait_for(lambda: site.calls.operations("now")["all"] == 3)
    with running("container_set", containers(site, 2), connection) as waiting:
        wait_for(lambda: site.calls.operations("now")["queued"] > 0)
        assert running_vms(site) == []
        result = result_of(waiting)
    assert not result.get("failed"), result
    assert len(running_vms(site)) == 2
    assert time.monotonic() - began > 2.0
    assert site.calls.operations()["all"] == 3


def test_tasks_of_another_client_make_a_move_wait(site: Site, connection: dict[str, str]) -> None:
    site.make(*MANY[:2], host="esx1")
    site.builder.create_vm(FOREIGN, {})
    site.calls.behave(operations=2)
    occupy(site, 2, 3600)
    wait_for(lambda: site.calls.operations("now")["all"] == 2)
    # The check before the move is a task, too.
    with running("vm_vmotion", {"vms": MANY[:2], "host": "esx2", "precheck": "skip"}, connection) as waiting:
        wait_for(lambda: site.calls.operations("now")["queued"] == 2)
        assert set(site.hosts(MANY[0]).values()) == {"esx1"}
        looked = site.run("vm_vmotion", vms=MANY[:2], host="esx2", precheck="skip", check=True)
        assert {vm["status"] for vm in looked["vms"]} == {"in_flight"}  # queued, for another controller
        site.calls.release()
        result = result_of(waiting)
    assert {vm["status"] for vm in result["vms"]} == {"moved"}, result
