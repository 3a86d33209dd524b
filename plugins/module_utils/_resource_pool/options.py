# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of resource_pool."""

from __future__ import annotations

from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._placement.clusters import place_argument_spec

ONE_OF = (("path", "pools"),)
NOT_WITH_POOLS = (*ONE_OF, ("pools", "cpu"), ("pools", "memory"))


def pool_argument_spec() -> dict[str, dict[str, Any]]:
    """No defaults for allocations: what is not given stays as it is."""
    return {
        "path": {"type": "str"},
        "pools": {
            "type": "list",
            "elements": "dict",
            "options": {"path": {"type": "str", "required": True}, **_values()},
        },
        **place_argument_spec(),
        **_values(),
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "assume_drs": {"type": "bool"},
        "assume_removed": {"type": "list", "elements": "str", "default": []},
    }


def _values() -> dict[str, dict[str, Any]]:
    return {"cpu": _allocation("int"), "memory": _allocation("str")}


def _allocation(unit: str) -> dict[str, Any]:
    return {
        "type": "dict",
        "options": {
            "reservation": {"type": unit},
            "limit": {"type": "str"},
            "expandable_reservation": {"type": "bool"},
            "shares": {"type": "str"},
        },
    }
