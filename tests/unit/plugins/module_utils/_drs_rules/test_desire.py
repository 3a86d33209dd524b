# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test that a task's options are parsed, and that options without effect are refused."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.desire import (
    desire_ruleset,
    parse_group,
    parse_override,
    parse_rule,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.options import (
    group_argument_spec,
    override_argument_spec,
    rule_argument_spec,
    ruleset_argument_spec,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.clusters import place_argument_spec
from tests.support.builders.drs import params


def ruleset(**options: Any) -> Any:
    return desire_ruleset(params({**place_argument_spec(), **ruleset_argument_spec()}, **options))


def test_a_ruleset_is_parsed_and_its_messages_have_the_path_of_the_option() -> None:
    parsed = ruleset(
        cluster="C0",
        groups=[{"name": "v", "type": "vm", "members": ["a", {"stack": "shop"}]}],
        rules=[{"name": "r", "type": "vm_affinity", "vms": ["a", "b"], "enabled": False}],
        overrides=[{"vms": ["a"], "automation_level": "disabled"}],
        purge=True,
        purge_prefix="shop-",
    )
    assert parsed.groups[0].mode == "add"
    assert [str(one) for one in parsed.groups[0].vms] == ["named 'a'", "of the stack 'shop'"]
    assert (parsed.rules[0].enabled, parsed.rules[0].mandatory) == (False, None)
    assert parsed.overrides[0].level == "disabled"
    assert parsed.purge_prefix == "shop-"
    with pytest.raises(GantryError, match=r"groups\[1\]\.members\[0\]"):
        ruleset(
            groups=[
                {"name": "v", "type": "vm", "members": ["a"]},
                {"name": "w", "type": "vm", "members": [{"name": "a", "path": "/x/a"}]},
            ]
        )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "g"}, "type is required"),
        ({"name": " ", "type": "vm", "members": ["a"]}, "name is empty"),
        ({"name": "g", "type": "vm"}, "no empty groups"),
        ({"name": "g", "type": "vm", "members": [], "members_mode": "exact"}, "state: absent"),
        ({"name": "g", "state": "absent", "members": ["a"]}, "members has no effect"),
        ({"name": "h", "type": "host", "members": [{"name": "esx1"}]}, "give a host by its name"),
    ],
)
def test_invalid_groups_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(GantryError, match=message):
        parse_group(params(group_argument_spec(), **options))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "r", "type": "vm_affinity", "host_group": "h"}, "host_group does not apply to"),
        ({"name": "r", "type": "vm_host_affinity", "vms": ["a"]}, "vms does not apply to"),
        ({"name": "r", "type": "vm_dependency", "mandatory": True}, "mandatory does not apply to"),
        ({"name": "r", "state": "absent", "enabled": True}, "enabled has no effect"),
    ],
)
def test_invalid_rules_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(GantryError, match=message):
        parse_rule(params(rule_argument_spec(), **options))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"vms": ["a"]}, "automation_level is required"),
        ({"vms": [], "automation_level": "manual"}, "Give at least one VM"),
        ({"vms": ["a"], "state": "absent", "automation_level": "manual"}, "automation_level has no effect"),
    ],
)
def test_invalid_overrides_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(GantryError, match=message):
        parse_override(params(override_argument_spec(), **options))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"purge": True}, "purge requires purge_prefix"),
        ({"purge": True, "purge_prefix": ""}, "purge requires purge_prefix"),
        ({"purge_prefix": "a"}, "no effect without purge"),
        (
            {"groups": [{"name": "g", "state": "absent"}, {"name": "g", "type": "vm", "members": ["a"]}]},
            "groups has g more than once",
        ),
    ],
)
def test_invalid_rulesets_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(GantryError, match=message):
        ruleset(**options)
