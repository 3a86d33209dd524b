# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the inventory plugin that need more than Ansible's own check. Pure data."""

from __future__ import annotations

from typing import Any

STATES = ("running", "stopped", "suspended")
HEALTH = ("starting", "healthy", "unhealthy", "none")


def inventory_argument_spec() -> dict[str, dict[str, Any]]:
    """Return the options besides those of the connection."""
    return {"filters": {"type": "dict", "default": {}, "options": _filters()}}


def _filters() -> dict[str, dict[str, Any]]:
    return {
        "name": {"type": "list", "elements": "str", "aliases": ["names"]},
        "labels": {"type": "dict"},
        "datacenter": {"type": "str"},
        "folder": {"type": "str"},
        "cluster": {"type": "list", "elements": "str"},
        "host": {"type": "list", "elements": "str"},
        "state": {"type": "list", "elements": "str", "choices": list(STATES)},
        "health": {"type": "list", "elements": "str", "choices": list(HEALTH)},
    }
