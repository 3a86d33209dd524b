# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of host_maintenance. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError

VSAN_MODES = ("ensureObjectAccessibility", "evacuateAllData", "noAction")


@dataclass(frozen=True)
class MaintenanceRequest:
    host: str
    datacenter: str | None = None
    cluster: str | None = None
    present: bool = True
    evacuation: str = "drs"
    evacuate_powered_off: bool = False
    vsan_mode: str | None = None
    precheck: str = "true"
    timeout: int = 3600

    @property
    def by_drs(self) -> bool:
        return self.evacuation == "drs"


def maintenance_argument_spec() -> dict[str, dict[str, Any]]:
    """The options of host_maintenance besides those of the connection."""
    return {
        "host": {"type": "str", "required": True},
        "datacenter": {"type": "str"},
        "cluster": {"type": "str"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "evacuation": {"type": "str", "choices": ["drs", "explicit"], "default": "drs"},
        "evacuate_powered_off": {"type": "bool", "default": False},
        "vsan_mode": {"type": "str", "choices": list(VSAN_MODES)},
        "precheck": {"type": "str", "choices": ["true", "false", "only"], "default": "true"},
        "timeout": {"type": "int", "default": 3600},
    }


def maintenance_request(params: Mapping[str, Any]) -> MaintenanceRequest:
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
