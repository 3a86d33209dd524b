# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Observe clusters: one read of the inventory, one of the clusters' configuration and their hosts' tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._cluster_info.decode import (
    HOST_PROPERTIES,
    decode_clusters,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._cluster_info.model import ClusterQuery, ClusterState
from ansible_collections.gantry.vsphere.plugins.module_utils._cluster_info.resolve import (
    resolve_clusters,
    resolve_without,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.agents import AGENT_PROPERTIES
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.decode_vm import DEMAND_PROPERTIES
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.observe import VIEW_PROPERTIES

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

_PROPERTIES: Mapping[str, Sequence[str]] = {
    "HostSystem": tuple(dict.fromkeys((*VIEW_PROPERTIES["HostSystem"], *HOST_PROPERTIES))),
    "VirtualMachine": ("config.template", *AGENT_PROPERTIES, *DEMAND_PROPERTIES),
}
_CLUSTER_PROPERTIES: Mapping[str, Sequence[str]] = {
    "ClusterComputeResource": ("configurationEx", "summary"),
    "Task": ("info",),
}


def observe_clusters(session: Session, desired: ClusterQuery) -> list[ClusterState]:
    """Return the clusters that the task asks for. The number of requests is constant."""
    inventory = session.inventory(vms=True, properties=_PROPERTIES)
    clusters = resolve_clusters(desired, inventory)
    without = resolve_without(desired, inventory, clusters)
    hosts = [host for cluster in clusters for host in inventory.hosts(cluster)]
    tasks = [task for host in hosts for task in host.properties.get("recentTask") or ()]
    objects = [*(cluster.ref for cluster in clusters), *tasks]
    rows = session.read(objects, _CLUSTER_PROPERTIES) if objects else []
    return decode_clusters(inventory, clusters, {row.moid: row for row in rows}, without)
