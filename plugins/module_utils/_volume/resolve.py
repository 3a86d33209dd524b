# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of datastores to the datastore that a volume is created on. Pure."""

from __future__ import annotations

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry, Inventory
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.model import DesiredVolume, Volume

DATASTORE_PROPERTIES = ("summary.url", "summary.freeSpace", "summary.accessible", "summary.maintenanceMode")


def resolve_datastore(
    inventory: Inventory, datacenter: Entry, desired: DesiredVolume, source: Volume | None = None
) -> Entry:
    """Return the named datastore, the one of the cluster with the most free space, or the only one there is.

    A disk that is created from a snapshot is on the datastore of its source.
    """
    if desired.source_snapshot is not None and source is not None:
        return _of_snapshot(inventory, datacenter, desired, source)
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


def _of_snapshot(inventory: Inventory, datacenter: Entry, desired: DesiredVolume, source: Volume) -> Entry:
    if desired.datastore is not None:
        named = inventory.datastore(desired.datastore, datacenter=datacenter)
        if named.moid != source.datastore.moid:
            raise GantryError(
                f"datastore of the volume {desired.name} is {named.name}, but vSphere creates a disk from a snapshot on"
                f" the datastore of its volume: {source.name} is on {source.datastore.name}. Leave datastore out, or "
                "leave source_snapshot out and copy the volume as it is."
            )
    return source.datastore


def _is_usable(entry: Entry) -> bool:
    normal = entry.properties.get("summary.maintenanceMode") in (None, "normal")
    return normal and entry.properties.get("summary.accessible") is not False
