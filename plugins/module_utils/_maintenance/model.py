# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host that enters or leaves maintenance mode, and the VMs on it. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ansible_collections.gantry.vsphere.plugins.module_utils._placement.blockers import Blocker
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.model import VmFacts
from ansible_collections.gantry.vsphere.plugins.module_utils._templates.model import Rehoming
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.model import (
    MoveDestination,
    ObservedMoves,
    VmotionRequest,
)


@dataclass(frozen=True)
class MaintenanceRequest:
    """The request of a task."""

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

    def as_vmotion(self, precheck: str | None = None) -> VmotionRequest:
        """Return the explicit evacuation as a request of vm_vmotion."""
        return VmotionRequest(
            (), self.datacenter, MoveDestination(), precheck=precheck or self.precheck, timeout=self.timeout
        )


@dataclass(frozen=True)
class MaintenanceProgress:
    """A running task that puts the host into maintenance mode or takes it out."""

    task: str
    entering: bool


@dataclass(frozen=True)
class ObservedHost:
    """The host as it was observed."""

    moid: str
    path: str
    cluster: str | None
    # The VMs that must leave it, without templates, with their targets and blockers.
    moves: ObservedMoves
    # The paths of VMs and templates that may stay, as they are powered off.
    staying: tuple[str, ...] = ()
    # The templates that leave it.
    templates: tuple[Rehoming, ...] = ()
    in_progress: MaintenanceProgress | None = None
    blockers: tuple[Blocker, ...] = ()
    warnings: tuple[str, ...] = ()
    # The host that each VM is on afterwards, by name; None if that is not yet known.
    now: Mapping[str, str | None] = field(default_factory=dict)
    # The paths of agent VMs, which vCenter itself stops or moves.
    left_to_vcenter: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.moves.origin.hosts[self.moid].name

    @property
    def maintenance(self) -> bool:
        return self.moves.origin.hosts[self.moid].maintenance

    @property
    def leaving(self) -> tuple[VmFacts, ...]:
        return self.moves.vms

    @property
    def evacuated(self) -> tuple[VmFacts, ...]:
        """The VMs and the templates that leave the host."""
        return (*self.leaving, *(one.template.facts for one in self.templates))

    def with_maintenance(self, maintenance: bool) -> ObservedHost:
        """Return the host in maintenance mode, or out of it."""
        origin = self.moves.origin
        host = replace(origin.hosts[self.moid], maintenance=maintenance)
        view = replace(origin, hosts={**origin.hosts, self.moid: host})
        return replace(self, moves=replace(self.moves, origin=view, view=view), in_progress=None)
