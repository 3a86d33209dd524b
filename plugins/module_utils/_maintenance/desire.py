# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Convert the options of host_maintenance to a request. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._maintenance.model import MaintenanceRequest


def desire_maintenance(params: Mapping[str, Any]) -> MaintenanceRequest:
    """Validate the options and return the request."""
    if params["timeout"] <= 0:
        raise GantryError(f"timeout must be more than 0 seconds, not {params['timeout']}.")
    return MaintenanceRequest(
        host=params["host"],
        datacenter=params["datacenter"],
        cluster=params["cluster"],
        present=params["state"] == "present",
        evacuation=params["evacuation"],
        evacuate_powered_off=params["evacuate_powered_off"],
        vsan_mode=params["vsan_mode"],
        precheck=params["precheck"],
        timeout=params["timeout"],
    )
