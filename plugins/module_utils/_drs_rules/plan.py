# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan the changes between the requested ruleset and the cluster's rules. Pure, so that properties can be tested.

All modules share this: drs_group, drs_rule and drs_override are rulesets of one item.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.changes import (
    DELETE,
    EDIT,
    ChangeGroup,
    ChangeOverride,
    ChangeRule,
    RulesChange,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.conflicts import ERROR, find_conflicts
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.model import (
    ADD,
    DEPENDENCY,
    EXACT,
    OPERANDS,
    OPERANDS_OF,
    VM,
    VM_RULES,
    ClusterRules,
    Group,
    GroupTarget,
    ObservedRules,
    Override,
    Rule,
    RulesetTarget,
    RuleTarget,
    Surroundings,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan


def plan_observed(observed: ObservedRules) -> Plan[RulesChange]:
    """Return the changes that lead from the observed rules to those that the task requests."""
    return plan_rules(observed.target, observed.snapshot.rules, observed.place.around)


def plan_rules(target: RulesetTarget, rules: ClusterRules, around: Surroundings) -> Plan[RulesChange]:
    """Return the changes in dependency order: what others depend on is created first and removed last."""
    planner = _RulesPlanner(target, rules, around)
    changes = tuple(planner.changes())
    after = rules_after(rules, changes)
    _check_groups(changes, after)
    _check_rules(changes, after, around)
    _check_conflicts(rules, after, around)
    return Plan(changes)


def rules_after(rules: ClusterRules, changes: Iterable[RulesChange]) -> ClusterRules:
    """Return the rules after these changes."""
    for change in changes:
        rules = change.applied_to(rules)
    return rules


class _RulesPlanner:
    def __init__(self, target: RulesetTarget, rules: ClusterRules, around: Surroundings) -> None:
        self.target = target
        self.rules = rules
        self.around = around

    def changes(self) -> Iterable[RulesChange]:
        groups = [*self._groups(), *self._purged_groups()]
        yield from (change for change in groups if change.kind != DELETE)
        yield from self._rules()
        yield from self._purged_rules()
        yield from self._overrides()
        yield from (change for change in groups if change.kind == DELETE)

    def _groups(self) -> Iterable[ChangeGroup]:
        for wanted in self.target.groups:
            old = self.rules.groups.get(wanted.name)
            new = self._group(wanted, old) if wanted.present else None
            if old != new:
                if old is not None and old.is_system(self.around):
                    raise _system("group", old.name)
                yield ChangeGroup(self.around, old, new)

    def _group(self, wanted: GroupTarget, old: Group | None) -> Group | None:
        """Return the group's target state; None if there is none and none is required."""
        kind = wanted.type or (old.type if old is not None else VM)
        kept = old.members if old is not None and old.type == kind else frozenset()
        if wanted.mode == EXACT:
            members = wanted.members
        elif wanted.mode == ADD:
            members = kept | wanted.members
        else:
            if old is None:
                return None
            if old.type != kind:
                raise GantryError(f"Group {old.name} is a group of {old.type}s, so no {kind} can be removed from it.")
            members = kept - wanted.members
        already_empty = old is not None and old.type == kind and not old.members
        if not members and not already_empty:
            raise self._would_be_empty(wanted, old)
        self._check_inside(members - kept, kind, f"group {wanted.name}")
        return Group(wanted.name, kind, members)

    def _would_be_empty(self, wanted: GroupTarget, old: Group | None) -> GantryError:
        if old is None:
            return GantryError(
                f"Group {wanted.name} would have no members, and vSphere has no empty groups; give members."
            )
        users = sorted(rule.name for rule in self.rules.rules.values() if wanted.name in dict(rule.groups))
        used = f" and remove or change the rules that use it first: {', '.join(users)}" if users else ""
        return GantryError(
            f"Group {wanted.name} would be left without members, and vSphere has no empty groups. "
            f"To remove the group, use state: absent{used}.",
            details={"members": self.around.sorted_paths(old.members)},
        )

    def _rules(self) -> Iterable[ChangeRule]:
        for wanted in self.target.rules:
            if wanted.name in self.rules.ambiguous:
                raise GantryError(
                    f"There is more than one rule named {wanted.name} in {self.around.cluster}. "
                    "Rename or remove all but one of them."
                )
            old = self.rules.rules.get(wanted.name)
            new = self._rule(wanted, old) if wanted.present else None
            if old != new:
                if old is not None and old.is_system(self.rules, self.around):
                    raise _system("rule", old.name)
                yield ChangeRule(self.around, old, new)

    def _rule(self, wanted: RuleTarget, old: Rule | None) -> Rule:
        kind = wanted.type or (None if old is None else old.type)
        if kind is None:
            raise GantryError(
                f"There is no rule {wanted.name} in {self.around.cluster}. "
                "To create it, give type and the VMs or groups that the rule applies to."
            )
        if kind not in OPERANDS_OF:
            raise GantryError(
                f"Rule {wanted.name} is of the type {kind}, which this collection does not support. It was not changed."
            )
        if wanted.mandatory and kind == DEPENDENCY:
            raise GantryError(f"Rule {wanted.name} is of the type {kind}; such rules are never mandatory.")
        known = old if old is not None else Rule(wanted.name, kind)
        rule = Rule(
            wanted.name,
            kind,
            enabled=known.enabled if wanted.enabled is None else wanted.enabled,
            mandatory=(known.mandatory if wanted.mandatory is None else wanted.mandatory) and kind != DEPENDENCY,
            key=known.key,
            in_compliance=known.in_compliance,
        )
        for operand in OPERANDS:
            given = getattr(wanted, operand)
            if operand not in OPERANDS_OF[kind]:
                if given is not None:
                    raise GantryError(f"Rule {wanted.name} is of the type {kind}, which has no {operand}.")
                continue
            value = given if given is not None else getattr(known, operand)
            if not value:
                raise GantryError(f"Rule {wanted.name} of the type {kind} requires {operand}.")
            rule = replace(rule, **{operand: value})
        return rule

    def _overrides(self) -> Iterable[ChangeOverride]:
        for vm, level in self.target.overrides.items():
            old = self.rules.overrides.get(vm)
            new = None if level is None else Override(vm, level)
            if old != new:
                if new is not None:
                    self._check_inside({vm}, VM, "the override")
                yield ChangeOverride(self.around, old, new)

    def _purged_groups(self) -> Iterable[ChangeGroup]:
        asked = {wanted.name for wanted in self.target.groups}
        for name, group in sorted(self.rules.groups.items()):
            if self._is_purged(name, asked) and not group.is_system(self.around):
                yield ChangeGroup(self.around, group, None)

    def _purged_rules(self) -> Iterable[ChangeRule]:
        asked = {wanted.name for wanted in self.target.rules}
        for name, rule in sorted(self.rules.rules.items()):
            if self._is_purged(name, asked) and not rule.is_system(self.rules, self.around):
                if name in self.rules.ambiguous:
                    raise GantryError(f"There is more than one rule named {name}; remove them manually before purging.")
                yield ChangeRule(self.around, rule, None)

    def _is_purged(self, name: str, asked: set[str]) -> bool:
        prefix = self.target.purge_prefix
        return prefix is not None and name.startswith(prefix) and name not in asked

    def _check_inside(self, members: Iterable[str], kind: str, what: str) -> None:
        inside = self.around.vms if kind == VM else self.around.hosts
        outside = [moid for moid in members if moid not in inside]
        if outside:
            raise GantryError(
                f"{what} of {self.around.cluster} cannot have {', '.join(self.around.sorted_paths(outside))}: "
                f"a group or rule can have only {'VMs' if kind == VM else 'hosts'} of its own cluster. "
                "Move them there first."
            )


def _check_groups(changes: Iterable[RulesChange], after: ClusterRules) -> None:
    """Raise if a group that is removed or changes its type is used by a rule that stays."""
    for change in changes:
        if not isinstance(change, ChangeGroup) or change.old is None or change.kind == EDIT:
            continue
        group = after.groups.get(change.old.name)
        users = sorted(
            rule.name
            for rule in after.rules.values()
            for name, kind in rule.groups
            if name == change.old.name and (group is None or group.type != kind)
        )
        if users:
            what = "be removed" if group is None else f"become a group of {group.type}s"
            raise GantryError(
                f"Group {change.old.name} cannot {what}: it is used by {', '.join(users)}. "
                "Remove or change these rules first, or in the same drs_ruleset.",
                details={"rules": users},
            )


def _check_rules(changes: Iterable[RulesChange], after: ClusterRules, around: Surroundings) -> None:
    """Raise if something that a written rule refers to does not exist."""
    for change in changes:
        if not isinstance(change, ChangeRule) or change.new is None:
            continue
        rule = change.new
        known = frozenset() if change.old is None else change.old.vms
        # A rule whose VMs have been removed from the inventory can still be disabled.
        if rule.type in VM_RULES and len(rule.vms) < 2 and (rule.vms != known or rule.enabled):
            raise GantryError(
                f"Rule {rule.name} has only {around.listed(rule.vms) or 'no VM'}; it requires at least two VMs."
            )
        outside = [vm for vm in rule.vms - known if vm not in around.vms]
        if outside:
            raise GantryError(
                f"Rule {rule.name} of {around.cluster} cannot have {', '.join(around.sorted_paths(outside))}: "
                "a rule applies only to VMs of its own cluster. Move them there first."
            )
        for name, kind in rule.groups:
            group = after.groups.get(name)
            if group is None or group.type != kind:
                found = "there is no group of that name" if group is None else f"that is a group of {group.type}s"
                there = sorted(one.name for one in after.groups.values() if one.type == kind)
                raise GantryError(
                    f"Rule {rule.name} requires the {'VM' if kind == VM else 'host'} group {name} in {around.cluster}, "
                    f"and {found}. There are: {', '.join(there) or 'none'}."
                )
        if rule.type == DEPENDENCY and rule.vm_group == rule.depends_on:
            raise GantryError(f"Rule {rule.name} makes group {rule.vm_group} depend on itself.")


def _check_conflicts(before: ClusterRules, after: ClusterRules, around: Surroundings) -> None:
    """Raise an error for conflicts that the changes add; conflicts that existed before are not reported."""
    known = {finding.identity for finding in find_conflicts(before, around)}
    new = [
        finding
        for finding in find_conflicts(after, around)
        if finding.severity == ERROR and finding.identity not in known
    ]
    if new:
        raise GantryError(
            f"These rules of {around.cluster} could not be satisfied: {'; '.join(finding.message for finding in new)}. "
            "Nothing was changed. Change or disable one of them.",
            details={"conflicts": [finding.as_result(around) for finding in new]},
        )


def _system(what: str, name: str) -> GantryError:
    return GantryError(f"{what} {name} was created by vSphere and is not changed. Choose another name.")
