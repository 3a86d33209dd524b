# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operation of the inventory plugin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import Machine
from ansible_collections.gantry.vsphere.plugins.module_utils._container_inventory.desire import desire_inventory
from ansible_collections.gantry.vsphere.plugins.module_utils._container_inventory.model import InventoryFilters
from ansible_collections.gantry.vsphere.plugins.module_utils._container_inventory.observe import observe_inventory
from ansible_collections.gantry.vsphere.plugins.module_utils._container_inventory.options import (
    inventory_argument_spec,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_inventory.result import inventory_result
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.operation import InfoOperation
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.options import argument_spec

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


class ContainerVms(InfoOperation[InventoryFilters, Sequence[Machine]]):
    """The containers that become hosts."""

    name = "container_vms"
    argument_spec = argument_spec(**inventory_argument_spec())

    def desire(self, params: Mapping[str, Any]) -> InventoryFilters:
        return desire_inventory(params)

    def observe(self, session: Session, desired: InventoryFilters) -> Sequence[Machine]:
        return observe_inventory(session, desired)

    def result(self, desired: InventoryFilters, observed: Sequence[Machine]) -> dict[str, Any]:
        return inventory_result(desired, observed)
