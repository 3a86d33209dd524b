# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of access."""

from __future__ import annotations

from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._access.model import OBJECT_TYPES
from ansible_collections.gantry.vsphere.plugins.module_utils._access.presets import PRESET_MODULES


def access_argument_spec() -> dict[str, dict[str, Any]]:
    return {
        "roles": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "name": {"type": "str", "required": True},
                "preset": {"type": "str", "choices": list(PRESET_MODULES)},
                "privileges": {"type": "list", "elements": "str"},
                "state": _state(),
            },
        },
        "permissions": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "principal": {"type": "str", "required": True},
                "group": {"type": "bool", "default": False},
                "role": {"type": "str"},
                "object_type": {"type": "str", "required": True, "choices": list(OBJECT_TYPES)},
                "object": {"type": "str"},
                "cluster": {"type": "str"},
                "datacenter": {"type": "str"},
                "propagate": {"type": "bool", "default": True},
                "state": _state(),
            },
            "required_if": [("state", "present", ("role",))],
        },
        "datacenter": {"type": "str"},
        "assume_created": {"type": "list", "elements": "str", "default": []},
    }


def _state() -> dict[str, Any]:
    return {"type": "str", "choices": ["present", "absent"], "default": "present"}
