# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The changes of vm_vmotion: a move, and the wait for a migration that is already running. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import nested
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.model import PlacementView, VmFacts
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.target import MoveTarget
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.model import MoveOutcome, ObservedMoves


@dataclass(frozen=True)
class MoveVm:
    """Move a VM to its target."""

    vm: VmFacts
    target: MoveTarget
    source: Mapping[str, Any] = field(hash=False)
    destination: Mapping[str, Any] = field(hash=False)
    away: str | None = None  # the address of another vCenter

    @property
    def live(self) -> bool:
        return self.vm.is_on

    @property
    def what(self) -> list[str]:
        """Return the parts of the placement that change."""
        return sorted(key for key in self.destination if self.destination[key] != self.source[key])

    def describe(self) -> str:
        parts = []
        for key, preposition in (("host", "to"), ("datastores", "on"), ("networks", "with"), ("resource_pool", "in")):
            new = self.destination[key]
            if new != self.source[key]:
                parts.append(f"{preposition} {', '.join(map(str, new)) if isinstance(new, list) else new}")
        if not parts:
            # Disks are exchanged among the same datastores.
            parts = ["on " + ", ".join(self.destination["datastores"])]
        where = "" if self.away is None else f" of {self.away}"
        return f"move {self.vm.name} {' '.join(parts)}{where} ({'live' if self.live else 'cold'})"

    def before(self) -> Mapping[str, Any]:
        return self._shown(self.source)

    def after(self) -> Mapping[str, Any]:
        return self._shown(self.destination)

    def project(self, observed: ObservedMoves) -> ObservedMoves:
        return _with_outcome(observed, self.vm, MoveOutcome("moved"))

    def _shown(self, side: Mapping[str, Any]) -> Mapping[str, Any]:
        return nested("vms", self.vm.path, value={key: side[key] for key in self.what})


@dataclass(frozen=True)
class AwaitMove:
    """Wait for a running migration; the VM's location is only known when it has ended."""

    vm: VmFacts
    task: str

    def describe(self) -> str:
        return f"wait for the running move of {self.vm.name} ({self.task}), then move it if needed"

    def before(self) -> Mapping[str, Any]:
        return nested("vms", self.vm.path, "move", value="running")

    def after(self) -> Mapping[str, Any]:
        return nested("vms", self.vm.path, "move", value="over")

    def project(self, observed: ObservedMoves) -> ObservedMoves:
        return _with_outcome(observed, self.vm, MoveOutcome("in_flight", message=self.describe()))


MoveChange: TypeAlias = "MoveVm | AwaitMove"


def placement(vm: VmFacts, view: PlacementView) -> dict[str, Any]:
    """Return a VM's placement by names, as reported."""
    return {
        "host": view.host_name(vm.host),
        "cluster": view.cluster_name(vm.cluster),
        "resource_pool": view.pools.get(vm.pool or ""),
        "datastores": [view.datastore_name(moid) for moid in vm.datastores],
        "disks": {disk.label: view.datastore_name(disk.datastore) for disk in vm.disks},
        "networks": [view.networks.get(one.network or "", one.network) for one in vm.adapters],
    }


def _with_outcome(observed: ObservedMoves, vm: VmFacts, outcome: MoveOutcome) -> ObservedMoves:
    return replace(observed, outcomes={**observed.outcomes, vm.moid: outcome})


def move_of(vm: VmFacts, observed: ObservedMoves) -> MoveVm:
    """Return the move of a VM to its target."""
    target = observed.targets[vm.moid]
    return MoveVm(
        vm=vm,
        target=target,
        source=placement(vm, observed.origin),
        destination=placement(target.applied_to(vm), observed.view),
        away=observed.away,
    )
