# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decode clusters, the states of their hosts and the number and demands of their VMs. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._cluster_info.model import ClusterState, HostState, VmCount
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_cluster.decode import decode_settings
from ansible_collections.gantry.vsphere.plugins.module_utils._maintenance.decode import decode_progress
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.agents import is_agent
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.clusters import config_of
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.decode_cluster import (
    decode_cluster,
    decode_host,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.decode_vm import decode_demand, is_on
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.model import VmDemand
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry, Inventory
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_of, moid_or_none

# The properties of a host that are needed besides those of placement.
HOST_PROPERTIES = (
    "recentTask",
    "runtime.inQuarantineMode",
    "summary.config.product.build",
    "summary.hardware.numCpuCores",
    "summary.quickStats.overallCpuUsage",
)


def decode_clusters(
    inventory: Inventory, clusters: Sequence[Entry], rows: Mapping[str, Mapping[str, Any]], without: frozenset[str]
) -> list[ClusterState]:
    """Decode the clusters; ``rows`` have their configuration and the recent tasks of their hosts, by MoID."""
    counts = _count_vms(inventory.vms())
    demands: dict[str, list[VmDemand]] = {}
    for vm in inventory.vms():
        if is_on(vm.properties) and not is_agent(vm) and (demand := decode_demand(vm.properties)) is not None:
            demands.setdefault(demand.host, []).append(demand)
    return [_decode_cluster(inventory, one, rows, counts, demands, without) for one in clusters]


def _decode_cluster(
    inventory: Inventory,
    cluster: Entry,
    rows: Mapping[str, Mapping[str, Any]],
    counts: Mapping[str, VmCount],
    demands: Mapping[str, list[VmDemand]],
    without: frozenset[str],
) -> ClusterState:
    entries = sorted(inventory.hosts(cluster), key=lambda host: host.name)
    hosts = tuple(_decode_host(host, rows, counts, without) for host in entries)
    row = rows.get(cluster.moid)
    datacenter = inventory.entry(cluster.datacenter or "")
    usable = {network.moid for network in inventory.networks()}
    return ClusterState(
        facts=decode_cluster(cluster, row),
        datacenter="" if datacenter is None else datacenter.path,
        settings=decode_settings(config_of(cluster, row)),
        hosts=hosts,
        demands=tuple(demand for host in entries for demand in demands.get(host.moid, ())),
        datastores=_names(inventory, (moid for host in hosts for moid in host.facts.datastores)),
        networks=_names(inventory, usable.intersection(moid for host in hosts for moid in host.facts.networks)),
    )


def _decode_host(
    host: Entry, rows: Mapping[str, Mapping[str, Any]], counts: Mapping[str, VmCount], without: frozenset[str]
) -> HostState:
    read = host.properties.get
    moids = [moid_of(task) for task in read("recentTask") or ()]
    return HostState(
        facts=decode_host(host, host.properties),
        path=host.path,
        quarantine=bool(read("runtime.inQuarantineMode")),
        build=read("summary.config.product.build"),
        cpu_cores=int(read("summary.hardware.numCpuCores") or 0),
        cpu_used_mhz=int(read("summary.quickStats.overallCpuUsage") or 0),
        vms=counts.get(host.moid, VmCount()),
        progress=decode_progress((moid, rows[moid]) for moid in moids if moid in rows),
        without=host.moid in without,
    )


def _count_vms(vms: Iterable[Entry]) -> dict[str, VmCount]:
    """Count the VMs of each host, by its MoID."""
    found: dict[str, Counter[str]] = {}
    for vm in vms:
        host = moid_or_none(vm.properties.get("runtime.host"))
        if host is not None:
            found.setdefault(host, Counter())[_kind_of(vm)] += 1
    return {host: VmCount(**count) for host, count in found.items()}


def _kind_of(vm: Entry) -> str:
    if is_agent(vm):
        return "agents"
    if vm.properties.get("config.template"):
        return "templates"
    return "on" if is_on(vm.properties) else "off"


def _names(inventory: Inventory, moids: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({entry.name for moid in moids if (entry := inventory.entry(moid)) is not None}))
