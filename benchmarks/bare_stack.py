# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Create and start linked clones of an image's template, or read them, with nothing but pyVmomi.

benchmarks.stack runs it in a process of its own: python -m benchmarks.bare_stack create 1000
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from pyVim.task import WaitForTasks
from pyVmomi import vim

from benchmarks.bare_inventory import connected, read_rows

# As many as the collection clones and starts at the same time.
_CLONES, _STARTS = 32, 64


def create(count: int) -> None:
    """Clone the only template of the vCenter so many times, and start the clones."""
    with connected() as service:
        _create(service, count)


def _create(service: Any, count: int) -> None:
    content = service.RetrieveContent()
    view = content.viewManager.CreateContainerView(content.rootFolder, [vim.VirtualMachine], True)
    (template,) = [vm for vm in view.view if vm.config.template]
    cluster = template.runtime.host.parent
    datacenter = content.rootFolder.childEntity[0]
    names = [f"bare-{number}" for number in range(count)]
    vms: list[Any] = []
    for first in range(0, count, _CLONES):
        tasks = [_clone(template, cluster, datacenter, name) for name in names[first : first + _CLONES]]
        WaitForTasks(tasks, si=service)
        vms += [task.info.result for task in tasks]
    for first in range(0, count, _STARTS):
        started = datacenter.PowerOnMultiVM_Task(vms[first : first + _STARTS])
        WaitForTasks([started], si=service)
        WaitForTasks([one.task for one in started.info.result.attempted if one.task is not None], si=service)


def _clone(template: Any, cluster: Any, datacenter: Any, name: str) -> Any:
    api: Any = vim
    place = api.vm.RelocateSpec(
        pool=cluster.resourcePool, datastore=template.datastore[0], diskMoveType="createNewChildDiskBacking"
    )
    option = api.option.OptionValue(key="guestinfo.bare", value=name)
    config = api.vm.ConfigSpec(memoryMB=96, numCPUs=1, extraConfig=[option])
    spec = api.vm.CloneSpec(location=place, config=config, snapshot=template.snapshot.currentSnapshot)
    return template.CloneVM_Task(folder=datacenter.vmFolder, name=name, spec=spec)


def read(properties: Sequence[str]) -> None:
    """Read properties of all VMs."""
    with connected() as service:
        read_rows(service.RetrieveContent(), {"VirtualMachine": properties})


if __name__ == "__main__":
    if sys.argv[1] == "create":
        create(int(sys.argv[2]))
    else:
        read(json.loads(sys.argv[2]))
