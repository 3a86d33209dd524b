# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test which rules a stack should have in a cluster, by properties and examples."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.placement import ServicePlacement
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.model import DesiredSet, ObservedSet
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.model import (
    DesiredStack,
    ObservedNeeds,
    ObservedStack,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.model_rules import (
    StackCluster,
    StackRules,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.plan_rules import plan_stack_rules
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.result_rules import (
    rules_result,
    rules_warnings,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.target_rules import target_rules
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.model import (
    AFFINITY,
    ANTI_AFFINITY,
    ClusterPlace,
    ClusterRules,
    Group,
    ObservedRules,
    Rule,
    RuleHost,
    RulesSnapshot,
    RuleVm,
    Surroundings,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from tests.support.builders.drs import between, bound, cluster, clusters, group
from tests.support.builders.inventory import small_inventory

PREFIX = "gantry:shop:"
LACK = "this user lacks it"


def there(
    rules: ClusterRules | None = None, *, hosts: int = 4, down: int = 0, drs: bool = True, **more: Any
) -> StackCluster:
    """Return a cluster with the containers web-1 to web-5, of which the first hosts are in maintenance mode."""
    members = more.pop("members", {"web": tuple(f"web-{number}" for number in range(1, 6))})
    vms = {moid: RuleVm(moid, moid, f"/DC0/vm/{moid}") for of_service in members.values() for moid in of_service}
    names = [f"host-{number}" for number in range(hosts)]
    found = {
        name: RuleHost(name, name, f"/DC0/host/C0/{name}", "in maintenance mode" if number < down else None)
        for number, name in enumerate(names)
    }
    inventory = small_inventory()
    entry = inventory.cluster("/DC0/host/C0")
    around = Surroundings(entry.path, found, vms, {one.moid: one.path for one in vms.values()})
    return StackCluster(
        place=ClusterPlace(inventory, entry, None, around),
        snapshot=RulesSnapshot(rules or cluster(), 0.0, drs_enabled=drs),
        members=members,
        **{"own": frozenset(vms), "remaining": frozenset(vms), **more},
    )


def stack_rules(found: StackCluster, *placements: ServicePlacement) -> StackRules:
    desired = DesiredStack("shop", DesiredSet("shop", (), {}), placements=placements)
    target = target_rules(desired, found)
    return StackRules(
        ObservedRules(found.place, found.snapshot, target.ruleset),
        target.required,
        target.warnings,
        target.problems,
        found.obstacle,
    )


def planned(found: StackCluster, *placements: ServicePlacement) -> StackRules:
    """Return the rules after the plan, after which nothing must be left to do."""
    rules = stack_rules(found, *placements)
    before = ObservedStack(ObservedNeeds(), ObservedSet(()), (rules,))
    (after,) = Plan(tuple(plan_stack_rules([rules]))).project(before).rules
    assert after.differing == ()
    snapshot = after.observed.snapshot
    assert not list(plan_stack_rules([stack_rules(replace(found, snapshot=snapshot), *placements)]))
    return after


def written(found: StackCluster, *placements: ServicePlacement) -> dict[str, list[str]]:
    """Return the VMs of the rules that the stack has after the plan."""
    known = planned(found, *placements).observed.snapshot.rules.rules
    return {name.removeprefix(PREFIX): sorted(rule.vms) for name, rule in known.items() if name.startswith(PREFIX)}


def refusal(found: StackCluster, *placements: ServicePlacement) -> str:
    with pytest.raises(GantryError) as caught:
        list(plan_stack_rules([stack_rules(found, *placements)]))
    return caught.value.message


def web(**fields: Any) -> ServicePlacement:
    return ServicePlacement("web", "compose.yaml:3: services.web", **{"anti_affinity": True, **fields})


# -- properties


@given(st.integers(1, 40), st.integers(1, 8), st.integers(0, 8))
def test_a_host_can_be_evacuated_whatever_the_numbers_are(replicas: int, hosts: int, down: int) -> None:
    members = {"web": tuple(f"web-{number:02}" for number in range(replicas))}
    found = there(hosts=hosts, down=min(down, hosts), members=members)
    rules = written(found, web())
    size = min(hosts - 1, hosts - min(down, hosts))
    assert all(2 <= len(vms) <= size for vms in rules.values())
    held = [vm for vms in rules.values() for vm in vms]
    assert len(held) == len(set(held))
    if size > 1:
        # No more rules than needed, so no host gets more replicas than that.
        assert len(held) >= replicas - 1
        assert len(rules) <= -(-replicas // size)


@given(clusters(), st.booleans())
def test_nothing_of_others_is_changed(rules: ClusterRules, absent: bool) -> None:
    found = there(rules)
    after = planned(found, *(() if absent else (web(),))).observed.snapshot.rules
    assert {name: one for name, one in after.rules.items() if not name.startswith(PREFIX)} == rules.rules
    assert after.groups == rules.groups
    assert after.overrides == rules.overrides


@given(st.integers(0, 40), st.integers(0, 40))
def test_any_number_of_replicas_follows_any_other(before: int, after: int) -> None:
    members = tuple(f"web-{number:02}" for number in range(40))
    known = planned(there(members={"web": members[:before]}), web()).observed.snapshot.rules
    found = there(known, members={"web": members[:after]}, own=frozenset(members))
    assert written(found, web()) == written(there(members={"web": members[:after]}), web())


# -- examples


def test_replicas_are_divided_in_their_order() -> None:
    assert written(there(), web()) == {"web:1": ["web-1", "web-2", "web-3"], "web:2": ["web-4", "web-5"]}
    # One host in maintenance mode changes nothing, and two do.
    assert written(there(down=1), web()) == written(there(), web())
    assert written(there(down=2), web()) == {"web:1": ["web-1", "web-2"], "web:2": ["web-3", "web-4"]}
    assert written(there(hosts=2), web()) == {}
    assert written(there(drs=False), web()) == {}
    assert written(there(), web(anti_affinity=False)) == {}


def test_all_replicas_are_in_one_rule_if_no_two_may_be_on_a_host() -> None:
    strict = web(apart=True)
    assert "services.web has deploy.placement.max_replicas_per_node: there are 5 replicas" in refusal(there(), strict)
    assert "and the service can use 4 of the 5 hosts of" in refusal(there(hosts=5, down=1), strict)
    assert "has no DRS, or it is disabled." in refusal(there(hosts=5, drs=False), strict)
    done = planned(there(hosts=5), strict)
    assert [len(one["containers"]) for one in rules_result([done])] == [5]
    # It stays while a host is in maintenance mode.
    known = done.observed.snapshot.rules
    assert written(there(known, hosts=5, down=1), strict) == {"web:1": [f"web-{number}" for number in range(1, 6)]}
    assert written(there(members={"web": ("web-1",)}, drs=False), strict) == {}


def test_a_host_group_limits_the_hosts() -> None:
    licensed = group("licensed", "host-0", "host-1", "host-2")
    rules = planned(there(cluster(licensed)), web(host_group="licensed", mandatory=True)).observed.snapshot.rules
    assert rules.rules[f"{PREFIX}web:hosts"].mandatory
    assert rules.groups[f"{PREFIX}web"].members == {f"web-{number}" for number in range(1, 6)}
    # Of its three hosts one can be evacuated.
    assert [len(rule.vms) for rule in rules.rules.values() if rule.type == ANTI_AFFINITY] == [2, 2]
    assert "has no host group other. There are: licensed." in refusal(there(cluster(licensed)), web(host_group="other"))


def test_rules_of_services_that_the_task_does_not_apply_to_stay_with_their_containers() -> None:
    known = planned(there(), web()).observed.snapshot.rules
    assert set(written(there(known, remaining=frozenset({"web-1", "web-2"})))) == {"web:1"}
    assert written(there(known, remaining=frozenset({"web-1"}))) == {}


def test_a_group_of_hosts_goes_with_the_rule_that_uses_it() -> None:
    own = [group(f"{PREFIX}web", "web-1"), group(f"{PREFIX}web:hosts", "host-0")]
    rule = bound(f"{PREFIX}web:hosts", vms=own[0].name, hosts=own[1].name)
    assert planned(there(cluster(*own, rule))).observed.snapshot.rules == cluster(*own, rule)
    gone = frozenset[str]()
    assert planned(there(cluster(*own, rule), remaining=gone)).observed.snapshot.rules == cluster()
    # Another rule uses the groups, so they stay.
    other = bound("other", vms=own[0].name, hosts=own[1].name)
    rules = planned(there(cluster(*own, rule, other), remaining=gone)).observed.snapshot.rules
    assert rules == cluster(*own, other)


@pytest.mark.parametrize(
    "foreign",
    [
        between(f"{PREFIX}web:1", ANTI_AFFINITY, "vm-1", "vm-2"),
        Rule(f"{PREFIX}web:1", "ClusterRuleInfo"),
    ],
)
def test_a_name_of_someone_else_is_not_taken(foreign: Rule) -> None:
    assert refusal(there(cluster(foreign)), web()).startswith(f"{PREFIX}web:1 in /DC0/host/C0 has the name of a rule")
    assert planned(there(cluster(foreign))).observed.snapshot.rules == cluster(foreign)
    # Who cannot write rules is only told that.
    assert not list(plan_stack_rules([stack_rules(there(cluster(foreign), obstacle=LACK), web())]))


def test_a_group_of_someone_else_is_not_taken() -> None:
    licensed = group("licensed", "host-0", "host-1", "host-2")
    foreign = Group(f"{PREFIX}web", "vm", frozenset({"vm-1"}))
    assert "has the name of a rule or group" in refusal(there(cluster(licensed, foreign)), web(host_group="licensed"))


def test_a_changed_rule_is_as_before_afterwards() -> None:
    changed = between(f"{PREFIX}web:1", ANTI_AFFINITY, "web-1", "vm-1", enabled=False)
    assert written(there(cluster(changed)), web())["web:1"] == ["web-1", "web-2", "web-3"]


def test_a_rule_that_contradicts_others_is_left_out() -> None:
    together = between("together", AFFINITY, "web-1", "web-2")
    rules = planned(there(cluster(together)), web())
    assert set(rules.observed.snapshot.rules.rules) == {"together", f"{PREFIX}web:2"}
    (warning,) = rules_warnings([rules])
    assert warning.startswith(f"/DC0/host/C0 has no rule {PREFIX}web:1 that keeps replicas on different hosts, because")
    # What the files ask for is an error instead.
    known = there(cluster(together), hosts=5)
    assert "could not be satisfied" in refusal(known, web(apart=True))


def test_who_cannot_write_rules_is_told_what_is_missing_and_what_is_left() -> None:
    rules = stack_rules(there(obstacle=LACK), web())
    assert not list(plan_stack_rules([rules]))
    (warning,) = rules_warnings([rules])
    assert warning.startswith("The rules of /DC0/host/C0 that keep replicas on different hosts are not as they should")
    assert "because this user lacks it: gantry:shop:web:1, gantry:shop:web:2. Give this user the privileg" in warning
    known = planned(there(), web()).observed.snapshot.rules
    assert not list(rules_warnings([stack_rules(there(known, obstacle=LACK), web())]))
    left = stack_rules(there(known, obstacle=LACK, remaining=frozenset()))
    assert not list(plan_stack_rules([left]))
    assert [one.partition(" are not needed")[0] for one in rules_warnings([left])] == [
        "These rules and groups of /DC0/host/C0"
    ]
    message = refusal(there(hosts=5, obstacle=LACK), web(apart=True))
    assert message.startswith("The project needs gantry:shop:web:1 in /DC0/host/C0, and this user lacks it. Run the")


def test_of_two_rules_with_one_name_none_is_removed() -> None:
    twice = replace(cluster(between(f"{PREFIX}web:1", ANTI_AFFINITY, "web-1", "web-2")), ambiguous={f"{PREFIX}web:1"})
    assert written(there(twice)) == {"web:1": ["web-1", "web-2"]}
    assert "There is more than one rule named gantry:shop:web:1" in refusal(there(twice), web(anti_affinity=True))
