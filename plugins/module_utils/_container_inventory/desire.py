# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the plugin's options to the filters. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._container.desire import desire_selection
from ansible_collections.gantry.vsphere.plugins.module_utils._container_inventory.model import InventoryFilters


def desire_inventory(params: Mapping[str, Any]) -> InventoryFilters:
    """Return the filters. What is not given selects nothing away."""
    filters = {key: value for key, value in params["filters"].items() if value is not None}
    shared = {key: filters.get(key) for key in ("name", "labels", "datacenter", "folder")}
    # The bootstrap ISO is not a host variable, so the devices are not read.
    containers = replace(desire_selection(shared), devices=False)
    return InventoryFilters(
        containers=containers,
        clusters=tuple(filters.get("cluster", ())),
        hosts=tuple(filters.get("host", ())),
        states=tuple(filters.get("state", ())),
        health=tuple(filters.get("health", ())),
    )
