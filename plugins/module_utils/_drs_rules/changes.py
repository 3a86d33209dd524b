# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The changes that a plan for groups, rules and overrides is made of. All of a plan go in one reconfiguration."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.model import (
    VM,
    ClusterRules,
    Group,
    ObservedRules,
    Override,
    Rule,
    Surroundings,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import nested

T = TypeVar("T")
N = TypeVar("N", Group, Rule)

CREATE = "create"
EDIT = "edit"
# A property that vSphere cannot edit, such as the type, is changed by removing and creating in one reconfiguration.
REPLACE = "replace"
DELETE = "remove"


@dataclass(frozen=True)
class RulesChange(ABC):
    """A change of a cluster's groups, rules or overrides."""

    around: Surroundings

    @property
    @abstractmethod
    def kind(self) -> str:
        """Return the kind of the object."""

    @property
    def rewrites(self) -> bool:
        """Return whether it writes back members as they were read, which would lose a concurrent change."""
        return False

    @abstractmethod
    def describe(self) -> str:
        """Return the change as an action, such as ``create the VM web``."""

    @abstractmethod
    def before(self) -> Mapping[str, Any]:
        """Return what the change touches, as it is now."""

    @abstractmethod
    def after(self) -> Mapping[str, Any]:
        """Return what the change touches, as it is going to be."""

    @abstractmethod
    def applied_to(self, rules: ClusterRules) -> ClusterRules:
        """Return the rules after this change."""

    def project(self, observed: ObservedRules) -> ObservedRules:
        snapshot = observed.snapshot
        return replace(observed, snapshot=replace(snapshot, rules=self.applied_to(snapshot.rules)))


@dataclass(frozen=True)
class _NamedChange(RulesChange, Generic[N]):
    """A change of a group or a rule, which has a name and a type; None means that it does not exist."""

    old: N | None
    new: N | None

    @property
    def kind(self) -> str:
        if self.old is None:
            return CREATE
        if self.new is None:
            return DELETE
        return EDIT if self.old.type == self.new.type else REPLACE

    @property
    def rewrites(self) -> bool:
        return self.kind == EDIT


@dataclass(frozen=True)
class ChangeGroup(_NamedChange[Group]):
    def describe(self) -> str:
        if self.old is None or self.new is None or self.old.type != self.new.type:
            group = _either(self.new, self.old)
            return f"{self.kind} {_noun(group)} {group.name}"
        parts = []
        for verb, moids in (
            ("add", self.new.members - self.old.members),
            ("remove", self.old.members - self.new.members),
        ):
            if moids:
                parts.append(f"{verb} {self.around.listed(moids)}")
        return f"edit {_noun(self.new)} {self.new.name}: {'; '.join(parts)}"

    def before(self) -> Mapping[str, Any]:
        return self._view(self.old)

    def after(self) -> Mapping[str, Any]:
        return self._view(self.new)

    def applied_to(self, rules: ClusterRules) -> ClusterRules:
        gone = [] if self.old is None else [self.old.name]
        return rules.with_groups([] if self.new is None else [self.new], gone)

    def _view(self, group: Group | None) -> Mapping[str, Any]:
        if group is None:
            return {}
        value: dict[str, Any] = {"members": self.around.sorted_paths(group.members)}
        if self.kind != EDIT:
            value["type"] = group.type
        return nested("groups", group.name, value=value)


@dataclass(frozen=True)
class ChangeRule(_NamedChange[Rule]):
    def describe(self) -> str:
        rule = _either(self.new, self.old)
        if self.kind == REPLACE and self.old is not None:
            return f"replace rule {rule.name}: {self.old.type} by {rule.type}"
        if self.kind != EDIT:
            return f"{self.kind} {rule.type} rule {rule.name}"
        (old, new) = (rule_view(one, self.around) for one in (self.old, rule) if one is not None)
        if differing(old, new) == ["enabled"]:
            return f"{'enable' if rule.enabled else 'disable'} rule {rule.name}"
        return f"edit rule {rule.name}: {', '.join(differing(old, new))}"

    def before(self) -> Mapping[str, Any]:
        return self._view(self.old, self.new)

    def after(self) -> Mapping[str, Any]:
        return self._view(self.new, self.old)

    def applied_to(self, rules: ClusterRules) -> ClusterRules:
        gone = [] if self.old is None else [self.old.name]
        return rules.with_rules([] if self.new is None else [self.new], gone)

    def _view(self, rule: Rule | None, other: Rule | None) -> Mapping[str, Any]:
        if rule is None:
            return {}
        view = rule_view(rule, self.around)
        if other is not None:
            changed = differing(view, rule_view(other, self.around))
            view = {key: value for key, value in view.items() if key in changed}
        return nested("rules", rule.name, value=view)


@dataclass(frozen=True)
class ChangeOverride(RulesChange):
    old: Override | None
    new: Override | None

    @property
    def kind(self) -> str:
        if self.old is None:
            return CREATE
        return DELETE if self.new is None else EDIT

    def describe(self) -> str:
        if self.new is None:
            return f"remove the override of {self._name()}"
        return f"override the automation level of {self._name()}: {self.new.level}"

    def before(self) -> Mapping[str, Any]:
        return self._view(self.old)

    def after(self) -> Mapping[str, Any]:
        return self._view(self.new)

    def applied_to(self, rules: ClusterRules) -> ClusterRules:
        gone = [] if self.old is None else [self.old.vm]
        return rules.with_overrides([] if self.new is None else [self.new], gone)

    def _vm(self) -> str:
        return _either(self.new, self.old).vm

    def _name(self) -> str:
        return self.around.listed([self._vm()])

    def _view(self, override: Override | None) -> Mapping[str, Any]:
        if override is None:
            return {}
        return nested("overrides", self.around.path(override.vm), "automation_level", value=override.level)


def rule_view(rule: Rule, around: Surroundings) -> dict[str, Any]:
    """Return a rule's settings without its name."""
    view: dict[str, Any] = {"type": rule.type, "enabled": rule.enabled, "mandatory": rule.mandatory}
    if rule.vms:
        view["vms"] = around.sorted_paths(rule.vms)
    for key in ("vm_group", "host_group", "depends_on"):
        if getattr(rule, key) is not None:
            view[key] = getattr(rule, key)
    return view


def differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    return sorted(key for key in {*one, *other} if one.get(key) != other.get(key))


def _either(one: T | None, other: T | None) -> T:
    found = other if one is None else one
    if found is None:
        raise ValueError("a change needs an old or a new value")
    return found


def _noun(group: Group) -> str:
    return "VM group" if group.type == VM else "host group"
