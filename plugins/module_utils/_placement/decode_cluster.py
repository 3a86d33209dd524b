# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decode hosts, datastores and clusters. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._placement.model import (
    ClusterFacts,
    DatastoreFacts,
    FailoverReserve,
    HostFacts,
    MandatoryRule,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry, Inventory
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import (
    moid_of,
    moid_or_none,
    moids_of,
    vim,
)

_MIB = 1 << 20


def decode_host(entry: Entry, properties: Mapping[str, Any]) -> HostFacts:
    """Decode a host."""
    read = properties.get
    return HostFacts(
        moid=entry.moid,
        name=entry.name,
        cluster=entry.parent,
        connection=str(read("runtime.connectionState", "disconnected")),
        maintenance=bool(read("runtime.inMaintenanceMode", False)),
        datastores=moids_of(read("datastore")),
        networks=moids_of(read("network")),
        evc=read("summary.maxEVCModeKey"),
        release=read("summary.config.product.version"),
        memory_mb=int(read("summary.hardware.memorySize", 0)) // _MIB,
        memory_used_mb=int(read("summary.quickStats.overallMemoryUsage", 0)),
        cpu_mhz=int(read("summary.hardware.cpuMhz", 0)) * int(read("summary.hardware.numCpuCores", 0)),
    )


def decode_datastore(inventory: Inventory, entry: Entry, properties: Mapping[str, Any]) -> DatastoreFacts:
    """Decode a datastore."""
    parent = inventory.entry(entry.parent or "")
    read = properties.get
    return DatastoreFacts(
        moid=entry.moid,
        name=entry.name,
        url=read("summary.url"),
        free_bytes=int(read("summary.freeSpace", 0)),
        accessible=bool(read("summary.accessible", True)),
        maintenance=read("summary.maintenanceMode", "normal") != "normal",
        pod=parent.moid if parent is not None and parent.type_name == "StoragePod" else None,
    )


def decode_cluster(entry: Entry, row: Mapping[str, Any] | None) -> ClusterFacts:
    """Decode a cluster; ``row`` has its configuration, if that was read."""
    pool = entry.properties.get("resourcePool")
    bare = ClusterFacts(entry.moid, entry.name, entry.path, moid_or_none(pool))
    config = None if row is None else row.get("configurationEx")
    if row is None or config is None:
        return bare
    drs = config.drsConfig
    return ClusterFacts(
        moid=bare.moid,
        name=bare.name,
        path=bare.path,
        root_pool=bare.root_pool,
        drs=bool(drs is not None and drs.enabled),
        automation=str(drs.defaultVmBehavior or "fullyAutomated") if drs is not None else "fullyAutomated",
        overrides=_overrides(config),
        mandatory=_mandatory(config),
        together=_together(config),
        admission=_admission(config.dasConfig),
        evc=getattr(row.get("summary"), "currentEVCModeKey", None),
    )


def _overrides(config: Any) -> dict[str, str]:
    if config.drsConfig is not None and config.drsConfig.enableVmBehaviorOverrides is False:
        return {}
    return {
        moid_of(one.key): "disabled" if one.enabled is False else str(one.behavior)
        for one in config.drsVmConfig or ()
        if one.enabled is False or one.behavior is not None
    }


def _mandatory(config: Any) -> tuple[MandatoryRule, ...]:
    groups = {group.name: group for group in config.group or ()}
    rules = []
    for rule in config.rule or ():
        if not isinstance(rule, vim.cluster.VmHostRuleInfo) or not rule.enabled or not rule.mandatory:
            continue
        affine = bool(rule.affineHostGroupName)
        hosts = groups.get(rule.affineHostGroupName if affine else rule.antiAffineHostGroupName)
        vms = groups.get(rule.vmGroupName)
        rules.append(
            MandatoryRule(
                name=rule.name,
                vms=moids_of(getattr(vms, "vm", None)),
                hosts=moids_of(getattr(hosts, "host", None)),
                affine=affine,
            )
        )
    return tuple(rules)


def _together(config: Any) -> frozenset[str]:
    rules = [rule for rule in config.rule or () if isinstance(rule, vim.cluster.AffinityRuleSpec) and rule.enabled]
    return frozenset().union(*(moids_of(rule.vm) for rule in rules))


def _admission(das: Any) -> FailoverReserve | None:
    if das is None or not das.enabled or not das.admissionControlEnabled:
        return None
    policy = das.admissionControlPolicy
    if isinstance(policy, vim.cluster.FailoverHostAdmissionControlPolicy):
        return FailoverReserve(failover_hosts=moids_of(policy.failoverHosts))
    if isinstance(policy, vim.cluster.FailoverResourcesAdmissionControlPolicy):
        if getattr(policy, "autoComputePercentages", None) and getattr(policy, "failoverLevel", None):
            return FailoverReserve(failures=policy.failoverLevel)
        return FailoverReserve(
            cpu_percent=policy.cpuFailoverResourcesPercent, memory_percent=policy.memoryFailoverResourcesPercent
        )
    return FailoverReserve(failures=getattr(policy, "failoverLevel", None) or das.failoverLevel or 0)
