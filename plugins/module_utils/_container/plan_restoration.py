# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan how a container gets back what an update has taken from it: its old VM, or its old settings. Pure.

It is done in two steps, since the volumes of the old VM are looked up only after it has its name again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes import ContainerChange, Reconfigure
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes_replacement import Reinstate
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import (
    DesiredContainer,
    Machine,
    ObservedContainer,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.plan_power import PowerPlanner
from ansible_collections.gantry.vsphere.plugins.module_utils._container.target import LIVE, OFFLINE, differing


def plan_restoration(
    desired: DesiredContainer, before: ObservedContainer, now: ObservedContainer
) -> Sequence[ContainerChange]:
    """Return the changes after which a container has the VM and the settings that it had before an update.

    ``desired`` has no configuration: it is how the container is stopped. An old VM that still runs is left alone.
    """
    planner = _Restoration(desired, now)
    if now.predecessors:
        planner.take_back(now.predecessors[0])
    else:
        planner.set_back(before.machine)
    return planner.changes


class _Restoration(PowerPlanner):
    def take_back(self, old: Machine) -> None:
        """Remove the new VM, and give its place to the old one."""
        machine = self.seen.machine
        for successor in self.seen.successors:
            self._destroy(successor)
        if machine is not None:
            self._destroy(machine, old)
        self._do(Reinstate(self.desired.name, self._again(old)))

    def set_back(self, before: Machine | None) -> None:
        """Give the VM the settings that it had."""
        machine = self.seen.machine
        for successor in self.seen.successors:
            self._destroy(successor)
        if machine is None or before is None or machine.moid != before.moid:
            return
        surplus = tuple({one.id for one in machine.volumes} - {one.id for one in before.volumes})
        if not surplus and not differing(machine, _like(before, machine), OFFLINE + LIVE):
            return
        self._stop(machine)
        if surplus:
            self._detach(self._machine(), surplus)
        machine = self._machine()
        target = _like(before, machine)
        if differing(machine, target, OFFLINE + LIVE):
            self._do(Reconfigure(self.desired.name, machine, target))


def _like(before: Machine, machine: Machine) -> Machine:
    """Return a machine with the settings that it had before, as far as they are settings."""
    return replace(
        before,
        power=machine.power,
        status=machine.status,
        volumes=machine.volumes,
        scsi_units=machine.scsi_units,
        start_pending=machine.start_pending,
        names_table=machine.names_table,
        change_version=machine.change_version,
        host=machine.host,
    )
