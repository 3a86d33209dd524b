# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test plans for groups, rules and overrides, by properties and examples."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.changes import (
    CREATE,
    DELETE,
    EDIT,
    REPLACE,
    RulesChange,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.conflicts import ERROR, find_conflicts
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.model import (
    ADD,
    AFFINITY,
    ANTI_AFFINITY,
    DEPENDENCY,
    EXACT,
    HOST,
    HOST_AFFINITY,
    HOST_ANTI_AFFINITY,
    REMOVE,
    VM,
    ClusterRules,
    Group,
    GroupTarget,
    Override,
    Rule,
    RulesetTarget,
    RuleTarget,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.plan import plan_rules, rules_after
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from tests.support.builders.drs import AROUND, between, bound, cluster, clusters, group, targets


def plan(rules: ClusterRules, *wanted: GroupTarget | RuleTarget, **fields: Any) -> Plan[RulesChange]:
    target = RulesetTarget(
        groups=tuple(one for one in wanted if isinstance(one, GroupTarget)),
        rules=tuple(one for one in wanted if isinstance(one, RuleTarget)),
        **fields,
    )
    return plan_rules(target, rules, AROUND)


def kinds(made: Plan[Any]) -> list[str]:
    return [change.kind for change in made.changes]


def refusal(rules: ClusterRules, *wanted: GroupTarget | RuleTarget, **fields: Any) -> str:
    with pytest.raises(GantryError) as caught:
        plan(rules, *wanted, **fields)
    return caught.value.message


def members(name: str, *moids: str, mode: str = ADD, kind: str = VM) -> GroupTarget:
    return GroupTarget(name, True, kind, frozenset(moids), mode)


# -- properties


def planned(target: RulesetTarget, rules: ClusterRules) -> Plan[RulesChange]:
    """Return the plan; refused requests have separate tests."""
    try:
        return plan_rules(target, rules, AROUND)
    except GantryError:
        assume(False)
        raise


@given(targets(), clusters())
def test_a_second_plan_is_empty(target: RulesetTarget, rules: ClusterRules) -> None:
    after = rules_after(rules, planned(target, rules).changes)
    assert plan_rules(target, after, AROUND).changes == ()


@given(targets(), clusters())
def test_a_plan_leads_to_the_requested_rules(target: RulesetTarget, rules: ClusterRules) -> None:
    after = rules_after(rules, planned(target, rules).changes)
    for wanted in target.groups:
        found = after.groups.get(wanted.name)
        if not wanted.present:
            assert found is None
        elif wanted.mode == REMOVE:
            assert found is None or not found.members & wanted.members
        else:
            assert found is not None
            assert found.type == wanted.type
            assert wanted.members <= found.members
            assert wanted.mode == ADD or found.members == wanted.members
    for rule in target.rules:
        made = after.rules.get(rule.name)
        assert (made is not None) == rule.present
        for field in ("type", "enabled", "mandatory", "vms", "vm_group", "host_group", "depends_on"):
            if made is not None and getattr(rule, field) is not None:
                assert getattr(made, field) == getattr(rule, field)
    for vm, level in target.overrides.items():
        assert after.overrides.get(vm) == (None if level is None else Override(vm, level))


@given(targets(), clusters())
def test_a_plan_does_not_change_other_objects(target: RulesetTarget, rules: ClusterRules) -> None:
    after = rules_after(rules, planned(target, rules).changes)

    def kept(name: str, asked: set[str]) -> bool:
        return name not in asked and not (target.purge_prefix and name.startswith(target.purge_prefix))

    named = {wanted.name for wanted in target.groups}
    for name, found in rules.groups.items():
        if kept(name, named):
            assert after.groups[name] == found
    for wanted in target.groups:
        before = rules.groups.get(wanted.name)
        if wanted.present and wanted.mode == ADD and before is not None:
            assert before.members <= after.groups[wanted.name].members
    named = {rule.name for rule in target.rules}
    for name, rule in rules.rules.items():
        if kept(name, named):
            assert after.rules[name] == rule
    for vm, override in rules.overrides.items():
        if vm not in target.overrides:
            assert after.overrides[vm] == override


@given(targets(), clusters())
def test_no_plan_leaves_a_cluster_that_vcenter_would_refuse(target: RulesetTarget, rules: ClusterRules) -> None:
    made = planned(target, rules)
    after = rules_after(rules, made.changes)
    assert all(found.members for found in after.groups.values())
    for rule in after.rules.values():
        assert rule.type not in (AFFINITY, ANTI_AFFINITY) or len(rule.vms) > 1
        for name, kind in rule.groups:
            assert after.groups[name].type == kind
    before = {finding.identity for finding in find_conflicts(rules, AROUND)}
    assert all(one.severity != ERROR or one.identity in before for one in find_conflicts(after, AROUND))


@given(targets(), clusters())
def test_the_diff_has_only_the_changed_objects(target: RulesetTarget, rules: ClusterRules) -> None:
    made = planned(target, rules)
    diff = made.diff()
    assert (diff["before"] != diff["after"]) == made.changed
    assert len(made.actions()) == len(made.changes)


@given(clusters(), st.data())
def test_members_added_by_two_consecutive_tasks_are_all_kept(rules: ClusterRules, data: Any) -> None:
    first, second = (members("va", data.draw(st.sampled_from(["vm-4", "vm-5"]))) for _ in range(2))
    for wanted in (first, second):
        rules = rules_after(rules, planned(RulesetTarget(groups=(wanted,)), rules).changes)
    assert first.members | second.members <= rules.groups["va"].members


# -- groups


def test_other_members_stay_unless_the_mode_is_exact() -> None:
    there = cluster(group("v", "vm-0", "vm-1"))
    (added,) = plan(there, members("v", "vm-2")).changes
    assert added.describe() == "edit VM group v: add vm-2"
    assert added.rewrites
    assert added.before() == {"groups": {"v": {"members": ["/DC0/vm/vm-0", "/DC0/vm/vm-1"]}}}
    (exact,) = plan(there, members("v", "vm-2", mode=EXACT)).changes
    assert exact.describe() == "edit VM group v: add vm-2; remove vm-0, vm-1"
    assert not plan(there, members("v", "vm-0")).changed
    assert not plan(there, members("v", "vm-5", mode=REMOVE)).changed
    assert not plan(there, members("w", "vm-5", mode=REMOVE)).changed


def test_a_group_is_never_left_empty_and_the_error_says_what_to_do() -> None:
    there = cluster(group("v", "vm-0"), group("h", "host-0"), bound("tied"))
    message = refusal(there, members("v", "vm-0", mode=REMOVE))
    assert "state: absent" in message
    assert "tied" in message
    assert "no empty groups" in refusal(cluster(), members("v"))


def test_a_group_that_a_rule_uses_is_removed_only_with_the_rule() -> None:
    there = cluster(group("v", "vm-0"), group("h", "host-0"), bound("tied"))
    assert "tied" in refusal(there, GroupTarget("v", present=False))
    assert "tied" in refusal(there, members("v", "host-0", kind=HOST))
    both = plan(there, GroupTarget("v", present=False), RuleTarget("tied", present=False))
    assert [change.describe() for change in both.changes] == ["remove vm_host_affinity rule tied", "remove VM group v"]


def test_a_group_of_the_other_type_is_replaced() -> None:
    (change,) = plan(cluster(group("v", "vm-0")), members("v", "host-0", kind=HOST)).changes
    assert change.kind == REPLACE
    assert change.after() == {"groups": {"v": {"type": "host", "members": ["/DC0/host/C0/host-0"]}}}


def test_members_of_another_cluster_are_refused_by_their_paths() -> None:
    assert "/DC0/vm/vm-out" in refusal(cluster(), members("v", "vm-0", "vm-out"))
    wanted = RuleTarget("apart", True, ANTI_AFFINITY, vms=frozenset({"vm-0", "vm-out"}))
    assert "/DC0/vm/vm-out" in refusal(cluster(), wanted)
    assert "/DC0/vm/vm-out" in refusal(cluster(), overrides={"vm-out": "manual"})


def test_objects_created_by_vsphere_are_not_changed() -> None:
    system = replace(group("vCLS", "vm-0"), by_user=False)
    assert "created by vSphere" in refusal(cluster(system), members("vCLS", "vm-1"))
    assert not plan(cluster(system), members("vCLS", "vm-0")).changed
    assert not plan(cluster(system), purge_prefix="v").changed
    rule = replace(between("vCLS apart", ANTI_AFFINITY, "vm-0", "vm-1"), by_user=False)
    assert "created by vSphere" in refusal(cluster(rule), RuleTarget("vCLS apart", present=False))


def test_objects_that_apply_to_agent_vms_only_are_not_changed() -> None:
    vms = {moid: replace(vm, agent=moid in ("vm-0", "vm-1")) for moid, vm in AROUND.vms.items()}
    around = replace(AROUND, vms=vms)
    agents = replace(group("agents", "vm-0", "vm-1"), by_user=False)
    apart = replace(between("apart", ANTI_AFFINITY, "vm-0", "vm-1"), by_user=False)
    there = replace(bound("there", vms="agents"), by_user=False)
    mixed = replace(group("mixed", "vm-1", "vm-2"), by_user=False)
    by_user = group("mine", "vm-0")
    rules = cluster(agents, apart, there, mixed, by_user, group("h", "host-0"))
    listed = (members("h", "host-0", kind="host"),)
    purged = plan_rules(RulesetTarget(groups=listed, purge_prefix=""), rules, around)
    assert {change.describe() for change in purged.changes} == {"remove VM group mixed", "remove VM group mine"}
    for target in (members("agents", "vm-2"), RuleTarget("apart", present=False), RuleTarget("there", present=False)):
        wanted = RulesetTarget(
            groups=(target,) if isinstance(target, GroupTarget) else (),
            rules=(target,) if isinstance(target, RuleTarget) else (),
        )
        with pytest.raises(GantryError, match="created by vSphere"):
            plan_rules(wanted, rules, around)


def test_objects_without_the_mark_of_a_user_are_changed() -> None:
    """Other tools create groups and rules without the mark."""
    unmarked = replace(group("v", "vm-0"), by_user=False)
    assert plan(cluster(unmarked), members("v", "vm-1")).changed
    rule = replace(between("apart", ANTI_AFFINITY, "vm-0", "vm-1"), by_user=False)
    assert plan(cluster(rule), RuleTarget("apart", present=False)).changed
    purged = plan(cluster(unmarked, rule), purge_prefix="")
    assert {change.describe() for change in purged.changes} == {
        "remove VM group v",
        "remove vm_anti_affinity rule apart",
    }


# -- rules


@pytest.mark.parametrize(("old", "new"), [(AFFINITY, ANTI_AFFINITY), (ANTI_AFFINITY, AFFINITY)])
def test_a_vm_rule_changes_to_the_opposite_type_in_one_step_and_keeps_its_vms(old: str, new: str) -> None:
    there = cluster(between("r", old, "vm-0", "vm-1", key=7, enabled=False))
    made = plan(there, RuleTarget("r", True, new))
    (change,) = made.changes
    assert change.kind == REPLACE
    assert change.describe() == f"replace rule r: {old} by {new}"
    after = rules_after(there, made.changes)
    assert after.rules["r"] == between("r", new, "vm-0", "vm-1", enabled=False)
    assert not plan(after, RuleTarget("r", True, new)).changed


@pytest.mark.parametrize(("old", "new"), [(HOST_AFFINITY, HOST_ANTI_AFFINITY), (HOST_ANTI_AFFINITY, HOST_AFFINITY)])
def test_a_vm_host_rule_changes_to_the_opposite_type(old: str, new: str) -> None:
    there = cluster(group("v", "vm-0"), group("h", "host-0"), bound("r", old, key=7))
    made = plan(there, RuleTarget("r", True, new))
    assert kinds(made) == [REPLACE]
    after = rules_after(there, made.changes)
    assert (after.rules["r"].type, after.rules["r"].host_group) == (new, "h")
    assert not plan(after, RuleTarget("r", True, new, vm_group="v", host_group="h")).changed


def test_must_and_should_are_one_edit() -> None:
    there = cluster(group("v", "vm-0"), group("h", "host-0"), bound("r", key=7))
    (change,) = plan(there, RuleTarget("r", True, mandatory=True)).changes
    assert (change.kind, change.describe()) == (EDIT, "edit rule r: mandatory")
    assert change.before() == {"rules": {"r": {"mandatory": False}}}


def test_a_rule_is_toggled_by_its_name_alone() -> None:
    there = cluster(between("r", AFFINITY, "vm-0", "vm-1", key=7))
    made = plan(there, RuleTarget("r", True, enabled=False))
    assert made.actions() == ["disable rule r"]
    assert rules_after(there, made.changes).rules["r"].vms == {"vm-0", "vm-1"}
    assert "type" in refusal(cluster(), RuleTarget("r", True, enabled=False))


def test_a_rule_that_has_lost_its_vms_can_still_be_disabled() -> None:
    there = cluster(between("r", AFFINITY, "vm-0", key=7))
    assert plan(there, RuleTarget("r", True, enabled=False)).actions() == ["disable rule r"]


def test_a_rule_needs_two_vms_and_groups_that_are_there() -> None:
    assert "two VMs" in refusal(cluster(), RuleTarget("r", True, AFFINITY, vms=frozenset({"vm-0"})))
    tied = RuleTarget("r", True, HOST_AFFINITY, vm_group="v", host_group="h")
    assert "no group of that name" in refusal(cluster(group("v", "vm-0")), tied)
    assert "group of vms" in refusal(cluster(group("v", "vm-0"), group("h", "vm-0")), tied)
    both = plan(cluster(), tied, members("v", "vm-0"), members("h", "host-0", kind=HOST))
    assert kinds(both) == [CREATE, CREATE, CREATE]
    assert "requires host_group" in refusal(cluster(), RuleTarget("r", True, HOST_AFFINITY, vm_group="v"))


def test_operands_and_flags_of_another_type_are_refused() -> None:
    there = cluster(between("r", AFFINITY, "vm-0", "vm-1"))
    assert "has no host_group" in refusal(there, RuleTarget("r", True, host_group="h"))
    chain = Rule("d", DEPENDENCY, vm_group="a", depends_on="b")
    there = cluster(group("a", "vm-0"), group("b", "vm-1"), chain)
    assert "never mandatory" in refusal(there, RuleTarget("d", True, mandatory=True))
    assert "itself" in refusal(there, RuleTarget("d", True, depends_on="a"))


def test_two_rules_with_one_name_are_an_error() -> None:
    there = replace(cluster(between("r", AFFINITY, "vm-0", "vm-1")), ambiguous=frozenset({"r"}))
    assert "more than one rule" in refusal(there, RuleTarget("r", present=False))
    assert "more than one rule" in refusal(there, purge_prefix="r")


def test_a_rule_of_an_unknown_type_is_not_changed() -> None:
    there = cluster(Rule("r", "ClusterFutureRuleInfo"))
    assert "does not support" in refusal(there, RuleTarget("r", True, enabled=False))
    assert kinds(plan(there, RuleTarget("r", present=False))) == [DELETE]


def test_a_new_conflict_is_refused_and_an_existing_one_is_not_reported() -> None:
    there = cluster(between("near", AFFINITY, "vm-0", "vm-1"))
    wanted = RuleTarget("far", True, ANTI_AFFINITY, vms=frozenset({"vm-0", "vm-1", "vm-2"}))
    message = refusal(there, wanted)
    assert "near" in message
    assert "far" in message
    assert "Nothing was changed" in message
    assert kinds(plan(there, replace(wanted, enabled=False))) == [CREATE]
    broken = rules_after(there, plan(there, replace(wanted, enabled=False)).changes)
    broken = broken.with_rules([replace(broken.rules["far"], enabled=True)])
    assert kinds(plan(broken, members("v", "vm-5"))) == [CREATE]


# -- overrides and purging


def test_overrides_are_set_changed_and_removed() -> None:
    there = cluster(Override("vm-0", "manual"), Override("vm-1", "manual"))
    made = plan(there, overrides={"vm-0": "disabled", "vm-1": None, "vm-2": "fully_automated", "vm-3": None})
    assert made.actions() == [
        "override the automation level of vm-0: disabled",
        "remove the override of vm-1",
        "override the automation level of vm-2: fully_automated",
    ]
    assert kinds(made) == [EDIT, DELETE, CREATE]


def test_purging_removes_only_names_with_the_prefix() -> None:
    there = cluster(
        Group("own-v", VM, frozenset({"vm-0"})),
        Group("other", VM, frozenset({"vm-0"})),
        between("own-r", AFFINITY, "vm-0", "vm-1"),
        between("r", AFFINITY, "vm-0", "vm-1"),
        Override("vm-0", "manual"),
    )
    made = plan(there, RuleTarget("own-r", True, enabled=False), purge_prefix="own-")
    assert made.actions() == ["disable rule own-r", "remove VM group own-v"]
