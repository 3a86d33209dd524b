# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operations behind drs_group, drs_rule, drs_override and drs_ruleset: one engine, rulesets of one or of many."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.apply import write_rules
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.changes import RulesChange
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.conflicts import WARNING, find_conflicts
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.desire import (
    parse_group,
    parse_override,
    parse_rule,
    parse_ruleset,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.model import ObservedRules, Ruleset
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.observe import find_place, read_snapshot
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.options import (
    group_argument_spec,
    override_argument_spec,
    rule_argument_spec,
    ruleset_argument_spec,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.plan import plan_rules
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.resolve import resolve
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.result import (
    group_result,
    override_result,
    rule_result,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.operation import Operation
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.options import argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.clusters import place_argument_spec

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


class _RulesOperation(Operation[Ruleset, ObservedRules, RulesChange]):
    def observe(self, session: Session, desired: Ruleset) -> ObservedRules:
        place = find_place(session, desired.cluster, desired.datacenter)
        return ObservedRules(place, read_snapshot(session, place.cluster), resolve(desired, place))

    def plan(self, desired: Ruleset, observed: ObservedRules) -> Plan[RulesChange]:
        return plan_rules(observed.target, observed.snapshot.rules, observed.place.around)

    def apply(
        self,
        session: Session,
        desired: Ruleset,
        observed: ObservedRules,
        plan: Plan[RulesChange],
        report: Report,
    ) -> ObservedRules:
        place = observed.place

        def planner(rules: Any) -> Plan[RulesChange]:
            return plan_rules(observed.target, rules, place.around)

        return replace(observed, snapshot=write_rules(session, place.cluster, planner, observed.snapshot, report))

    def result(self, desired: Ruleset, observed: ObservedRules) -> dict[str, Any]:
        return {
            "cluster": observed.place.cluster.path,
            **self.own_result(observed),
            "warnings": _warnings(observed),
        }

    @abstractmethod
    def own_result(self, observed: ObservedRules) -> dict[str, Any]:
        """What the task is about, as it is now."""


class GroupOperation(_RulesOperation):
    """drs_group."""

    name = "drs_group"
    argument_spec = argument_spec(**place_argument_spec(), **group_argument_spec())

    def desire(self, params: Mapping[str, Any]) -> Ruleset:
        return Ruleset(params["cluster"], params["datacenter"], groups=(parse_group(params),))

    def own_result(self, observed: ObservedRules) -> dict[str, Any]:
        return {"group": _groups(observed)[0] if _groups(observed) else None}


class RuleOperation(_RulesOperation):
    """drs_rule."""

    name = "drs_rule"
    argument_spec = argument_spec(**place_argument_spec(), **rule_argument_spec())

    def desire(self, params: Mapping[str, Any]) -> Ruleset:
        return Ruleset(params["cluster"], params["datacenter"], rules=(parse_rule(params),))

    def own_result(self, observed: ObservedRules) -> dict[str, Any]:
        return {"rule": _rules(observed)[0] if _rules(observed) else None}


class OverrideOperation(_RulesOperation):
    """drs_override."""

    name = "drs_override"
    argument_spec = argument_spec(**place_argument_spec(), **override_argument_spec())

    def desire(self, params: Mapping[str, Any]) -> Ruleset:
        return Ruleset(params["cluster"], params["datacenter"], overrides=(parse_override(params),))

    def own_result(self, observed: ObservedRules) -> dict[str, Any]:
        return {"overrides": _overrides(observed)}


class RulesetOperation(_RulesOperation):
    """drs_ruleset."""

    name = "drs_ruleset"
    argument_spec = argument_spec(**place_argument_spec(), **ruleset_argument_spec())

    def desire(self, params: Mapping[str, Any]) -> Ruleset:
        return parse_ruleset(params)

    def own_result(self, observed: ObservedRules) -> dict[str, Any]:
        return {"groups": _groups(observed), "rules": _rules(observed), "overrides": _overrides(observed)}


def _groups(observed: ObservedRules) -> list[dict[str, Any]]:
    found = observed.snapshot.rules.groups
    named = [target.name for target in observed.target.groups if target.name in found]
    return [group_result(found[name], observed.place.around) for name in named]


def _rules(observed: ObservedRules) -> list[dict[str, Any]]:
    found = observed.snapshot.rules.rules
    named = [target.name for target in observed.target.rules if target.name in found]
    return [rule_result(found[name], observed.place.around) for name in named]


def _overrides(observed: ObservedRules) -> list[dict[str, Any]]:
    found, around = observed.snapshot.rules.overrides, observed.place.around
    named = [vm for vm in observed.target.overrides if vm in found]
    return [override_result(found[vm], around) for vm in sorted(named, key=around.path)]


def _warnings(observed: ObservedRules) -> list[str]:
    """What keeps from taking effect what the task is about."""
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
        warnings.append(f"DRS is disabled in {cluster}, so that rules and overrides have no effect")
    elif leveled and not snapshot.overrides_allowed:
        warnings.append(f"{cluster} does not allow overrides (drs_cluster: vm_overrides), so that they have no effect")
    return warnings
