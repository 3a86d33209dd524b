# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which containers are to be hosts, and what a host of the inventory is. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import ContainerSelection

# A container as container_vm_info returns it.
Facts = Mapping[str, Any]


@dataclass(frozen=True)
class InventoryFilters:
    """Which containers are selected. An empty tuple of names, states or health means all of them."""

    containers: ContainerSelection
    clusters: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    health: tuple[str, ...] = ()
