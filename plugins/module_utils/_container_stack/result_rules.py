# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The DRS rules of a stack as container_stack returns them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.model_rules import StackRules
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.model import Group, ObservedRules, Rule


def rules_result(rules: Sequence[StackRules]) -> list[dict[str, Any]]:
    """Return the rules of the stack that exist, with the names of their containers and hosts."""
    found = []
    for one in rules:
        known = one.observed.snapshot.rules.rules
        wanted = (target.name for target in one.observed.target.rules if target.present)
        found += [_rule(one.observed, known[name]) for name in sorted(wanted) if name in known]
    return found


def rules_warnings(rules: Sequence[StackRules]) -> Iterator[str]:
    """Yield why replicas are not kept on different hosts, and which rules stay that nothing needs."""
    for one in rules:
        yield from one.warnings
        if one.obstacle is None:
            continue
        missing = [name for name in one.differing if name not in one.unneeded]
        if missing:
            yield (
                f"The rules of {one.cluster} that keep replicas on different hosts are not as they should be, because "
                f"{one.obstacle}: {listed(missing)}. Give this user the privilege, or set anti_affinity to false."
            )
        left = [name for name in one.differing if name in one.unneeded]
        if left:
            yield (
                f"These rules and groups of {one.cluster} are not needed any more, and stay because {one.obstacle}: "
                f"{listed(left)}. Remove them as another user."
            )


def _rule(observed: ObservedRules, rule: Rule) -> dict[str, Any]:
    vms, hosts = _group(observed, rule.vm_group), _group(observed, rule.host_group)
    return {
        "cluster": observed.place.cluster.path,
        "name": rule.name,
        "type": rule.type,
        "mandatory": rule.mandatory,
        "containers": _names(observed, rule.vms if vms is None else vms.members),
        "host_group": rule.host_group,
        "hosts": None if hosts is None else _names(observed, hosts.members),
    }


def _group(observed: ObservedRules, name: str | None) -> Group | None:
    return None if name is None else observed.snapshot.rules.groups.get(name)


def _names(observed: ObservedRules, moids: frozenset[str]) -> list[str]:
    return sorted(observed.place.around.path(moid).rpartition("/")[2] for moid in moids)
