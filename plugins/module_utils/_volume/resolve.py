# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of datastores to the datastore that a volume is created on. Pure."""

from __future__ import annotations

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry, Inventory
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.model import DesiredVolume

DATASTORE_PROPERTIES = ("summary.url", "summary.freeSpace", "summary.accessible", "summary.maintenanceMode")


def resolve_datastore(inventory: Inventory, datacenter: Entry, desired: DesiredVolume) -> Entry:
    """Return the named datastore, the one of the cluster with the most free space, or the only one there is."""
    if desired.datastore_cluster is None:
        return inventory.datastore(desired.datastore, datacenter=datacenter)
    cluster = inventory.datastore_cluster(desired.datastore_cluster)
    usable = [entry for entry in inventory.all("Datastore") if entry.parent == cluster.moid and _is_usable(entry)]
    if not usable:
        raise GantryError(
            f"No datastore of the datastore cluster {cluster.path} is accessible and not in maintenance mode, so the "
            f"volume {desired.name} cannot be created there."
        )
    return max(usable, key=lambda entry: (entry.properties.get("summary.freeSpace") or 0, entry.moid))


def _is_usable(entry: Entry) -> bool:
    normal = entry.properties.get("summary.maintenanceMode") in (None, "normal")
    return normal and entry.properties.get("summary.accessible") is not False
