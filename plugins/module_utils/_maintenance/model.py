# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host that is to enter or to leave maintenance mode, and what is on it. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ansible_collections.gantry.vsphere.plugins.module_utils._placement.blockers import Blocker
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.model import VmFacts
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.model import ObservedMoves


@dataclass(frozen=True)
class MaintenanceRequest:
    host: str
    datacenter: str | None = None
    cluster: str | None = None
    present: bool = True
    evacuation: str = "drs"
    evacuate_powered_off: bool = False
    vsan_mode: str | None = None
    precheck: str = "enforce"
    timeout: int = 3600

    @property
    def by_drs(self) -> bool:
        return self.evacuation == "drs"


@dataclass(frozen=True)
class VmDemand:
    """What a VM that is on has reserved, and where it runs."""

    host: str
    reserved_mb: int
    reserved_mhz: int
    memory_mb: int


@dataclass(frozen=True)
class MaintenanceProgress:
    """A task by which somebody is putting the host into maintenance mode, or taking it out of it."""

    task: str
    entering: bool


@dataclass(frozen=True)
class ObservedHost:
    moid: str
    path: str
    cluster: str | None
    # What must leave it, and to where, with all that was found beside.
    moves: ObservedMoves
    # The names of what may stay, as it is off.
    staying: tuple[str, ...] = ()
    in_progress: MaintenanceProgress | None = None
    blockers: tuple[Blocker, ...] = ()
    warnings: tuple[str, ...] = ()
    # Where what has left it is: the name of the host, None where that is not known before.
    now: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.moves.origin.hosts[self.moid].name

    @property
    def maintenance(self) -> bool:
        return self.moves.origin.hosts[self.moid].maintenance

    @property
    def leaving(self) -> tuple[VmFacts, ...]:
        return self.moves.vms

    def with_maintenance(self, maintenance: bool) -> ObservedHost:
        """Return the same host in maintenance mode, or out of it."""
        origin = self.moves.origin
        host = replace(origin.hosts[self.moid], maintenance=maintenance)
        view = replace(origin, hosts={**origin.hosts, self.moid: host})
        return replace(self, moves=replace(self.moves, origin=view, view=view), in_progress=None)
