# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the cluster that a task names and read its configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry, Inventory

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

# The DRS automation levels by their names in the API.
API_LEVELS = {
    "manual": "manual",
    "partially_automated": "partiallyAutomated",
    "fully_automated": "fullyAutomated",
}
LEVELS = {api: level for level, api in API_LEVELS.items()}


def read_config(session: Session, cluster: Entry) -> Any:
    """Read the cluster's ClusterConfigInfoEx."""
    rows = session.read([cluster.ref], ["configurationEx"])
    return config_of(cluster, rows[0] if rows else None)


def config_of(cluster: Entry, row: Mapping[str, Any] | None) -> Any:
    """Return the ClusterConfigInfoEx in a row of the cluster; an error if it could not be read."""
    config = None if row is None else row.get("configurationEx")
    if config is None:
        raise GantryError(
            f"The configuration of the cluster {cluster.path} cannot be read. Check that it still exists, and "
            "the privileges of this user."
        )
    return config


def find_cluster(inventory: Inventory, name: str | None, datacenter: Entry | None) -> Entry:
    """Find a cluster, not a standalone host; without a name, the only one."""
    if name is None:
        clusters = [
            entry
            for entry in inventory.all("ClusterComputeResource")
            if datacenter is None or entry.datacenter == datacenter.moid
        ]
        if len(clusters) == 1:
            return clusters[0]
    found = inventory.cluster(name, datacenter=datacenter)
    if found.type_name != "ClusterComputeResource":
        raise GantryError(f"{found.path} is a standalone host, which has no DRS. Give a cluster.")
    return found


def place_argument_spec() -> dict[str, dict[str, Any]]:
    """Return the options that select a cluster."""
    return {"cluster": {"type": "str"}, "datacenter": {"type": "str"}}
