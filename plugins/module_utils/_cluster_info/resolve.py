# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the clusters and hosts that a query names. Pure."""

from __future__ import annotations

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._cluster_info.model import ClusterQuery
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.clusters import find_cluster
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry, Inventory


def resolve_clusters(query: ClusterQuery, inventory: Inventory) -> list[Entry]:
    """Return the clusters that the query selects, in the order of their paths."""
    datacenter = None if query.datacenter is None else inventory.datacenter(query.datacenter)
    if query.cluster is not None:
        return [find_cluster(inventory, query.cluster, datacenter)]
    clusters = inventory.all("ClusterComputeResource")
    within = [one for one in clusters if datacenter is None or one.datacenter == datacenter.moid]
    return sorted(within, key=lambda one: one.path)


def resolve_without(query: ClusterQuery, inventory: Inventory, clusters: list[Entry]) -> frozenset[str]:
    """Return the MoIDs of the hosts whose capacity does not count."""
    datacenter = None if query.datacenter is None else inventory.datacenter(query.datacenter)
    cluster = clusters[0] if query.cluster is not None else None
    known = {one.moid for one in clusters}
    found = set()
    for name in query.without:
        host = inventory.host(name, datacenter=datacenter, cluster=cluster)
        if host.parent not in known:
            raise GantryError(f"{host.path} is a standalone host. Give only hosts of clusters in without.")
        found.add(host.moid)
    return frozenset(found)
