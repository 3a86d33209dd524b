# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Convert a task's options to the desired ruleset. Pure; options that would silently have no effect are errors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.model import (
    DEPENDENCY,
    EXACT,
    HOST,
    OPERANDS,
    OPERANDS_OF,
    Ruleset,
    WantedGroup,
    WantedOverride,
    WantedRule,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.selectors import parse_selectors


def parse_group(params: Mapping[str, Any], where: str = "") -> WantedGroup:
    """Return the desired group. ``where`` is the prefix of the options' names in messages: "groups[2]."."""
    name, present, members = _name(params, where), params["state"] == "present", params["members"]
    if not present:
        _refuse_given(params, ("members",), f"{where}state: absent removes group {name}", "members_mode: remove")
        return WantedGroup(name, present=False)
    if params["type"] is None:
        raise GantryError(f"{where}type is required: it says whether group {name} contains VMs or hosts.")
    option = f"{where}members"
    if members is None or (not members and params["members_mode"] == EXACT):
        raise GantryError(f"{option} is required: vSphere has no empty groups. Use state: absent to remove {name}.")
    is_hosts = params["type"] == HOST
    return WantedGroup(
        name,
        present=True,
        type=params["type"],
        vms=() if is_hosts else parse_selectors(members, option),
        hosts=_hosts(members, option) if is_hosts else (),
        mode=params["members_mode"],
        option=option,
    )


def parse_rule(params: Mapping[str, Any], where: str = "") -> WantedRule:
    name, kind = _name(params, where), params["type"]
    if params["state"] == "absent":
        given = ("type", "enabled", "mandatory", *OPERANDS)
        _refuse_given(params, given, f"{where}state: absent removes rule {name}", "enabled: false to keep it")
        return WantedRule(name, present=False)
    if kind is not None:
        useless = [operand for operand in OPERANDS if params[operand] is not None and operand not in OPERANDS_OF[kind]]
        if useless:
            raise GantryError(
                f"{where}{useless[0]} does not apply to {kind} rules, which have {' and '.join(OPERANDS_OF[kind])}."
            )
        if params["mandatory"] and kind == DEPENDENCY:
            raise GantryError(f"{where}mandatory does not apply to {kind} rules.")
    option = f"{where}vms"
    return WantedRule(
        name,
        present=True,
        type=kind,
        enabled=params["enabled"],
        mandatory=params["mandatory"],
        vms=None if params["vms"] is None else parse_selectors(params["vms"], option),
        vm_group=params["vm_group"],
        host_group=params["host_group"],
        depends_on=params["depends_on"],
        option=option,
    )


def parse_override(params: Mapping[str, Any], where: str = "") -> WantedOverride:
    level = params["automation_level"]
    if params["state"] == "present" and level is None:
        raise GantryError(f"{where}automation_level is required. To remove the override, use state: absent.")
    if params["state"] == "absent":
        _refuse_given(params, ("automation_level",), f"{where}state: absent removes the override", "state: present")
    if not params["vms"]:
        raise GantryError(f"{where}vms is empty. Give at least one VM.")
    option = f"{where}vms"
    return WantedOverride(parse_selectors(params["vms"], option), level, option)


def desire_group(params: Mapping[str, Any]) -> Ruleset:
    """Return the ruleset of a drs_group task."""
    return Ruleset(params["cluster"], params["datacenter"], groups=(parse_group(params),))


def desire_rule(params: Mapping[str, Any]) -> Ruleset:
    """Return the ruleset of a drs_rule task."""
    return Ruleset(params["cluster"], params["datacenter"], rules=(parse_rule(params),))


def desire_override(params: Mapping[str, Any]) -> Ruleset:
    """Return the ruleset of a drs_override task."""
    return Ruleset(params["cluster"], params["datacenter"], overrides=(parse_override(params),))


def desire_ruleset(params: Mapping[str, Any]) -> Ruleset:
    """Return the ruleset of a drs_ruleset task."""
    groups = tuple(parse_group(one, f"groups[{i}].") for i, one in enumerate(params["groups"] or ()))
    rules = tuple(parse_rule(one, f"rules[{i}].") for i, one in enumerate(params["rules"] or ()))
    overrides = tuple(parse_override(one, f"overrides[{i}].") for i, one in enumerate(params["overrides"] or ()))
    _refuse_twice("groups", (group.name for group in groups))
    _refuse_twice("rules", (rule.name for rule in rules))
    prefix = params["purge_prefix"]
    if params["purge"] and not prefix:
        raise GantryError("purge requires purge_prefix: only groups and rules whose names begin with it are removed.")
    if prefix is not None and not params["purge"]:
        raise GantryError("purge_prefix has no effect without purge: true.")
    return Ruleset(
        params["cluster"], params["datacenter"], groups, rules, overrides, prefix, frozenset(params["planned_vms"])
    )


def _name(params: Mapping[str, Any], where: str) -> str:
    name = str(params["name"])
    if not name.strip():
        raise GantryError(f"{where}name is empty.")
    return name


def _hosts(members: Iterable[Any], option: str) -> tuple[str, ...]:
    hosts = []
    for index, member in enumerate(members):
        if not isinstance(member, str) or not member.strip("/ "):
            raise GantryError(f"{option}[{index}] is {member!r}; give a host by its name, path or MoID.")
        hosts.append(member)
    return tuple(hosts)


def _refuse_given(params: Mapping[str, Any], options: Iterable[str], what: str, instead: str) -> None:
    given = [option for option in options if params[option] is not None]
    if given:
        raise GantryError(f"{what}, so that {given[0]} has no effect; leave it out, or use {instead}.")


def _refuse_twice(option: str, names: Iterable[str]) -> None:
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise GantryError(f"{option} has {', '.join(twice)} more than once.")
