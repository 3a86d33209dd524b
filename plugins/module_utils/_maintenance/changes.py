# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The changes of host_maintenance beside moves: entering, leaving, and waiting for either. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import nested
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.changes import AwaitMove, MoveVm

# What a diff says of where DRS moves a VM to.
BY_DRS = "(a host that DRS chooses)"


@dataclass(frozen=True)
class EnterMaintenance:
    host: str
    # The paths of the VMs that DRS moves away meanwhile.
    evacuated: tuple[str, ...] = ()

    def describe(self) -> str:
        vms = f", with {len(self.evacuated)} VMs moved away by DRS" if self.evacuated else ""
        return f"put {self.host} into maintenance mode{vms}"

    def before(self) -> Mapping[str, Any]:
        return self._shown(False, self.host)

    def after(self) -> Mapping[str, Any]:
        return self._shown(True, BY_DRS)

    def _shown(self, maintenance: bool, host: str) -> Mapping[str, Any]:
        shown = nested("hosts", self.host, "maintenance", value=maintenance)
        if self.evacuated:
            shown["vms"] = {path: {"host": host} for path in self.evacuated}
        return shown


@dataclass(frozen=True)
class LeaveMaintenance:
    host: str

    def describe(self) -> str:
        return f"take {self.host} out of maintenance mode"

    def before(self) -> Mapping[str, Any]:
        return nested("hosts", self.host, "maintenance", value=True)

    def after(self) -> Mapping[str, Any]:
        return nested("hosts", self.host, "maintenance", value=False)


@dataclass(frozen=True)
class AwaitMaintenance:
    """Somebody else, or a run before, has begun it."""

    host: str
    task: str
    entering: bool

    def describe(self) -> str:
        what = "entering" if self.entering else "leaving"
        return f"wait until {self.host} is done with {what} maintenance mode, which is under way ({self.task})"

    def before(self) -> Mapping[str, Any]:
        return nested("hosts", self.host, "maintenance", value=not self.entering)

    def after(self) -> Mapping[str, Any]:
        return nested("hosts", self.host, "maintenance", value=self.entering)


HostChange: TypeAlias = EnterMaintenance | LeaveMaintenance | AwaitMaintenance
MaintenanceChange: TypeAlias = HostChange | MoveVm | AwaitMove
