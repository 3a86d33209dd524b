# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test that violated rules are found by the hosts of running VMs."""

from __future__ import annotations

from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.compliance import find_violations
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.model import (
    AFFINITY,
    ANTI_AFFINITY,
    DEPENDENCY,
    HOST_ANTI_AFFINITY,
    ClusterRules,
    Rule,
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
