# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The changes of host_maintenance: moves away from the host, entering, leaving, and waiting for either. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import nested
from ansible_collections.gantry.vsphere.plugins.module_utils._maintenance.model import ObservedHost
from ansible_collections.gantry.vsphere.plugins.module_utils._templates.model import RehomingChange
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.changes import MoveChange, MoveVm

# The destination in a diff where DRS chooses it.
BY_DRS = "(a host that DRS chooses)"


@dataclass(frozen=True)
class Evacuate:
    """Move one VM away from the host, or wait for its running migration."""

    move: MoveChange

    def describe(self) -> str:
        return self.move.describe()

    def before(self) -> Mapping[str, Any]:
        return self.move.before()

    def after(self) -> Mapping[str, Any]:
        return self.move.after()

    def project(self, observed: ObservedHost) -> ObservedHost:
        host = observed.moves.view.host_name(self.move.target.host) if isinstance(self.move, MoveVm) else None
        return replace(observed, moves=self.move.project(observed.moves), now={**observed.now, self.move.vm.moid: host})


@dataclass(frozen=True)
class EvacuateTemplate(RehomingChange):
    """Move a template away from the host, as nothing can be cloned from it there during maintenance."""

    def project(self, observed: ObservedHost) -> ObservedHost:
        return replace(observed, now={**observed.now, self.rehoming.moid: self.rehoming.host_name})


@dataclass(frozen=True)
class EnterMaintenance:
    """Put the host into maintenance mode."""

    host: str
    # The paths of the VMs that DRS moves away in the meantime.
    evacuated: tuple[str, ...] = ()

    def describe(self) -> str:
        vms = f", with {len(self.evacuated)} VMs moved away by DRS" if self.evacuated else ""
        return f"put {self.host} into maintenance mode{vms}"

    def before(self) -> Mapping[str, Any]:
        return self._shown(False, self.host)

    def after(self) -> Mapping[str, Any]:
        return self._shown(True, BY_DRS)

    def project(self, observed: ObservedHost) -> ObservedHost:
        return _entered(observed)

    def _shown(self, maintenance: bool, host: str) -> Mapping[str, Any]:
        shown = nested("hosts", self.host, "maintenance", value=maintenance)
        if self.evacuated:
            shown["vms"] = {path: {"host": host} for path in self.evacuated}
        return shown


@dataclass(frozen=True)
class LeaveMaintenance:
    """Take the host out of maintenance mode."""

    host: str

    def describe(self) -> str:
        return f"take {self.host} out of maintenance mode"

    def before(self) -> Mapping[str, Any]:
        return nested("hosts", self.host, "maintenance", value=True)

    def after(self) -> Mapping[str, Any]:
        return nested("hosts", self.host, "maintenance", value=False)

    def project(self, observed: ObservedHost) -> ObservedHost:
        return observed.with_maintenance(False)


@dataclass(frozen=True)
class AwaitMaintenance:
    """Wait for a change of maintenance mode that is already running."""

    host: str
    task: str
    entering: bool

    def describe(self) -> str:
        what = "entering" if self.entering else "leaving"
        return f"wait until {self.host} has finished {what} maintenance mode ({self.task})"

    def before(self) -> Mapping[str, Any]:
        return nested("hosts", self.host, "maintenance", value=not self.entering)

    def after(self) -> Mapping[str, Any]:
        return nested("hosts", self.host, "maintenance", value=self.entering)

    def project(self, observed: ObservedHost) -> ObservedHost:
        return _entered(observed) if self.entering else observed.with_maintenance(False)


HostChange: TypeAlias = EnterMaintenance | LeaveMaintenance | AwaitMaintenance
MaintenanceChange: TypeAlias = HostChange | Evacuate | EvacuateTemplate


def _entered(observed: ObservedHost) -> ObservedHost:
    """Return the host in maintenance mode; the hosts that DRS moves VMs to are known only afterwards."""
    now = {vm.moid: observed.now.get(vm.moid) for vm in observed.evacuated}
    return replace(observed.with_maintenance(True), now=now)
