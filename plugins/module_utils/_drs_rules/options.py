# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the modules for groups, rules and overrides, as Ansible checks them."""

from __future__ import annotations

from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.model import (
    ADD,
    AUTOMATION_LEVELS,
    DISABLED,
    GROUP_TYPES,
    MEMBERS_MODES,
    RULE_TYPES,
)

_STATE: dict[str, Any] = {"type": "str", "choices": ["present", "absent"], "default": "present"}


def group_argument_spec() -> dict[str, dict[str, Any]]:
    return {
        "name": {"type": "str", "required": True},
        "type": {"type": "str", "choices": list(GROUP_TYPES)},
        "members": {"type": "list", "elements": "raw"},
        "members_mode": {"type": "str", "choices": list(MEMBERS_MODES), "default": ADD},
        "state": dict(_STATE),
    }


def rule_argument_spec() -> dict[str, dict[str, Any]]:
    # No defaults: options that are not given stay as they are.
    return {
        "name": {"type": "str", "required": True},
        "type": {"type": "str", "choices": list(RULE_TYPES)},
        "enabled": {"type": "bool"},
        "mandatory": {"type": "bool"},
        "vms": {"type": "list", "elements": "raw"},
        "vm_group": {"type": "str"},
        "host_group": {"type": "str"},
        "depends_on": {"type": "str"},
        "state": dict(_STATE),
    }


def override_argument_spec() -> dict[str, dict[str, Any]]:
    return {
        "vms": {"type": "list", "elements": "raw", "required": True},
        "automation_level": {"type": "str", "choices": [*AUTOMATION_LEVELS, DISABLED]},
        "state": dict(_STATE),
    }


def ruleset_argument_spec() -> dict[str, dict[str, Any]]:
    def many(options: dict[str, dict[str, Any]]) -> dict[str, Any]:
        return {"type": "list", "elements": "dict", "options": options}

    return {
        "groups": many(group_argument_spec()),
        "rules": many(rule_argument_spec()),
        "overrides": many(override_argument_spec()),
        "purge": {"type": "bool", "default": False},
        "purge_prefix": {"type": "str"},
        "planned_vms": {"type": "list", "elements": "str", "default": []},
    }
