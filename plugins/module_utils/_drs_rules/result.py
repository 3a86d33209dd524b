# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Groups, rules and overrides as modules return them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.compliance import find_violations
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.conflicts import WARNING, find_conflicts
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.model import (
    ClusterPlace,
    Group,
    ObservedRules,
    Override,
    Rule,
    RulesSnapshot,
    Surroundings,
)


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
    """Return a VM or a host, without a path if this user cannot see it."""
    path = around.paths.get(moid)
    return {"name": None if path is None else path.rpartition("/")[2], "path": path, "moid": moid}


def group_results(observed: ObservedRules) -> list[dict[str, Any]]:
    found = observed.snapshot.rules.groups
    named = [target.name for target in observed.target.groups if target.name in found]
    return [group_result(found[name], observed.place.around) for name in named]


def named_rule_results(observed: ObservedRules) -> list[dict[str, Any]]:
    found = observed.snapshot.rules.rules
    named = [target.name for target in observed.target.rules if target.name in found]
    return [rule_result(found[name], observed.place.around) for name in named]


def override_results(observed: ObservedRules) -> list[dict[str, Any]]:
    found, around = observed.snapshot.rules.overrides, observed.place.around
    named = [vm for vm in observed.target.overrides if vm in found]
    return [override_result(found[vm], around) for vm in sorted(named, key=around.path)]


def rule_warnings(observed: ObservedRules) -> list[str]:
    """Warn about settings that make the requested rules and overrides ineffective."""
    snapshot, target = observed.snapshot, observed.target
    cluster = observed.place.cluster.path
    wanted = {rule.name for rule in target.rules if rule.present}
    groups = {group.name for group in target.groups if group.present}
    touched = {
        rule.name
        for rule in snapshot.rules.rules.values()
        if rule.name in wanted or groups & {name for name, _kind in rule.groups}
    }
    warnings = [
        finding.message
        for finding in find_conflicts(snapshot.rules, observed.place.around)
        if finding.severity == WARNING and touched & set(finding.rules)
    ]
    leveled = any(level is not None for level in target.overrides.values())
    if (wanted or leveled) and not snapshot.drs_enabled:
        warnings.append(f"DRS is disabled in {cluster}, so rules and overrides have no effect.")
    elif leveled and not snapshot.overrides_allowed:
        warnings.append(f"{cluster} does not allow overrides (drs_cluster: vm_overrides), so they have no effect.")
    return warnings


def compliance_result(place: ClusterPlace, snapshot: RulesSnapshot) -> dict[str, Any]:
    """Return what drs_compliance_info returns."""
    around, rules = place.around, snapshot.rules
    violations = find_violations(rules, around)
    broken = {violation.rule.name for violation in violations}
    return {
        "cluster": place.cluster.path,
        "drs_enabled": snapshot.drs_enabled,
        "compliant": not violations,
        "violations": [violation.as_result(snapshot, around) for violation in violations],
        "conflicts": [finding.as_result(around) for finding in find_conflicts(rules, around)],
        "groups": [group_result(group, around) for _name, group in sorted(rules.groups.items())],
        "rules": [
            {
                **rule_result(rule, around),
                "violated": rule.name in broken,
                "in_compliance": rule.in_compliance,
                "by_user": rule.by_user,
            }
            for _name, rule in sorted(rules.rules.items())
        ],
        "overrides": [
            override_result(override, around)
            for override in sorted(rules.overrides.values(), key=lambda one: around.path(one.vm))
        ],
    }
