# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decode the cluster's configurationEx into the model. Reads attributes only, so that it needs no pyVmomi."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.model import (
    AFFINITY,
    ANTI_AFFINITY,
    DEPENDENCY,
    DISABLED,
    HOST,
    HOST_AFFINITY,
    HOST_ANTI_AFFINITY,
    VM,
    ClusterRules,
    Group,
    Override,
    Rule,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.clusters import LEVELS
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_of, moids_of, type_name


def decode_rules(config: Any) -> ClusterRules:
    """Return the rules of a ClusterConfigInfoEx."""
    rules = [_rule(info) for info in config.rule or ()]
    counted = Counter(rule.name for rule in rules)
    return ClusterRules(
        groups={info.name: _group(info) for info in config.group or ()},
        rules={rule.name: rule for rule in rules},
        overrides={moid_of(info.key): _override(info) for info in config.drsVmConfig or ()},
        ambiguous=frozenset(name for name, count in counted.items() if count > 1),
    )


def _group(info: Any) -> Group:
    of_hosts = type_name(info) == "ClusterHostGroup"
    members = info.host if of_hosts else info.vm
    return Group(info.name, HOST if of_hosts else VM, moids_of(members), by_user=info.userCreated is not False)


def _rule(info: Any) -> Rule:
    common = {
        # Both are optional in the API; by its reference the default of both is false.
        "enabled": bool(info.enabled),
        "mandatory": bool(info.mandatory),
        "key": info.key,
        "by_user": info.userCreated is not False,
        "in_compliance": _compliance(info),
    }
    kind = type_name(info)
    if kind == "ClusterAffinityRuleSpec":
        return Rule(info.name, AFFINITY, vms=moids_of(info.vm), **common)
    if kind == "ClusterAntiAffinityRuleSpec":
        return Rule(info.name, ANTI_AFFINITY, vms=moids_of(info.vm), **common)
    if kind == "ClusterDependencyRuleInfo":
        return Rule(info.name, DEPENDENCY, vm_group=info.vmGroup, depends_on=info.dependsOnVmGroup, **common)
    if kind == "ClusterVmHostRuleInfo":
        away = not info.affineHostGroupName
        host_group = info.antiAffineHostGroupName if away else info.affineHostGroupName
        rule_type = HOST_ANTI_AFFINITY if away else HOST_AFFINITY
        return Rule(info.name, rule_type, vm_group=info.vmGroupName, host_group=host_group, **common)
    return Rule(info.name, kind, **common)


def _compliance(info: Any) -> bool | None:
    """Decode the status; by the reference of the API, vCenter does not use inCompliance."""
    return {"green": True, "red": False}.get(str(info.status)) if info.enabled else None


def _override(info: Any) -> Override:
    if info.enabled is False:
        return Override(moid_of(info.key), DISABLED)
    return Override(moid_of(info.key), None if info.behavior is None else LEVELS[str(info.behavior)])
