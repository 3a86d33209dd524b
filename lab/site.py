# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plan a vCenter's inventory: the hosts of each cluster, datastore and network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lab.config import Inventory

_GIB = 1 << 30


@dataclass(frozen=True)
class Site:
    clusters: Mapping[str, tuple[str, ...]]  # the hosts of each, in the order of the configuration
    datastores: Mapping[str, tuple[str, ...]]  # the hosts that mount each
    networks: Mapping[str, tuple[str, ...]]  # the hosts that have each

    @property
    def hosts(self) -> tuple[str, ...]:
        return tuple(host for hosts in self.clusters.values() for host in hosts)


def plan(inventory: Inventory, networks: Mapping[str, str], *, host_prefix: str) -> Site:
    """Name the hosts, and assign datastores and networks to them."""
    clusters: dict[str, tuple[str, ...]] = {}
    first = 1
    for cluster, count in ((inventory.cluster, inventory.hosts), *inventory.clusters.items()):
        clusters[cluster] = tuple(f"{host_prefix}{number}" for number in range(first, first + count))
        first += count
    hosts = tuple(host for members in clusters.values() for host in members)
    datastores = dict.fromkeys((inventory.datastore, *inventory.shared_datastores), hosts)
    if inventory.local_datastores:
        datastores.update({f"local-{host}": (host,) for host in hosts})
    seen = {name: hosts[: inventory.partial_networks.get(name, len(hosts))] for name in networks}
    return Site(clusters, datastores, seen)


def settings(site: Site, inventory: Inventory, networks: Mapping[str, str]) -> dict[str, Any]:
    """Return the inventory in the format of the vCenter's configuration (lab/vcenter/internal/config)."""
    first, *further = site.clusters
    shared = [inventory.datastore, *inventory.shared_datastores]
    content: dict[str, Any] = {
        "datacenter": inventory.datacenter,
        "cluster": first,
        "hosts": {"names": list(site.clusters[first])},
        "clusters": [{"name": name, "hosts": list(site.clusters[name])} for name in further],
        "datastores": [
            {
                "name": name,
                "capacity_bytes": inventory.datastore_gib * _GIB,
                "hosts": [] if name in shared else list(hosts),  # empty: all hosts
            }
            for name, hosts in site.datastores.items()
        ],
        "networks": [
            {"name": name, "subnet": subnet, "hosts": list(site.networks[name])} for name, subnet in networks.items()
        ],
        "distributed": [
            {"switch": switch, "port_groups": list(groups)} for switch, groups in inventory.distributed_switches.items()
        ],
        "segments": list(inventory.segments),
        "opaque_networks": list(inventory.opaque_networks),
    }
    if inventory.datastore_cluster is not None:
        content["datastore_cluster"] = {"name": inventory.datastore_cluster, "datastores": shared}
    return content
