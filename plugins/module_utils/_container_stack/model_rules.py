# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The DRS rules of a stack in one cluster. Pure data.

The names of its rules and groups begin with a prefix of the project, by which they are found again. A colon is in no
name of a project or a service, so two stacks never have the same names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.model import (
    ClusterPlace,
    Group,
    GroupTarget,
    ObservedRules,
    Rule,
    RulesetTarget,
    RulesSnapshot,
    RuleTarget,
)

# The privilege that rules are written with.
EDIT_CLUSTER = "Host.Inventory.EditCluster"


def prefix_of(project: str) -> str:
    """Return what the names of all rules and groups of a stack begin with."""
    return f"gantry:{project}:"


@dataclass(frozen=True)
class StackCluster:
    """A cluster, and the containers of the stack in it.

    ``members`` has the MoIDs of the containers of each service, in the order of their numbers. ``own`` are all VMs of
    the project, and ``remaining`` those that the task does not remove. ``obstacle`` is why this user cannot write
    rules.
    """

    place: ClusterPlace
    snapshot: RulesSnapshot
    members: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    own: frozenset[str] = frozenset()
    remaining: frozenset[str] = frozenset()
    obstacle: str | None = None


@dataclass(frozen=True)
class StackTarget:
    """The rules that a stack should have in a cluster, those that its files ask for, and what is wrong with them."""

    ruleset: RulesetTarget
    required: frozenset[str] = frozenset()
    warnings: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class StackRules:
    """The rules of a cluster, as they are and as the stack should have them."""

    observed: ObservedRules
    required: frozenset[str] = frozenset()
    warnings: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    obstacle: str | None = None

    @property
    def cluster(self) -> str:
        return self.observed.place.cluster.path

    @property
    def differing(self) -> tuple[str, ...]:
        """Return the names of the rules and groups that are not as they should be."""
        return tuple(dict.fromkeys(self._differing()))

    @property
    def unneeded(self) -> frozenset[str]:
        """Return the names of what is to be removed."""
        target = self.observed.target
        groups = (group.name for group in target.groups if not group.present)
        return frozenset([*groups, *(rule.name for rule in target.rules if not rule.present)])

    def with_rules(self, observed: ObservedRules) -> StackRules:
        return replace(self, observed=observed)

    def _differing(self) -> Iterator[str]:
        target, rules = self.observed.target, self.observed.snapshot.rules
        for group in target.groups:
            if rules.groups.get(group.name) != _group(group):
                yield group.name
        for rule in target.rules:
            if rules.rules.get(rule.name) != _rule(rule):
                yield rule.name


def _group(target: GroupTarget) -> Group | None:
    return Group(target.name, target.type or "", target.members) if target.present else None


def _rule(target: RuleTarget) -> Rule | None:
    if not target.present:
        return None
    return Rule(
        name=target.name,
        type=target.type or "",
        enabled=bool(target.enabled),
        mandatory=bool(target.mandatory),
        vms=target.vms or frozenset(),
        vm_group=target.vm_group,
        host_group=target.host_group,
    )
