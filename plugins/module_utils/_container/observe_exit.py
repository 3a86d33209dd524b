# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Observe how containers have ended whose end vSphere has dropped: read it from their scratch disks."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._container.decode import decode_exit
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import (
    EXIT_BUSY,
    EXIT_NO_DISK,
    EXIT_NOT_NEEDED,
    Machine,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.document import SCRATCH_UNIT
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.scratch_record import BEGINNING_BYTES, volume_id
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.faults import FaultError

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

# At a time; a lease takes vCenter and a host some requests.
_PARALLEL = 8
# The VM was started or removed since it was observed, or another task of it is running.
_BUSY = ("InvalidPowerState", "ManagedObjectNotFound", "TaskInProgress")


def observe_exits(session: Session, machines: Sequence[Machine]) -> list[Machine]:
    """Return the containers with the ends that are on their disks; those whose end is known are not read."""
    with ThreadPoolExecutor(_PARALLEL) as pool:
        return list(pool.map(partial(_with_exit, session), machines))


def _with_exit(session: Session, machine: Machine) -> Machine:
    if not machine.lacks_end:
        return replace(machine, exit_from_disk=EXIT_NOT_NEEDED)
    if machine.scratch_bytes is None:
        return replace(machine, exit_from_disk=EXIT_NO_DISK)
    vm = session.ref("VirtualMachine", machine.moid)
    try:
        beginning = session.find_disk_beginning(
            vm, unit=SCRATCH_UNIT, size=BEGINNING_BYTES, accept=lambda found: volume_id(found) == machine.container_id
        )
    except FaultError as error:
        if error.kind not in _BUSY:
            raise
        return replace(machine, exit_from_disk=EXIT_BUSY)
    return decode_exit(machine, beginning)
