# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was found of the VMs to move, and what became of each. Pure data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._placement.blockers import Blocker
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.model import PlacementView, VmFacts
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.selectors import VmSelector
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.target import MoveTarget
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.settings import ConnectionSettings

PRIORITIES = {"default": "defaultPriority", "high": "highPriority", "low": "lowPriority"}


@dataclass(frozen=True)
class MoveDestination:
    """Where to, by names, paths or MoIDs."""

    datacenter: str | None = None
    host: str | None = None
    cluster: str | None = None
    resource_pool: str | None = None
    datastore: str | None = None
    datastore_cluster: str | None = None
    folder: str | None = None
    network_mapping: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DiskRequest:
    """One disk's own place; ``disk`` is its label or its device key."""

    disk: str | int
    datastore: str | None
    provisioning: str | None


@dataclass(frozen=True)
class VmotionRequest:
    selectors: tuple[VmSelector, ...]
    datacenter: str | None
    place: MoveDestination
    disks: tuple[DiskRequest, ...] = ()
    priority: str = "default"
    mode: str = "any"
    precheck: str = "enforce"
    timeout: float = 3600.0
    destination: ConnectionSettings | None = None


@dataclass(frozen=True)
class MoveVerification:
    """What of a VM was the same after its move; None: it had none before."""

    placement: bool
    ip_addresses: bool | None = None
    process: bool | None = None

    def as_result(self) -> dict[str, Any]:
        return {"placement": self.placement, "ip_addresses": self.ip_addresses, "process": self.process}

    @property
    def all_well(self) -> bool:
        return self.placement and self.ip_addresses is not False and self.process is not False


@dataclass(frozen=True)
class MoveOutcome:
    """What became of one VM in a run."""

    status: str  # moved, failed, not_started, in_flight
    duration: float | None = None
    verified: MoveVerification | None = None
    fault: Mapping[str, Any] | None = None
    message: str | None = None
    # Where it is when that is not where the plan would have it: after the wait for somebody else's move.
    now: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class ObservedMoves:
    """``here`` is the vCenter that the VMs are in; ``world`` the one that they are to be in."""

    vms: tuple[VmFacts, ...]
    origin: PlacementView
    view: PlacementView
    targets: Mapping[str, MoveTarget] = field(default_factory=dict)
    blockers: tuple[Blocker, ...] = ()
    warnings: Mapping[str, Sequence[str]] = field(default_factory=dict)
    # Those that are in the other vCenter already.
    arrived: tuple[VmFacts, ...] = ()
    outcomes: Mapping[str, MoveOutcome] = field(default_factory=dict)
    # The address of the other vCenter, for messages.
    away: str | None = None
    # What applying needs and nothing pure looks at: the devices, and what was read to begin with.
    handles: Any = field(default=None, compare=False, repr=False)
