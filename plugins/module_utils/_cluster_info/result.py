# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What cluster_info returns. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._cluster_info.capacity import (
    ClusterCapacity,
    capacity,
    capacity_after_failure,
    shortage,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._cluster_info.model import ClusterState, HostState
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_cluster.result import settings_view

_KINDS = ("on", "off", "templates", "agents")


def clusters_result(clusters: Sequence[ClusterState]) -> dict[str, Any]:
    """Return the task's own part of the result."""
    return {"clusters": [_cluster(cluster) for cluster in clusters]}


def _cluster(cluster: ClusterState) -> dict[str, Any]:
    facts = cluster.facts
    failed, after = capacity_after_failure(cluster)
    admission = facts.admission
    reserve = frozenset() if admission is None else admission.failover_hosts
    return {
        "name": facts.name,
        "path": facts.path,
        "moid": facts.moid,
        "datacenter": cluster.datacenter,
        "evc": facts.evc,
        "settings": settings_view(cluster.settings, cluster.host_names),
        "hosts": [_host(host, host.facts.moid in reserve) for host in cluster.hosts],
        "vms": {kind: sum(getattr(host.vms, kind) for host in cluster.hosts) for kind in _KINDS},
        "memory_configured_mb": sum(demand.memory_mb for demand in cluster.demands),
        "capacity": _capacity(cluster, capacity(cluster)),
        "after_failure": {"failed_host": failed, **_capacity(cluster, after, failed)},
        "datastores": list(cluster.datastores),
        "networks": list(cluster.networks),
    }


def _host(host: HostState, reserve: bool) -> dict[str, Any]:
    facts, progress = host.facts, host.progress
    return {
        "name": facts.name,
        "path": host.path,
        "moid": facts.moid,
        "connection": facts.connection,
        "maintenance": facts.maintenance,
        "maintenance_task": None if progress is None else "entering" if progress.entering else "leaving",
        "quarantine": host.quarantine,
        "failover_host": reserve,
        "usable": host.facts.usable and not host.quarantine,
        "without": host.without,
        "version": facts.release,
        "build": host.build,
        "cpu_cores": host.cpu_cores,
        "cpu_mhz": facts.cpu_mhz,
        "cpu_used_mhz": host.cpu_used_mhz,
        "memory_mb": facts.memory_mb,
        "memory_used_mb": facts.memory_used_mb,
        "vms": asdict(host.vms),
    }


def _capacity(cluster: ClusterState, some: ClusterCapacity, failed: str | None = None) -> dict[str, Any]:
    return {
        "hosts": list(some.hosts),
        "memory_mb": some.memory_mb,
        "memory_reserved_mb": some.memory_reserved_mb,
        "memory_free_mb": some.memory_mb - some.memory_reserved_mb,
        "cpu_mhz": some.cpu_mhz,
        "cpu_reserved_mhz": some.cpu_reserved_mhz,
        "cpu_free_mhz": some.cpu_mhz - some.cpu_reserved_mhz,
        "sufficient": some.sufficient,
        "shortage": shortage(cluster, some, failed),
    }
