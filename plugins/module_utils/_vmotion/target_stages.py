# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Split the move of a VM with several volumes: vSphere moves one First Class Disk of a VM at a time. Pure."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.gantry.vsphere.plugins.module_utils._placement.model import VmFacts
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.target import MoveTarget


def stages_of(vm: VmFacts, target: MoveTarget) -> list[tuple[VmFacts, MoveTarget]]:
    """Return the moves that a move consists of, each with the VM as it is before.

    The first one moves the VM with all that is not a volume, and with the first volume; vCenter checks this one before
    anything is moved. Each of the others moves one more volume.
    """
    now = {disk.key: disk.datastore for disk in vm.disks if disk.volume}
    later = [key for key, disk in target.disks.items() if key in now and disk.datastore != now[key]][1:]
    first = replace(target, disks={key: disk for key, disk in target.disks.items() if key not in later})
    stages = [(vm, first)]
    for key in later:
        before, done = stages[-1]
        stages.append((done.applied_to(before), MoveTarget(disks={key: target.disks[key]})))
    return stages
