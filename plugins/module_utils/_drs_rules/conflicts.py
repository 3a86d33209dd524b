# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find rules that conflict with each other or that the cluster's hosts cannot satisfy. Pure.

Only enabled rules count. VM-host rules that leave a VM no host conflict with each other, mandatory or not: vCenter then
disables the newer one. Combined with VM-VM rules only mandatory VM-host rules are a conflict: the others are
preferences that DRS may leave unsatisfied.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.model import (
    AFFINITY,
    ANTI_AFFINITY,
    DEPENDENCY,
    HOST_AFFINITY,
    HOST_RULES,
    ClusterRules,
    Rule,
    Surroundings,
)

# Cannot be satisfied, whatever DRS does.
ERROR = "error"
# Cannot be satisfied now, or is a preference that conflicts with another rule.
WARNING = "warning"


@dataclass(frozen=True)
class Finding:
    """Rules that conflict, and the VMs that they conflict for."""

    code: str
    severity: str
    rules: tuple[str, ...]
    vms: frozenset[str]
    message: str

    def as_result(self, around: Surroundings) -> dict[str, Any]:
        return {
            "code": self.code,
            "severity": self.severity,
            "rules": list(self.rules),
            "vms": around.sorted_paths(self.vms),
            "message": self.message,
        }

    @property
    def identity(self) -> tuple[str, tuple[str, ...], frozenset[str]]:
        return self.code, self.rules, self.vms


def find_conflicts(rules: ClusterRules, around: Surroundings) -> list[Finding]:
    """Return all findings, in a stable order."""
    checker = _Checker(rules, around)
    findings = [
        *checker.separated_and_together(),
        *checker.without_host(),
        *checker.too_few_hosts(),
        *checker.cycles(),
    ]
    return sorted(findings, key=lambda finding: (finding.severity, finding.code, finding.rules, finding.message))


class _Checker:
    def __init__(self, rules: ClusterRules, around: Surroundings) -> None:
        self.rules = rules
        self.around = around
        enabled = [rule for _name, rule in sorted(rules.rules.items()) if rule.enabled]
        self.affinities = [rule for rule in enabled if rule.type == AFFINITY]
        self.separations = [rule for rule in enabled if rule.type == ANTI_AFFINITY]
        self.host_rules = [rule for rule in enabled if rule.type in HOST_RULES]
        self.dependencies = [rule for rule in enabled if rule.type == DEPENDENCY]
        # VMs that affinity rules keep together, directly or transitively, move as one unit.
        self.together = _components([rule.vms for rule in self.affinities])
        self.every_host = frozenset(around.hosts)
        self.usable = frozenset(moid for moid, host in around.hosts.items() if host.trouble is None)
        self.allowed = self._allowed_hosts()

    def unit(self, vm: str) -> frozenset[str]:
        """Return the VM and all VMs that must be on the same host."""
        return self.together.get(vm, frozenset({vm}))

    # -- the checks

    def separated_and_together(self) -> Iterable[Finding]:
        for rule in self.separations:
            for unit in {self.unit(vm) for vm in rule.vms}:
                both = rule.vms & unit
                if len(both) > 1:
                    causes = _names(self.affinities_of(unit))
                    yield Finding(
                        "affinity_and_anti_affinity",
                        ERROR,
                        _names([rule, *self.affinities_of(unit)]),
                        both,
                        f"rule {rule.name} keeps {self._names(both)} on different hosts, while "
                        f"{_rules(causes)} keep{'s' if len(causes) == 1 else ''} them on the same one",
                    )

    def without_host(self) -> Iterable[Finding]:
        single = {vm for rule in self.host_rules for vm in self._members(rule.vm_group)}
        hopeless = set()
        for vm in sorted(single):
            left, causes = self._restrict(frozenset({vm}), self.every_host, self.host_rules)
            if not left:
                hopeless.add(vm)
                yield self._no_host(frozenset({vm}), causes)
        for unit, (left, causes) in sorted(self.allowed.items(), key=lambda item: sorted(item[0])):
            if unit & hopeless:
                continue
            if not left:
                yield self._no_host(unit, causes)
            elif not left & self.usable:
                names = _names(causes)
                yield Finding(
                    "no_host_now",
                    WARNING,
                    names,
                    unit,
                    f"{_say(names, 'leave')} {self._names(unit)} only hosts that cannot "
                    f"run VMs now: {self._troubles(left)}",
                )
            elif not self._restrict(unit, left, self.host_rules)[0]:
                names = _names([*self.affinities_of(unit), *self._restrict(unit, left, self.host_rules)[1]])
                yield Finding(
                    "wish_impossible",
                    WARNING,
                    names,
                    unit,
                    f"{_rules(names)} cannot all be fulfilled for {self._names(unit)}: no host satisfies all of them",
                )

    def _no_host(self, unit: frozenset[str], causes: Sequence[Rule]) -> Finding:
        names = _names([*causes, *self.affinities_of(unit)])
        return Finding(
            "no_host",
            ERROR,
            names,
            unit,
            f"{_say(names, 'leave')} no host of the cluster for {self._names(unit)}",
        )

    def too_few_hosts(self) -> Iterable[Finding]:
        for rule in self.separations:
            units = sorted({self.unit(vm) for vm in rule.vms}, key=sorted)
            if any(len(unit & rule.vms) > 1 for unit in units):
                continue  # conflicts with an affinity rule, which is a separate finding
            chosen = [self.allowed.get(unit, (self.every_host, ())) for unit in units]
            if any(not allowed for allowed, _causes in chosen):
                continue  # a VM without any host is a separate finding
            causes = _names([rule, *(one for _allowed, found in chosen for one in found)])
            possible = frozenset[str]().union(*(allowed for allowed, _causes in chosen))
            if _matching([allowed for allowed, _causes in chosen]) < len(units):
                yield Finding(
                    "not_enough_hosts",
                    ERROR,
                    causes,
                    rule.vms,
                    f"{_say(causes, 'want')} {len(rule.vms)} VMs ({self._names(rule.vms)}) on different hosts, and of "
                    f"the cluster's {len(self.every_host)} hosts {len(possible)} may be used: {self._hosts(possible)}",
                )
            elif _matching([allowed & self.usable for allowed, _causes in chosen]) < len(units):
                yield Finding(
                    "not_enough_hosts_now",
                    WARNING,
                    causes,
                    rule.vms,
                    f"{_say(causes, 'want')} {len(rule.vms)} VMs ({self._names(rule.vms)}) on different hosts, and now "
                    f"some of these cannot run VMs: {self._troubles(possible)}",
                )

    def cycles(self) -> Iterable[Finding]:
        """Find cycles of dependency rules: a rule precedes another if that one applies to a VM that it depends on."""
        needs = {rule.name: self._members(rule.depends_on) for rule in self.dependencies}
        needed_by = {rule.name: self._members(rule.vm_group) for rule in self.dependencies}
        edges = {name: {other for other in needs if needs[name] & needed_by[other]} for name in needs}
        reachable = {name: _reachable(edges, name) for name in edges}
        loops = {
            frozenset(other for other in beyond if name in reachable[other])
            for name, beyond in reachable.items()
            if name in beyond
        }
        for loop in sorted(loops, key=sorted):
            names = tuple(sorted(loop))
            vms = frozenset(vm for name in loop for other in loop for vm in needs[name] & needed_by[other])
            yield Finding(
                "dependency_cycle", ERROR, names, vms, f"{_say(names, 'make')} {self._names(vms)} depend on themselves"
            )

    # -- hosts

    def _allowed_hosts(self) -> dict[frozenset[str], tuple[frozenset[str], tuple[Rule, ...]]]:
        """Return, for each unit that VM-host rules apply to, the hosts that mandatory ones allow, and these rules."""
        units = {self.unit(vm) for rule in self.host_rules for vm in self._members(rule.vm_group)}
        mandatory = [rule for rule in self.host_rules if rule.mandatory]
        return {unit: self._restrict(unit, self.every_host, mandatory) for unit in units}

    def _restrict(
        self, unit: frozenset[str], hosts: frozenset[str], rules: Iterable[Rule]
    ) -> tuple[frozenset[str], tuple[Rule, ...]]:
        """Return the hosts that these rules allow for a unit, and the rules that apply to it."""
        causes = []
        for rule in rules:
            if self._members(rule.vm_group) & unit:
                named = self._members(rule.host_group)
                hosts = hosts & named if rule.type == HOST_AFFINITY else hosts - named
                causes.append(rule)
        return hosts, tuple(causes)

    def affinities_of(self, unit: frozenset[str]) -> list[Rule]:
        """Return the rules that keep a unit together."""
        return [rule for rule in self.affinities if len(unit) > 1 and rule.vms & unit]

    # -- text for messages

    def _members(self, group: str | None) -> frozenset[str]:
        found = None if group is None else self.rules.groups.get(group)
        return frozenset() if found is None else found.members

    def _names(self, vms: Iterable[str]) -> str:
        return self.around.listed(vms)

    def _hosts(self, hosts: Iterable[str]) -> str:
        return self.around.listed(hosts) or "none"

    def _troubles(self, hosts: Iterable[str]) -> str:
        known = [self.around.hosts[moid] for moid in hosts]
        return ", ".join(sorted(f"{host.name} ({host.trouble})" for host in known if host.trouble is not None))


def _names(rules: Iterable[Rule]) -> tuple[str, ...]:
    return tuple(sorted({rule.name for rule in rules}))


def _rules(names: Sequence[str]) -> str:
    return f"rule{'s' if len(names) > 1 else ''} {' and '.join(sorted(names))}"


def _say(names: Sequence[str], verb: str) -> str:
    return f"{_rules(names)} {verb}{'s' if len(names) == 1 else ''}"


def _components(sets: Iterable[frozenset[str]]) -> dict[str, frozenset[str]]:
    """Return the unions of sets that overlap, by each member."""
    found: list[frozenset[str]] = []
    for one in sets:
        touching = [other for other in found if other & one]
        found = [other for other in found if not other & one]
        found.append(one.union(*touching))
    return {member: union for union in found for member in union}


def _reachable(edges: Mapping[str, Iterable[str]], start: str) -> set[str]:
    found: set[str] = set()
    waiting = list(edges.get(start, ()))
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting.extend(edges.get(node, ()))
    return found


def _matching(choices: Sequence[frozenset[str]]) -> int:
    """Return how many can get one of their choices each, no two the same (augmenting paths)."""
    taken: dict[str, int] = {}

    def place(index: int, seen: set[str]) -> bool:
        for choice in sorted(choices[index] - seen):
            seen.add(choice)
            if choice not in taken or place(taken[choice], seen):
                taken[choice] = index
                return True
        return False

    return sum(place(index, set()) for index in range(len(choices)))
