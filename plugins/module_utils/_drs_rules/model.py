# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Groups, rules and overrides of a cluster, and the hosts and VMs that they apply to. Pure.

VMs and hosts are MoIDs in here; Surroundings has their names and paths.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from ansible_collections.gantry.vsphere.plugins.module_utils._placement.selectors import VmSelector
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry, Inventory

ADD = "add"
REMOVE = "remove"
EXACT = "exact"
MEMBERS_MODES = (ADD, REMOVE, EXACT)

FULLY_AUTOMATED = "fully_automated"


@dataclass(frozen=True)
class WantedGroup:
    """A group as a task describes it. ``option`` is the name of its members' option, for messages."""

    name: str
    present: bool
    type: str | None = None
    vms: tuple[VmSelector, ...] = ()
    hosts: tuple[str, ...] = ()
    mode: str = ADD
    option: str = "members"


@dataclass(frozen=True)
class WantedRule:
    """A rule as a task describes it. None means that the task does not set it: it stays as it is."""

    name: str
    present: bool
    type: str | None = None
    enabled: bool | None = None
    mandatory: bool | None = None
    vms: tuple[VmSelector, ...] | None = None
    vm_group: str | None = None
    host_group: str | None = None
    depends_on: str | None = None
    option: str = "vms"


@dataclass(frozen=True)
class WantedOverride:
    """An override as a task describes it; with ``level`` None it is removed."""

    vms: tuple[VmSelector, ...]
    level: str | None
    option: str = "vms"


@dataclass(frozen=True)
class Ruleset:
    """Everything that a task requests for one cluster."""

    cluster: str | None
    datacenter: str | None
    groups: tuple[WantedGroup, ...] = ()
    rules: tuple[WantedRule, ...] = ()
    overrides: tuple[WantedOverride, ...] = ()
    # Groups and rules whose names have this prefix are removed unless the task lists them.
    purge_prefix: str | None = None
    # Names or paths of VMs that a task before this one creates, so that in check mode they do not exist.
    planned_vms: frozenset[str] = frozenset()


@dataclass(frozen=True)
class GroupTarget:
    name: str
    present: bool
    type: str | None = None
    members: frozenset[str] = frozenset()
    mode: str = ADD


@dataclass(frozen=True)
class RuleTarget:
    name: str
    present: bool
    type: str | None = None
    enabled: bool | None = None
    mandatory: bool | None = None
    vms: frozenset[str] | None = None
    vm_group: str | None = None
    host_group: str | None = None
    depends_on: str | None = None


@dataclass(frozen=True)
class RulesetTarget:
    """A ruleset with MoIDs instead of names. ``overrides``: by VM, None for no override."""

    groups: tuple[GroupTarget, ...] = ()
    rules: tuple[RuleTarget, ...] = ()
    overrides: dict[str, str | None] = field(default_factory=dict)
    purge_prefix: str | None = None


VM = "vm"
HOST = "host"
GROUP_TYPES = (VM, HOST)

AFFINITY = "vm_affinity"
ANTI_AFFINITY = "vm_anti_affinity"
HOST_AFFINITY = "vm_host_affinity"
HOST_ANTI_AFFINITY = "vm_host_anti_affinity"
DEPENDENCY = "vm_dependency"
RULE_TYPES = (AFFINITY, ANTI_AFFINITY, HOST_AFFINITY, HOST_ANTI_AFFINITY, DEPENDENCY)
# Each applies to its VMs, to a group of VMs and one of hosts, or to two groups of VMs.
VM_RULES = (AFFINITY, ANTI_AFFINITY)
HOST_RULES = (HOST_AFFINITY, HOST_ANTI_AFFINITY)
OPERANDS = ("vms", "vm_group", "host_group", "depends_on")
# The operands that a rule of each type requires.
OPERANDS_OF = {
    **dict.fromkeys(VM_RULES, ("vms",)),
    **dict.fromkeys(HOST_RULES, ("vm_group", "host_group")),
    DEPENDENCY: ("vm_group", "depends_on"),
}

V = TypeVar("V")

# The names of the groups and rules of vSphere Cluster Services begin with this.
_SYSTEM_PREFIX = "vCLS"


def _is_system(name: str, by_user: bool, vms: Collection[str], around: Surroundings) -> bool:
    """Return whether vSphere created a group or rule; tools other than vSphere may leave out the user's mark too."""
    return not by_user and (name.startswith(_SYSTEM_PREFIX) or around.all_agents(vms))


DISABLED = "disabled"
AUTOMATION_LEVELS = ("manual", "partially_automated", "fully_automated")


@dataclass(frozen=True)
class Group:
    """A group of VMs or of hosts."""

    name: str
    type: str
    members: frozenset[str]
    by_user: bool = field(default=True, compare=False)

    def is_system(self, around: Surroundings) -> bool:
        return _is_system(self.name, self.by_user, self.members, around)


@dataclass(frozen=True)
class Rule:
    """One rule, with the operands of its type. A rule whose type is not one of RULE_TYPES is never changed."""

    name: str
    type: str
    enabled: bool = True
    mandatory: bool = False
    vms: frozenset[str] = frozenset()
    vm_group: str | None = None
    host_group: str | None = None
    depends_on: str | None = None
    key: int | None = field(default=None, compare=False)
    by_user: bool = field(default=True, compare=False)
    in_compliance: bool | None = field(default=None, compare=False)

    def is_system(self, rules: ClusterRules, around: Surroundings) -> bool:
        group = None if self.vm_group is None else rules.groups.get(self.vm_group)
        return _is_system(self.name, self.by_user, self.vms if group is None else group.members, around)

    @property
    def groups(self) -> tuple[tuple[str, str], ...]:
        """Return the groups that the rule refers to, each with the type that it must have."""
        named = ((self.vm_group, VM), (self.host_group, HOST), (self.depends_on, VM))
        return tuple((name, kind) for name, kind in named if name is not None)


@dataclass(frozen=True)
class Override:
    """The DRS automation level of one VM instead of the cluster's default; None is the default nevertheless."""

    vm: str
    level: str | None


@dataclass(frozen=True)
class ClusterRules:
    """All of a cluster's groups and rules by name, and its overrides by VM."""

    groups: Mapping[str, Group] = field(default_factory=dict)
    rules: Mapping[str, Rule] = field(default_factory=dict)
    overrides: Mapping[str, Override] = field(default_factory=dict)
    # Names that more than one rule has, so that they do not identify one.
    ambiguous: frozenset[str] = frozenset()

    def with_groups(self, groups: Iterable[Group], without: Iterable[str] = ()) -> ClusterRules:
        return replace(self, groups=_changed(self.groups, {group.name: group for group in groups}, without))

    def with_rules(self, rules: Iterable[Rule], without: Iterable[str] = ()) -> ClusterRules:
        return replace(self, rules=_changed(self.rules, {rule.name: rule for rule in rules}, without))

    def with_overrides(self, overrides: Iterable[Override], without: Iterable[str] = ()) -> ClusterRules:
        new = {override.vm: override for override in overrides}
        return replace(self, overrides=_changed(self.overrides, new, without))


def _changed(known: Mapping[str, V], new: Mapping[str, V], without: Iterable[str]) -> dict[str, V]:
    gone = set(without)
    return {**{key: value for key, value in known.items() if key not in gone}, **new}


@dataclass(frozen=True)
class RuleHost:
    """A host of the cluster; ``trouble`` is why no VM can run on it now."""

    moid: str
    name: str
    path: str
    trouble: str | None = None


@dataclass(frozen=True)
class RuleVm:
    """A VM of the cluster, and the host that it is on; vCenter manages an ``agent`` itself."""

    moid: str
    name: str
    path: str
    host: str | None = None
    powered_on: bool = False
    agent: bool = False


@dataclass(frozen=True)
class Surroundings:
    """The hosts and VMs that rules can apply to: those of the cluster, and the paths of all objects that were read."""

    cluster: str
    hosts: Mapping[str, RuleHost] = field(default_factory=dict)
    vms: Mapping[str, RuleVm] = field(default_factory=dict)
    paths: Mapping[str, str] = field(default_factory=dict)

    def path(self, moid: str) -> str:
        """Return the path of a VM or host, or its MoID if this user cannot see it."""
        return self.paths.get(moid, moid)

    def all_agents(self, moids: Collection[str]) -> bool:
        """Return whether these are VMs that vCenter manages itself, and at least one."""
        return bool(moids) and all(moid in self.vms and self.vms[moid].agent for moid in moids)

    def sorted_paths(self, moids: Iterable[str]) -> list[str]:
        return sorted(self.path(moid) for moid in moids)

    def listed(self, moids: Iterable[str]) -> str:
        """Return the last part of each path, for messages."""
        return ", ".join(sorted(self.path(moid).rpartition("/")[2] for moid in moids))


@dataclass(frozen=True)
class ClusterPlace:
    """A cluster in the inventory it was found in."""

    inventory: Inventory
    cluster: Entry
    datacenter: Entry | None
    around: Surroundings
    # A stand-in for the MoID of each planned VM that does not exist, by its name or path.
    planned: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RulesSnapshot:
    """The rules at a point in time (time.monotonic), and the cluster settings that determine their effect."""

    rules: ClusterRules
    at: float
    drs_enabled: bool = True
    overrides_allowed: bool = True
    automation: str = FULLY_AUTOMATED

    def level_of(self, vm: str) -> str:
        """Return the DRS automation level that a VM has."""
        override = self.rules.overrides.get(vm) if self.overrides_allowed else None
        return self.automation if override is None or override.level is None else override.level


@dataclass(frozen=True)
class ObservedRules:
    """The cluster with its rules, and the ruleset that the task requests."""

    place: ClusterPlace
    snapshot: RulesSnapshot
    target: RulesetTarget
