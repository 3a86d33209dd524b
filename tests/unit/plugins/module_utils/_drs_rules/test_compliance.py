# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test that violated rules are found by the hosts of running VMs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.compliance import find_cause, find_violations
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.model import (
    AFFINITY,
    ANTI_AFFINITY,
    DEPENDENCY,
    HOST_ANTI_AFFINITY,
    ClusterRules,
    Override,
    Rule,
    RulesSnapshot,
)
from tests.support.builders.drs import between, bound, cluster, group, surroundings

AROUND = surroundings(places={"vm-0": "host-0", "vm-1": "host-0", "vm-2": "host-1"})


def broken(rules: ClusterRules) -> dict[str, list[str]]:
    return {one.rule.name: [vm.moid for vm in one.vms] for one in find_violations(rules, AROUND)}


def test_rules_between_vms() -> None:
    assert broken(cluster(between("r", ANTI_AFFINITY, "vm-0", "vm-1", "vm-2"))) == {"r": ["vm-0", "vm-1"]}
    assert broken(cluster(between("r", AFFINITY, "vm-0", "vm-2"))) == {"r": ["vm-0", "vm-2"]}
    assert broken(cluster(between("r", AFFINITY, "vm-0", "vm-1"), between("s", ANTI_AFFINITY, "vm-0", "vm-2"))) == {}
    assert broken(cluster(between("r", AFFINITY, "vm-0", "vm-2", enabled=False))) == {}
    # vm-3 is off, so it is on no host.
    assert broken(cluster(between("r", AFFINITY, "vm-0", "vm-3"), between("s", ANTI_AFFINITY, "vm-0", "vm-3"))) == {}


def test_rules_between_vms_and_hosts() -> None:
    groups = [group("v", "vm-0", "vm-2", "vm-3"), group("h", "host-1")]
    assert broken(cluster(*groups, bound("on"))) == {"on": ["vm-0"]}
    assert broken(cluster(*groups, bound("off", HOST_ANTI_AFFINITY))) == {"off": ["vm-2"]}
    (found,) = find_violations(cluster(*groups, bound("on", mandatory=True)), AROUND)
    assert found.message == "rule on: VMs of v must be on those of h: vm-0 on host-0"


def test_a_dependency_is_not_violated_by_placement() -> None:
    groups = [group("a", "vm-0"), group("b", "vm-1")]
    assert broken(cluster(*groups, Rule("r", DEPENDENCY, vm_group="a", depends_on="b"))) == {}


def test_the_cause_is_what_keeps_drs_from_ending_a_violation() -> None:
    rule = between("r", ANTI_AFFINITY, "vm-0", "vm-1")

    def cause(rules: ClusterRules, **changes: Any) -> str:
        first = find_violations(rules, AROUND)[0]
        return find_cause(first, RulesSnapshot(rules, 0.0, **changes), AROUND)

    assert cause(cluster(rule)).startswith("DRS has not moved the VMs yet")
    assert cause(cluster(rule), drs_enabled=False) == f"DRS is disabled in {AROUND.cluster}."
    manual = cause(cluster(rule), automation="manual")
    assert manual == "DRS only recommends moves of vm-0, vm-1. Apply its recommendations."
    held = replace(cluster(rule), overrides={"vm-0": Override("vm-0", "disabled")})
    assert cause(held) == "DRS is disabled for vm-0."
    assert cause(held, overrides_allowed=False).startswith("DRS has not moved the VMs yet")
    together = between("s", AFFINITY, "vm-0", "vm-1")
    assert "rule r" in cause(cluster(rule, together))
