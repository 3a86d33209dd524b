# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare `true` in a running container by tasks of container_vm_exec with the same calls of vSphere's API alone.

The lab boots the container and has 500 other VMs. Both sides log in each time; the calls alone are made by one process,
which has found the VM's secret before.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

from pyVmomi import vim

from ansible_collections.gantry.vsphere.plugins.module_utils._guest.guest_key import GuestKey
from benchmarks.measure import Cost, cost_of, report
from benchmarks.playing import Bench, Task, bench
from tests.support.guests.operations import GuestOperations
from tests.support.guests.vcenter import find, session

OTHERS = 500
TASKS = 5
RUNS = 3

_NAME, _KEY = "bench-exec", "key of a benchmark"
_EXEC: Task = {"gantry.vsphere.container_vm_exec": {"name": _NAME, "guest_key": _KEY, "argv": ["true"]}}
_NOTHING: Task = {"ansible.builtin.meta": "noop"}


def _start(one: Bench) -> str:
    """Start the container and return its secret."""
    datastore = {"datastore": one.info["datastore"]}
    image = one.info["images"]["tiny"]
    container = {"name": _NAME, "image": image, "command": ["sleep", "100000"], "memory": "128M", "stop_timeout": 1}
    tasks: list[Task] = [
        {"gantry.vsphere.bootstrap_image": {"src": one.info["bootstrap_iso"], **datastore}},
        {"gantry.vsphere.container_image": {"name": image, "registry_tls_verify": False, **datastore}},
        {
            "gantry.vsphere.container_vm": {
                **container,
                **datastore,
                "networks": [{"name": "VM Network"}],
                "guest_operations": True,
                "guest_key": _KEY,
                "wait_timeout": 600,
            }
        },
    ]
    cost_of(one.playbook("start", tasks), one.environment)
    with session(one.info) as content:
        vm = find(content, vim.VirtualMachine, _NAME)
        (identity,) = (option.value for option in vm.config.extraConfig if option.key == "gantry.id")
    return GuestKey(_KEY).secret(identity)


def _calls_alone(info: Any, secret: str) -> float:
    """Return the seconds that the calls take, from the login to the logout."""
    begin = time.monotonic()
    with session(info) as content:
        vm = content.searchIndex.FindByInventoryPath(f"{info['datacenter']}/vm/{_NAME}")
        result = GuestOperations(content, vm, secret).run("true")
    assert result["rc"] == 0, result
    return time.monotonic() - begin


def _task(one: Bench) -> Cost:
    """Return the cost of one task in a playbook of several, without that of the playbook."""
    all_tasks = cost_of(one.playbook("exec", [_EXEC] * TASKS), one.environment)
    none = cost_of(one.playbook("nothing", [_NOTHING]), one.environment)
    return Cost((all_tasks.wall - none.wall) / TASKS, (all_tasks.cpu - none.cpu) / TASKS)


def main() -> None:
    with bench(images=["tiny"], hypervisor="qemu") as one:
        secret = _start(one)
        one.control.add_vms(OTHERS, "idle-")
        alone = statistics.median(_calls_alone(one.info, secret) for _run in range(RUNS * TASKS))
        costs = [_task(one) for _run in range(RUNS)]
        one.control.forget()
        cost_of(one.playbook("exec", [_EXEC]), one.environment)
        requests = len(one.control.methods())
    wall = statistics.median(cost.wall for cost in costs)
    report(
        "exec",
        [
            ("container_vm_exec, wall seconds of a task", wall),
            ("container_vm_exec, CPU seconds of a task", statistics.median(cost.cpu for cost in costs)),
            ("container_vm_exec, requests", requests),
            ("the calls of the API alone, wall seconds", alone),
            ("container_vm_exec, wall seconds more than the calls", wall - alone),
        ],
    )


if __name__ == "__main__":
    main()
