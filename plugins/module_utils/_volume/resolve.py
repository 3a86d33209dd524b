# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of datastores to the datastore that a volume is created on. Pure."""

from __future__ import annotations

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry, Inventory
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.model import DesiredVolume, Volume, WantedPolicy

DATASTORE_PROPERTIES = ("summary.url", "summary.freeSpace", "summary.accessible", "summary.maintenanceMode")


def resolve_datastore(
    inventory: Inventory,
    datacenter: Entry,
    desired: DesiredVolume,
    source: Volume | None = None,
    wanted: WantedPolicy | None = None,
) -> Entry:
    """Return the named datastore, or the only one there is. Of several that can be chosen, it is the one with the most
    free space: of those of a datastore cluster, or of a datacenter if only a storage policy is given.

    A disk that is created from a snapshot is on the datastore of its source.
    """
    candidates = _candidates(inventory, datacenter, desired, source, wanted)
    fitting = [entry for entry in candidates if wanted is None or entry.moid not in wanted.misfits]
    if wanted is not None and not fitting:
        reasons = listed(f"{entry.name}: {wanted.misfits[entry.moid].rstrip('.')}" for entry in candidates)
        raise GantryError(
            f"The volume {desired.name} cannot be created: no datastore that it may be on satisfies the storage policy "
            f"{wanted.policy.name} ({reasons}). Give another datastore or another storage_policy."
        )
    return max(fitting, key=lambda entry: (entry.properties.get("summary.freeSpace") or 0, entry.moid))


def _candidates(
    inventory: Inventory, datacenter: Entry, desired: DesiredVolume, source: Volume | None, wanted: WantedPolicy | None
) -> list[Entry]:
    """Return the datastores that a volume may be on; never none."""
    if desired.source_snapshot is not None and source is not None:
        return [_of_snapshot(inventory, datacenter, desired, source)]
    if desired.datastore is not None or (desired.datastore_cluster is None and wanted is None):
        return [inventory.datastore(desired.datastore, datacenter=datacenter)]
    usable = [entry for entry in inventory.all("Datastore") if _is_usable(entry)]
    if desired.datastore_cluster is None:
        where, found = datacenter.path, [entry for entry in usable if entry.datacenter == datacenter.moid]
    else:
        cluster = inventory.datastore_cluster(desired.datastore_cluster)
        where, found = f"the datastore cluster {cluster.path}", [one for one in usable if one.parent == cluster.moid]
    if not found:
        raise GantryError(
            f"No datastore of {where} is accessible and not in maintenance mode, so the volume {desired.name} cannot "
            "be created there."
        )
    return found


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
