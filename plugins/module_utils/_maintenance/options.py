# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The argument spec of host_maintenance."""

from __future__ import annotations

from typing import Any

VSAN_MODES = ("ensureObjectAccessibility", "evacuateAllData", "noAction")


def maintenance_argument_spec() -> dict[str, dict[str, Any]]:
    """Return the options of host_maintenance besides those of the connection."""
    return {
        "host": {"type": "str", "required": True},
        "datacenter": {"type": "str"},
        "cluster": {"type": "str"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "evacuation": {"type": "str", "choices": ["drs", "explicit"], "default": "drs"},
        "evacuate_powered_off": {"type": "bool", "default": False},
        "vsan_mode": {"type": "str", "choices": list(VSAN_MODES)},
        "precheck": {"type": "str", "choices": ["enforce", "report", "skip"], "default": "enforce"},
        "timeout": {"type": "int", "default": 3600},
    }
