# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The request, the VMs that were observed, and the outcome of each move. Pure data."""

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
    """The destination, by names, paths or MoIDs."""

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
    """The destination of one disk; ``disk`` is its label or its device key."""

    disk: str | int
    datastore: str | None
    provisioning: str | None


@dataclass(frozen=True)
class ResolvedDisk:
    disk: str | int
    datastore: str | None
    provisioning: str | None


@dataclass(frozen=True)
class ResolvedDestination:
    """The destination by MoIDs."""

    host: str | None = None
    cluster: str | None = None
    pool: str | None = None
    datastore: str | None = None
    pod: str | None = None
    folder: str | None = None
    # The MoIDs of networks, and for each the MoID of its replacement.
    network_mapping: Mapping[str, str] = field(default_factory=dict)
    disks: tuple[ResolvedDisk, ...] = ()


@dataclass(frozen=True)
class VmotionRequest:
    """The request of a task."""

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
    """The properties that were the same after the move; None means that the VM had none before."""

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
    """The outcome for one VM in a run."""

    status: str  # moved, failed, not_started, in_flight
    duration: float | None = None
    verified: MoveVerification | None = None
    fault: Mapping[str, Any] | None = None
    message: str | None = None
    # The VM's location if it is not the planned one, after waiting for a migration that another client started.
    now: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class ObservedMoves:
    """The VMs with their targets. ``origin`` is their current vCenter, ``view`` the one that they move to."""

    vms: tuple[VmFacts, ...]
    origin: PlacementView
    view: PlacementView
    targets: Mapping[str, MoveTarget] = field(default_factory=dict)
    blockers: tuple[Blocker, ...] = ()
    warnings: Mapping[str, Sequence[str]] = field(default_factory=dict)
    # VMs that are already in the other vCenter.
    arrived: tuple[VmFacts, ...] = ()
    outcomes: Mapping[str, MoveOutcome] = field(default_factory=dict)
    # The address of the other vCenter, for messages.
    away: str | None = None
    # The API objects for applying; no pure step uses them.
    handles: Any = field(default=None, compare=False, repr=False)
