# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Groups, rules and overrides as modules return them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.model import Group, Override, Rule, Surroundings


def group_result(group: Group, around: Surroundings) -> dict[str, Any]:
    return {"name": group.name, "type": group.type, "members": member_results(group.members, around)}


def rule_result(rule: Rule, around: Surroundings) -> dict[str, Any]:
    return {
        "name": rule.name,
        "type": rule.type,
        "enabled": rule.enabled,
        "mandatory": rule.mandatory,
        "vms": member_results(rule.vms, around),
        "vm_group": rule.vm_group,
        "host_group": rule.host_group,
        "depends_on": rule.depends_on,
    }


def override_result(override: Override, around: Surroundings) -> dict[str, Any]:
    return {**member_result(override.vm, around), "automation_level": override.level}


def member_results(moids: Iterable[str], around: Surroundings) -> list[dict[str, Any]]:
    return [member_result(moid, around) for moid in sorted(moids, key=lambda moid: (around.path(moid), moid))]


def member_result(moid: str, around: Surroundings) -> dict[str, Any]:
    """A VM or a host; without a path where this user cannot see it."""
    path = around.paths.get(moid)
    return {"name": None if path is None else path.rpartition("/")[2], "path": path, "moid": moid}
