# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Move container VMs to another datastore."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._container.apply_batch import ContainerSubject
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes import Relocate
from ansible_collections.gantry.vsphere.plugins.module_utils._container.encode import relocate_specs
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.batch import Flow
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import Job


def relocate(subject: ContainerSubject, change: Relocate) -> Flow[None]:
    """Move the VM with its disks by Storage vMotion, running or not."""
    vm = subject.vm(change.machine)
    devices = (yield from subject.bench.devices(subject.moid(change.machine))) if change.machine.volumes else []
    home = None if change.machine.datastore is None else change.machine.datastore.ref
    for spec in relocate_specs(home, change.datastore.ref, devices, shares_image=change.shares_image):
        yield Job(change.machine.name, "relocate", _relocating(vm, spec))


def _relocating(vm: Any, spec: Any) -> Callable[[], Any]:
    return lambda: vm.RelocateVM_Task(spec, priority="defaultPriority")
