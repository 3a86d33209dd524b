# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test which container runs a program, and why it is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import OFF, ON, SUSPENDED, Machine
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.model import DesiredExec, ObservedExec
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.plan import plan_exec
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.guest_key import GuestKey
from tests.support.builders.containers import entry

KEY = GuestKey("0123456789abcdef")
WANTED = DesiredExec(
    name="web",
    program="ls",
    arguments="{}",
    timeout=60,
    detach=False,
    strip_empty_ends=True,
    guest_key=KEY,
    datacenter=None,
    folder=None,
)
RUNNING = Machine(
    moid="vm-7",
    name="web",
    path="/DC0/vm/web",
    kind="container",
    power=ON,
    container_id="id-1",
    document={"id": "id-1", "guest_operations": KEY.guest_field("id-1")},
    status={"state": "running"},
    tools_running=True,
)


def plan(*machines: Machine, desired: DesiredExec = WANTED) -> Plan[Any]:
    return plan_exec(desired, ObservedExec(machines=machines))


def test_the_program_runs_with_the_secret_of_the_container() -> None:
    planned = plan(RUNNING)
    assert planned.actions() == ["run ls in web"]
    assert planned.diff() == {"before": {}, "after": {}}
    assert planned.changes[0].secret == KEY.secret("id-1")
    assert KEY.secret("id-1") not in repr(planned)


def test_a_vm_with_the_same_name_that_is_no_container_is_ignored() -> None:
    assert plan(replace(RUNNING, moid="vm-8", kind=None), RUNNING).changes[0].machine == RUNNING


@pytest.mark.parametrize(
    ("machines", "desired", "message"),
    [
        ((), WANTED, "There is no container 'web' that this user can see. Check name and folder."),
        (
            (),
            replace(WANTED, folder="apps", datacenter="DC0"),
            "There is no container 'web' in the folder 'apps' in the datacenter 'DC0' that this user can see",
        ),
        ((replace(RUNNING, kind=None),), WANTED, "The VM /DC0/vm/web is not a container VM"),
        (
            (RUNNING, replace(RUNNING, moid="vm-8", path="/DC0/vm/a/web")),
            WANTED,
            "is the name of 2 containers: /DC0/vm/a/web, /DC0/vm/web. Select one with folder or datacenter",
        ),
        (
            (replace(RUNNING, document={}),),
            WANTED,
            "web permits no guest operations. Enable them",
        ),
        ((RUNNING,), replace(WANTED, guest_key=None), "There is no guest_key, and container web permits only"),
        ((RUNNING,), replace(WANTED, guest_key=GuestKey("another")), "web has the secret of another guest_key"),
        ((replace(RUNNING, power=OFF),), WANTED, "web is not running: its VM is poweredOff"),
        ((replace(RUNNING, power=SUSPENDED),), WANTED, "web is not running: its VM is suspended"),
        ((replace(RUNNING, status=None),), WANTED, "web is not running: its status is booting"),
        ((replace(RUNNING, status={"state": "restarting"}),), WANTED, "its status is restarting"),
        ((replace(RUNNING, status={"state": "exited"}),), WANTED, "its status is exited"),
        ((replace(RUNNING, tools_running=False),), WANTED, "The guest tools of container web are not running"),
    ],
)
def test_a_container_that_cannot_run_the_program_is_refused(
    machines: tuple[Machine, ...], desired: DesiredExec, message: str
) -> None:
    with pytest.raises(GantryError, match=message):
        plan(*machines, desired=desired)


def test_the_certificate_of_a_host_is_known_by_its_name_or_it_is_the_host_of_the_vm() -> None:
    machine = replace(RUNNING, host=entry("host-1", "HostSystem", "ESX1.example.com"))
    observed = ObservedExec(machines=(machine,), host_configs={"esx1.example.com": "AA", "esx2.example.com": "BB"})
    assert observed.host_config("esx2.EXAMPLE.com", machine) == "BB"
    assert observed.host_config("192.0.2.7", machine) == "AA"
    assert observed.host_config("192.0.2.7", RUNNING) is None
