# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test that conflicting and unsatisfiable rules are found, and no others."""

from __future__ import annotations

from itertools import permutations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.conflicts import (
    ERROR,
    WARNING,
    Finding,
    find_conflicts,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.model import (
    AFFINITY,
    ANTI_AFFINITY,
    DEPENDENCY,
    HOST_AFFINITY,
    HOST_ANTI_AFFINITY,
    HOST_RULES,
    ClusterRules,
    Rule,
    Surroundings,
)
from tests.support.builders.drs import AROUND, HOSTS, VMS, between, bound, cluster, clusters, group, surroundings


def only(rules: ClusterRules, around: Surroundings = AROUND) -> Finding:
    (finding,) = find_conflicts(rules, around)
    return finding


def test_affinity_and_anti_affinity_conflict_also_transitively() -> None:
    near = [between("a", AFFINITY, "vm-0", "vm-1"), between("b", AFFINITY, "vm-1", "vm-2")]
    found = only(cluster(*near, between("far", ANTI_AFFINITY, "vm-0", "vm-2")))
    assert (found.code, found.severity) == ("affinity_and_anti_affinity", ERROR)
    assert found.rules == ("a", "b", "far")
    assert found.vms == {"vm-0", "vm-2"}
    assert find_conflicts(cluster(*near, between("far", ANTI_AFFINITY, "vm-0", "vm-3")), AROUND) == []
    assert find_conflicts(cluster(*near, between("far", ANTI_AFFINITY, "vm-0", "vm-2", enabled=False)), AROUND) == []


def test_more_separated_vms_than_hosts() -> None:
    found = only(cluster(between("far", ANTI_AFFINITY, *VMS[:5])))
    assert (found.code, found.severity) == ("not_enough_hosts", ERROR)
    assert "5 VMs" in found.message
    assert "4 hosts" in found.message
    assert find_conflicts(cluster(between("far", ANTI_AFFINITY, *VMS[:4])), AROUND) == []


def test_more_separated_vms_than_usable_hosts_is_a_warning() -> None:
    found = only(cluster(between("far", ANTI_AFFINITY, *VMS[:4])), surroundings(down="host-3"))
    assert (found.code, found.severity) == ("not_enough_hosts_now", WARNING)
    assert "host-3 (in maintenance mode)" in found.message


def test_more_separated_vms_than_hosts_of_their_mandatory_group() -> None:
    tied = [group("v", "vm-0", "vm-1", "vm-2"), group("h", "host-0", "host-1")]
    far = between("far", ANTI_AFFINITY, "vm-0", "vm-1", "vm-2")
    found = only(cluster(*tied, far, bound("tied", mandatory=True)))
    assert (found.code, found.rules) == ("not_enough_hosts", ("far", "tied"))
    assert find_conflicts(cluster(*tied, far, bound("tied")), AROUND) == []


@pytest.mark.parametrize("mandatory", [True, False])
def test_rules_with_hosts_that_leave_no_host(mandatory: bool) -> None:
    groups = [group("v", "vm-0"), group("h", "host-0"), group("i", "host-1")]
    found = only(cluster(*groups, bound("one", mandatory=mandatory), bound("two", hosts="i", mandatory=mandatory)))
    assert (found.code, found.severity, found.rules) == ("no_host", ERROR, ("one", "two"))
    found = only(cluster(*groups, bound("on"), bound("off", HOST_ANTI_AFFINITY, mandatory=mandatory)))
    assert (found.code, found.rules) == ("no_host", ("off", "on"))
    everywhere = group("h", *HOSTS)
    found = only(cluster(group("v", "vm-0"), everywhere, bound("off", HOST_ANTI_AFFINITY, mandatory=mandatory)))
    assert found.code == "no_host"


def test_vms_kept_together_that_must_be_on_different_hosts() -> None:
    groups = [group("v", "vm-0"), group("w", "vm-1"), group("h", "host-0"), group("i", "host-1")]
    near = between("near", AFFINITY, "vm-0", "vm-1")
    musts = [bound("one", mandatory=True), bound("two", vms="w", hosts="i", mandatory=True)]
    found = only(cluster(*groups, near, *musts))
    assert (found.code, found.severity, found.rules) == ("no_host", ERROR, ("near", "one", "two"))
    preferences = [bound("one"), bound("two", vms="w", hosts="i")]
    found = only(cluster(*groups, near, *preferences))
    assert (found.code, found.severity, found.rules) == ("preference_impossible", WARNING, ("near", "one", "two"))


def test_only_hosts_that_cannot_run_vms_now() -> None:
    tied = cluster(group("v", "vm-0"), group("h", "host-3"), bound("tied", mandatory=True))
    assert find_conflicts(tied, AROUND) == []
    found = only(tied, surroundings(down="host-3"))
    assert (found.code, found.severity) == ("no_host_now", WARNING)


def chain(name: str, first: str, second: str) -> Rule:
    return Rule(name, DEPENDENCY, vm_group=first, depends_on=second)


def test_dependencies_in_a_circle_also_by_shared_vms() -> None:
    groups = [group("a", "vm-0"), group("b", "vm-1"), group("c", "vm-2"), group("d", "vm-1", "vm-3")]
    assert find_conflicts(cluster(*groups, chain("1", "a", "b"), chain("2", "b", "c")), AROUND) == []
    found = only(cluster(*groups, chain("1", "a", "b"), chain("2", "b", "c"), chain("3", "c", "a")))
    assert (found.code, found.rules) == ("dependency_cycle", ("1", "2", "3"))
    found = only(cluster(*groups, chain("1", "a", "b"), chain("2", "d", "a")))
    assert found.rules == ("1", "2")
    assert only(cluster(*groups, chain("1", "b", "d"))).vms == {"vm-1"}


def _satisfiable(rules: ClusterRules) -> bool:
    """Return whether any placement satisfies all enabled VM-VM rules and all mandatory VM-host rules."""
    enabled = [rule for rule in rules.rules.values() if rule.enabled]
    for hosts in product(HOSTS, repeat=len(VMS)):
        where = dict(zip(VMS, hosts, strict=True))
        if all(_kept(rule, rules, where) for rule in enabled):
            return True
    return False


def _kept(rule: Rule, rules: ClusterRules, where: dict[str, str]) -> bool:
    places = [where[vm] for vm in rule.vms]
    if rule.type == AFFINITY:
        return len(set(places)) == 1
    if rule.type == ANTI_AFFINITY:
        return len(set(places)) == len(places)
    if rule.type in HOST_RULES and rule.mandatory:
        hosts = rules.groups[rule.host_group or ""].members
        vms = rules.groups[rule.vm_group or ""].members
        return all((where[vm] in hosts) == (rule.type == HOST_AFFINITY) for vm in vms)
    return True


@given(clusters())
def test_reported_errors_are_really_unsatisfiable(rules: ClusterRules) -> None:
    """Compare with all placements. Single rules are checked exactly; several anti-affinity rules not in combination."""
    codes = {one.code for one in find_conflicts(rules, AROUND) if one.severity == ERROR} - {"dependency_cycle"}
    preferences = any(rule.type in HOST_RULES and not rule.mandatory for rule in rules.rules.values())
    apart = sum(rule.type == ANTI_AFFINITY and rule.enabled for rule in rules.rules.values())
    if codes and not preferences:
        assert not _satisfiable(rules)
    if not codes and apart <= 1:
        assert _satisfiable(rules)


@given(st.permutations(["a", "b", "c"]))
def test_findings_do_not_depend_on_the_order(order: list[str]) -> None:
    rules = {
        "a": between("a", AFFINITY, "vm-0", "vm-1"),
        "b": between("b", AFFINITY, "vm-2", "vm-1"),
        "c": between("c", ANTI_AFFINITY, *VMS),
    }
    first = find_conflicts(cluster(*(rules[name] for name in order)), AROUND)
    assert all(first == find_conflicts(cluster(*(rules[n] for n in other)), AROUND) for other in permutations(order))
