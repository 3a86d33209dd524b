# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Resolve names in the desired settings to objects of the inventory. Pure."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.gantry.vsphere.plugins.module_utils._drs_cluster.model import Settings
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry, Inventory


def resolve_settings(wanted: Settings, inventory: Inventory, cluster: Entry) -> Settings:
    """Return the settings with MoIDs for the names of failover hosts."""
    if wanted.admission is None or wanted.admission.failover_hosts is None:
        return wanted
    option = "ha.admission_control.failover_hosts"
    hosts = frozenset(
        inventory.host(name, cluster=cluster, what=option).moid for name in sorted(wanted.admission.failover_hosts)
    )
    return replace(wanted, admission=replace(wanted.admission, failover_hosts=hosts))


def pools_below(inventory: Inventory, cluster: Entry) -> list[str]:
    """Return the paths of the resource pools and vApps below the cluster's root pool."""
    root = inventory.resource_pool(None, cluster=cluster)
    return [pool.path for pool in inventory.resource_pools(cluster) if pool.moid != root.moid]
