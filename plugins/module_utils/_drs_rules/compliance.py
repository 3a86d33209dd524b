# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the rules that are violated now, and by which VMs on which hosts. Pure.

vCenter reports only whether a rule is complied with, and updates that in intervals; this checks where VMs are now.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.conflicts import find_conflicts
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.model import (
    AFFINITY,
    ANTI_AFFINITY,
    FULLY_AUTOMATED,
    HOST_AFFINITY,
    HOST_RULES,
    ClusterRules,
    Rule,
    RulesSnapshot,
    RuleVm,
    Surroundings,
)


@dataclass(frozen=True)
class Violation:
    """A rule that is violated, and the VMs that violate it."""

    rule: Rule
    vms: tuple[RuleVm, ...]
    message: str

    def as_result(self, snapshot: RulesSnapshot, around: Surroundings) -> dict[str, Any]:
        return {
            "rule": self.rule.name,
            "type": self.rule.type,
            "mandatory": self.rule.mandatory,
            "vms": [{"name": vm.name, "path": vm.path, "moid": vm.moid, "host": _host(vm, around)} for vm in self.vms],
            "message": self.message,
            "cause": find_cause(self, snapshot, around),
        }


def find_violations(rules: ClusterRules, around: Surroundings) -> list[Violation]:
    """Return the violations of enabled rules, in the order of their names. Only VMs that are powered on count."""
    found = []
    for _name, rule in sorted(rules.rules.items()):
        if rule.enabled and (wrong := _misplaced(rule, rules, around)):
            places = ", ".join(f"{vm.name} on {_host(vm, around)}" for vm in wrong)
            found.append(Violation(rule, wrong, f"{_requirement(rule)}: {places}"))
    return found


def find_cause(violation: Violation, snapshot: RulesSnapshot, around: Surroundings) -> str:
    """Return why DRS does not end the violation by itself, as far as the configuration says it."""
    if not snapshot.drs_enabled:
        return f"DRS is disabled in {around.cluster}."
    conflicts = [one.message for one in find_conflicts(snapshot.rules, around) if violation.rule.name in one.rules]
    levels = {vm: snapshot.level_of(vm.moid) for vm in violation.vms}
    disabled = [vm.name for vm, level in levels.items() if level == "disabled"]
    asked = [vm.name for vm, level in levels.items() if level not in ("disabled", FULLY_AUTOMATED)]
    causes = [f"{message}." for message in conflicts]
    if disabled:
        causes.append(f"DRS is disabled for {', '.join(disabled)}.")
    if asked:
        causes.append(f"DRS only recommends moves of {', '.join(asked)}. Apply its recommendations.")
    return " ".join(causes) or "DRS has not moved the VMs yet, or finds no host for them. It checks every five minutes."


def _misplaced(rule: Rule, rules: ClusterRules, around: Surroundings) -> tuple[RuleVm, ...]:
    if rule.type in HOST_RULES:
        named = _members(rules, rule.host_group)
        vms = _running(_members(rules, rule.vm_group), around)
        return tuple(vm for vm in vms if (vm.host in named) != (rule.type == HOST_AFFINITY))
    vms = _running(rule.vms, around)
    shared = Counter(vm.host for vm in vms)
    if rule.type == AFFINITY:
        return vms if len(shared) > 1 else ()
    if rule.type == ANTI_AFFINITY:
        return tuple(vm for vm in vms if shared[vm.host] > 1)
    return ()  # a dependency determines when VMs start, not where


def _running(moids: Iterable[str], around: Surroundings) -> tuple[RuleVm, ...]:
    vms = [around.vms[moid] for moid in moids if moid in around.vms]
    return tuple(sorted((vm for vm in vms if vm.powered_on and vm.host is not None), key=lambda vm: (vm.path, vm.moid)))


def _members(rules: ClusterRules, group: str | None) -> frozenset[str]:
    found = None if group is None else rules.groups.get(group)
    return frozenset() if found is None else found.members


def _requirement(rule: Rule) -> str:
    must = "must" if rule.mandatory else "should"
    if rule.type == AFFINITY:
        return f"rule {rule.name}: these VMs {must} be on one host"
    if rule.type == ANTI_AFFINITY:
        return f"rule {rule.name}: these VMs {must} be on different hosts"
    where = "on" if rule.type == HOST_AFFINITY else "on other hosts than"
    return f"rule {rule.name}: VMs of {rule.vm_group} {must} be {where} those of {rule.host_group}"


def _host(vm: RuleVm, around: Surroundings) -> str | None:
    host = None if vm.host is None else around.hosts.get(vm.host)
    return None if host is None else host.name
