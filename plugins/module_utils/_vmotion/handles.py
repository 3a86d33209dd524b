# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keep the API objects that encoding a move needs, from observing to applying."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._placement.model import HostFacts, VmFacts
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.target import MoveTarget
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Inventory
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.encode import placement_spec, relocate_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.target_stages import stages_of

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


@dataclass(frozen=True)
class DestinationVcenter:
    """Another vCenter: a session, its inventory, and the service locator for our vCenter."""

    session: Session
    inventory: Inventory
    service: Any
    address: str


@dataclass(frozen=True)
class MoveHandles:
    """The API objects that encoding moves needs."""

    inventory: Inventory
    devices: Mapping[str, Sequence[Any]]
    backings: Mapping[str, Any]
    destination: DestinationVcenter | None = None

    def spec(self, session: Session, vm: VmFacts, target: MoveTarget) -> Any:
        """Encode the move of a VM to its target."""
        there = session if self.destination is None else self.destination.session
        service = None if self.destination is None else self.destination.service
        return relocate_spec(there, vm, target, self.devices.get(vm.moid, ()), self.backings, service=service)

    def first_spec(self, session: Session, vm: VmFacts, target: MoveTarget) -> Any:
        """Encode the first stage of the move, which is the whole move of a VM with at most one volume."""
        return self.spec(session, *stages_of(vm, target)[0])

    def placement(self, session: Session, vm: VmFacts, target: MoveTarget, hosts: Sequence[HostFacts]) -> Any:
        """Encode the request to DRS for one of these hosts for the move."""
        return placement_spec(session, vm, target, self.first_spec(session, vm, target), hosts)
