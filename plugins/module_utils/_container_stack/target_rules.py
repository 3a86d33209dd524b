# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decide which rules a stack should have in a cluster. Pure.

DRS does not break a rule between VMs, mandatory or not: a VM that would have to is not started, and does not leave a
host that enters maintenance mode. So the replicas of a service are divided into rules of fewer VMs than the cluster has
hosts. One host can then always be evacuated, and no host gets more replicas than there are rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.placement import ServicePlacement
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.model import DesiredStack
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.model_rules import (
    StackCluster,
    StackTarget,
    prefix_of,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.conflicts import ERROR, Finding, find_conflicts
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.model import (
    AFFINITY,
    ANTI_AFFINITY,
    EXACT,
    HOST,
    HOST_AFFINITY,
    HOST_ANTI_AFFINITY,
    HOST_RULES,
    VM,
    VM_RULES,
    ClusterRules,
    Group,
    GroupTarget,
    Rule,
    RulesetTarget,
    RuleTarget,
)

# What a service may ask for, as the files call it.
_APART = "deploy.placement.max_replicas_per_node"
_CONSTRAINTS = "deploy.placement.constraints"
_HOST_GROUP = "x-gantry.host_group"


def target_rules(desired: DesiredStack, cluster: StackCluster) -> StackTarget:
    """Return the rules that the stack should have in this cluster, and what is wrong with them."""
    targets = _StackTargets(desired.project, cluster)
    for placement in desired.placements:
        targets.add(placement, cluster.members.get(placement.service, ()))
    return targets.whole({placement.service for placement in desired.placements})


class _StackTargets:
    """Collects the rules and groups of a cluster, service by service."""

    def __init__(self, project: str, cluster: StackCluster) -> None:
        self.prefix = prefix_of(project)
        self.cluster = cluster
        self.path = cluster.place.cluster.path
        self.around = cluster.place.around
        self.known: ClusterRules = cluster.snapshot.rules
        self.groups: dict[str, Group] = {}
        # Those that the files ask for, and those that all services have.
        self.required: dict[str, Rule] = {}
        self.defaults: dict[str, Rule] = {}
        self.warnings: list[str] = []
        self.problems: list[str] = []

    # -- the rules of a service

    def add(self, placement: ServicePlacement, vms: Sequence[str]) -> None:
        """Add the rules of a service whose containers are these VMs."""
        asked = _asked(placement, len(vms))
        if not vms or (asked is None and (len(vms) < 2 or not placement.anti_affinity)):
            return
        if not self.cluster.snapshot.drs_enabled:
            if asked is not None:
                self._problem(
                    placement, asked, f"{self.path} has no DRS, or it is disabled. Enable it, or give another cluster."
                )
            return
        hosts = self._add_hosts(placement, frozenset(vms))
        if hosts is not None and placement.anti_affinity and len(vms) > 1:
            self._add_separation(placement, vms, hosts)

    def _add_hosts(self, placement: ServicePlacement, vms: frozenset[str]) -> frozenset[str] | None:
        """Add the rule between the containers and hosts. Return the hosts that they may be on; None for a problem."""
        every = frozenset(self.around.hosts)
        if not placement.has_hosts:
            return every
        name = self.prefix + placement.service
        kind = HOST_ANTI_AFFINITY if placement.avoided else HOST_AFFINITY
        if placement.host_group is not None:
            group, members = placement.host_group, self._host_group(placement)
        else:
            group, members = f"{name}:hosts", self._named_hosts(placement)
            if members is not None:
                self.groups[group] = Group(group, HOST, members)
        if members is None:
            return None
        self.groups[name] = Group(name, VM, vms)
        rule = Rule(f"{name}:hosts", kind, mandatory=placement.mandatory, vm_group=name, host_group=group)
        self.required[rule.name] = rule
        allowed = every - members if placement.avoided else members
        if not allowed:
            self._problem(placement, _CONSTRAINTS, f"they leave no host of {self.path}. Remove one of them.")
            return None
        return allowed

    def _host_group(self, placement: ServicePlacement) -> frozenset[str] | None:
        found = self.known.groups.get(placement.host_group or "")
        if found is not None and found.type == HOST:
            return found.members
        there = listed(sorted(one.name for one in self.known.groups.values() if one.type == HOST)) or "none"
        self._problem(
            placement,
            _HOST_GROUP,
            f"{self.path} has no host group {placement.host_group}. There are: {there}. Create it with drs_group.",
        )
        return None

    def _named_hosts(self, placement: ServicePlacement) -> frozenset[str] | None:
        place = self.cluster.place
        try:
            named = [place.inventory.host(name, cluster=place.cluster) for name in placement.hosts or placement.avoided]
        except GantryError as error:
            self._problem(placement, _CONSTRAINTS, error.message)
            return None
        return frozenset(host.moid for host in named)

    def _add_separation(self, placement: ServicePlacement, vms: Sequence[str], hosts: frozenset[str]) -> None:
        """Add the rules that keep replicas on different hosts."""
        usable = sum(self.around.hosts[moid].trouble is None for moid in hosts if moid in self.around.hosts)
        if placement.apart:
            self._add_strict(placement, vms, len(hosts), usable)
            return
        size = min(len(hosts) - 1, usable)
        if size < 2:
            return
        for number, start in enumerate(range(0, len(vms), size), start=1):
            some = frozenset(vms[start : start + size])
            if len(some) > 1:
                rule = self._separation(placement, number, some)
                self.defaults[rule.name] = rule

    def _add_strict(self, placement: ServicePlacement, vms: Sequence[str], hosts: int, usable: int) -> None:
        rule = self._separation(placement, 1, frozenset(vms))
        # What is there already is not refused while a host is in maintenance mode.
        unchanged = self.known.rules.get(rule.name) == rule
        if len(vms) > (hosts if unchanged else usable):
            self._problem(
                placement,
                _APART,
                f"there are {len(vms)} replicas, and the service can use {usable} of the {len(self.around.hosts)} "
                f"hosts of {self.path} now. Reduce the replicas, or remove the attribute.",
            )
            return
        self.required[rule.name] = rule

    def _separation(self, placement: ServicePlacement, number: int, vms: frozenset[str]) -> Rule:
        return Rule(f"{self.prefix}{placement.service}:{number}", ANTI_AFFINITY, vms=vms)

    def _problem(self, placement: ServicePlacement, asked: str, found: str) -> None:
        self.problems.append(f"{placement.place} has {asked}: {found}")

    # -- all rules of the cluster

    def whole(self, services: set[str]) -> StackTarget:
        """Return all rules. Those of other services stay as long as their containers do."""
        self._leave_out_conflicting()
        rules = {**self.required, **self.defaults}
        names = (*self.groups, *rules)
        foreign = [name for name in dict.fromkeys(names) if not self._may_have(name, rules)]
        for name in foreign if self.cluster.obstacle is None else ():
            self.problems.append(
                f"{name} in {self.path} has the name of a rule or group of this stack, and no container of it. It was "
                "made by someone else. Rename or remove it."
            )
        gone = [rule for rule in self._leftover_rules() if rule.name not in rules and not self._stays(rule, services)]
        left = self._leftover_groups({rule.name for rule in gone})
        return StackTarget(
            RulesetTarget(
                groups=(
                    *(GroupTarget(one.name, True, one.type, one.members, EXACT) for one in self.groups.values()),
                    *(GroupTarget(one.name, False) for one in left),
                ),
                rules=(*map(_wanted, rules.values()), *(RuleTarget(one.name, False) for one in gone)),
            ),
            required=frozenset({*self.groups, *self.required}),
            warnings=tuple(self.warnings),
            problems=tuple(self.problems),
        )

    def _leave_out_conflicting(self) -> None:
        """Leave out rules that nobody asked for and that contradict others, such as one that keeps VMs together."""
        base = self.known.with_rules(self.required.values(), [rule.name for rule in self._leftover_rules()])
        base = base.with_groups(self.groups.values())
        if not any(rule.enabled and (rule.type == AFFINITY or rule.type in HOST_RULES) for rule in base.rules.values()):
            return
        known = {finding.identity for finding in find_conflicts(base, self.around)}
        while conflicting := [
            finding
            for finding in find_conflicts(base.with_rules(self.defaults.values()), self.around)
            if finding.severity == ERROR and finding.identity not in known and self.defaults.keys() & set(finding.rules)
        ]:
            for finding in conflicting:
                self._leave_out(finding)

    def _leave_out(self, finding: Finding) -> None:
        for name in self.defaults.keys() & set(finding.rules):
            del self.defaults[name]
            self.warnings.append(
                f"{self.path} has no rule {name} that keeps replicas on different hosts, because it would contradict "
                f"another one: {finding.message}. Change that rule, or set anti_affinity to false."
            )

    # -- what is there already

    def _may_have(self, name: str, rules: dict[str, Rule]) -> bool:
        """Return whether the stack may give this name, because nobody else has."""
        group, rule = self.known.groups.get(name), self.known.rules.get(name)
        if name in self.groups and group is not None and not self._owns_group(group):
            return False
        return name not in rules or rule is None or self._owns_rule(rule)

    def _owns_rule(self, rule: Rule) -> bool:
        """Return whether the stack has made a rule: it has the name, and is for containers of the stack or for none."""
        if not rule.name.startswith(self.prefix):
            return False
        if rule.type in VM_RULES:
            return not rule.vms or not rule.vms.isdisjoint(self.cluster.own)
        group = self.known.groups.get(rule.vm_group or "")
        return rule.type in HOST_RULES and (group is None or self._owns_group(group))

    def _owns_group(self, group: Group) -> bool:
        """Return whether the stack has made a group. One of hosts is known by the rules that use it."""
        if not group.name.startswith(self.prefix):
            return False
        if group.type == VM:
            return not group.members or not group.members.isdisjoint(self.cluster.own)
        users = [rule for rule in self.known.rules.values() if rule.host_group == group.name]
        return all(self._owns_rule(rule) for rule in users)

    def _leftover_rules(self) -> list[Rule]:
        """Return the rules that the stack has made, except for those with a name that several have."""
        known = (rule for _name, rule in sorted(self.known.rules.items()) if rule.name not in self.known.ambiguous)
        return [rule for rule in known if self._owns_rule(rule)]

    def _stays(self, rule: Rule, services: Iterable[str]) -> bool:
        """Return whether a rule of a service that the task does not apply to still has enough containers."""
        if rule.name.removeprefix(self.prefix).partition(":")[0] in services:
            return False
        if rule.type in VM_RULES:
            return len(rule.vms & self.cluster.remaining) > 1
        group = self.known.groups.get(rule.vm_group or "")
        return group is not None and not group.members.isdisjoint(self.cluster.remaining)

    def _leftover_groups(self, gone: Iterable[str]) -> list[Group]:
        """Return the groups that the stack has made and that no rule uses after the removal of rules."""
        removed = set(gone)
        kept = [rule for rule in self.known.rules.values() if rule.name not in removed]
        used = {name for rule in kept for name, _kind in rule.groups}
        found = [one for _name, one in sorted(self.known.groups.items()) if one.name not in {*self.groups, *used}]
        return [one for one in found if self._owns_group(one)]


def _asked(placement: ServicePlacement, replicas: int) -> str | None:
    """Return what a service asks for that the task must not leave out, as the files call it."""
    if placement.has_hosts:
        return _CONSTRAINTS if placement.host_group is None else _HOST_GROUP
    return _APART if placement.apart and replicas > 1 else None


def _wanted(rule: Rule) -> RuleTarget:
    return RuleTarget(
        rule.name,
        present=True,
        type=rule.type,
        enabled=True,
        mandatory=rule.mandatory,
        vms=rule.vms if rule.type in VM_RULES else None,
        vm_group=rule.vm_group,
        host_group=rule.host_group,
    )
