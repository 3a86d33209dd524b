# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Encode the changes as the one specification that vCenter's reconfiguration takes, or as several to take in order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.changes import (
    CREATE,
    DELETE,
    EDIT,
    REPLACE,
    ChangeGroup,
    ChangeOverride,
    ChangeRule,
    RulesChange,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.model import (
    AFFINITY,
    DEPENDENCY,
    DISABLED,
    HOST_AFFINITY,
    VM,
    VM_RULES,
    Group,
    Override,
    Rule,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.clusters import API_LEVELS
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import vim

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


def encode_changes(session: Session, changes: Iterable[RulesChange]) -> Any:
    """Return a ClusterConfigSpecEx with just these changes."""
    spec = vim.cluster.ConfigSpecEx()
    for change in changes:
        if isinstance(change, ChangeGroup):
            spec.groupSpec = [*spec.groupSpec, *_group_specs(session, change)]
        elif isinstance(change, ChangeRule):
            spec.rulesSpec = [*spec.rulesSpec, *_rule_specs(session, change)]
        elif isinstance(change, ChangeOverride):
            spec.drsVmConfigSpec = [*spec.drsVmConfigSpec, _override_spec(session, change)]
        else:
            raise TypeError(f"{type(change).__name__} cannot be written")
    return spec


def encode_steps(session: Session, changes: Iterable[RulesChange]) -> list[Any]:
    """Return specifications to apply one after the other, in each of which no change depends on another one."""
    whole = encode_changes(session, changes)
    free = {spec.removeKey for spec in whole.groupSpec if spec.operation == "remove"}
    taken = {spec.info.name for spec in whole.groupSpec if spec.operation == "add"}
    steps = (
        {"rulesSpec": [spec for spec in whole.rulesSpec if spec.operation == "remove"]},
        # Groups of this name are removed first and created with another type.
        {"groupSpec": [spec for spec in whole.groupSpec if spec.removeKey in free & taken]},
        {"groupSpec": [spec for spec in whole.groupSpec if spec.operation != "remove"]},
        {
            "rulesSpec": [spec for spec in whole.rulesSpec if spec.operation != "remove"],
            "drsVmConfigSpec": whole.drsVmConfigSpec,
        },
        {"groupSpec": [spec for spec in whole.groupSpec if spec.removeKey in free - taken]},
    )
    return [vim.cluster.ConfigSpecEx(**step) for step in steps if any(step.values())]


def _group_specs(session: Session, change: ChangeGroup) -> list[Any]:
    def spec(**fields: Any) -> Any:
        return vim.cluster.GroupSpec(**fields)

    specs = []
    if change.kind in (DELETE, REPLACE) and change.old is not None:
        specs.append(spec(operation="remove", removeKey=change.old.name))
    if change.new is not None:
        specs.append(spec(operation="edit" if change.kind == EDIT else "add", info=_group(session, change.new)))
    return specs


def _rule_specs(session: Session, change: ChangeRule) -> list[Any]:
    def spec(**fields: Any) -> Any:
        return vim.cluster.RuleSpec(**fields)

    specs = []
    if change.kind in (DELETE, REPLACE) and change.old is not None:
        specs.append(spec(operation="remove", removeKey=change.old.key))
    if change.new is not None:
        info = _rule(session, change.new)
        if change.kind == EDIT:
            info.key = change.new.key
        specs.append(spec(operation="edit" if change.kind == EDIT else "add", info=info))
    return specs


def _override_spec(session: Session, change: ChangeOverride) -> Any:
    if change.new is None and change.old is not None:
        return vim.cluster.DrsVmConfigSpec(operation="remove", removeKey=session.ref("VirtualMachine", change.old.vm))
    if change.new is None:
        raise ValueError("an override that does not exist cannot be removed")
    operation = "add" if change.kind == CREATE else "edit"
    return vim.cluster.DrsVmConfigSpec(operation=operation, info=_override(session, change.new))


def _group(session: Session, group: Group) -> Any:
    if group.type == VM:
        return vim.cluster.VmGroup(
            name=group.name, userCreated=True, vm=_refs(session, "VirtualMachine", group.members)
        )
    return vim.cluster.HostGroup(name=group.name, userCreated=True, host=_refs(session, "HostSystem", group.members))


def _rule(session: Session, rule: Rule) -> Any:
    common = {"name": rule.name, "enabled": rule.enabled, "mandatory": rule.mandatory, "userCreated": True}
    if rule.type in VM_RULES:
        kind = vim.cluster.AffinityRuleSpec if rule.type == AFFINITY else vim.cluster.AntiAffinityRuleSpec
        return kind(vm=_refs(session, "VirtualMachine", rule.vms), **common)
    if rule.type == DEPENDENCY:
        return vim.cluster.DependencyRuleInfo(vmGroup=rule.vm_group, dependsOnVmGroup=rule.depends_on, **common)
    hosts = "affineHostGroupName" if rule.type == HOST_AFFINITY else "antiAffineHostGroupName"
    return vim.cluster.VmHostRuleInfo(vmGroupName=rule.vm_group, **{hosts: rule.host_group}, **common)


def _override(session: Session, override: Override) -> Any:
    info = vim.cluster.DrsVmConfigInfo(
        key=session.ref("VirtualMachine", override.vm), enabled=override.level != DISABLED
    )
    if override.level is not None and override.level != DISABLED:
        info.behavior = API_LEVELS[override.level]
    return info


def _refs(session: Session, type_name: str, moids: Iterable[str]) -> list[Any]:
    return [session.ref(type_name, moid) for moid in sorted(moids)]
