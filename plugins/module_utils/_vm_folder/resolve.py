# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the path of a folder to the folders of the inventory. Pure."""

from __future__ import annotations

from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry, Inventory
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.paths import InventoryPath
from ansible_collections.gantry.vsphere.plugins.module_utils._vm_folder.model import (
    DesiredFolder,
    FolderLevel,
    ObservedFolder,
)


def resolve_folder(inventory: Inventory, desired: DesiredFolder) -> ObservedFolder:
    """Return what exists along the path, and the names of what does not."""
    root = inventory.folder(None, datacenter=_find_datacenter(inventory, desired.datacenter, desired.path))
    names = desired.path.names_below(root.path, "path")
    found = inventory.descend(root, names, "Folder")
    return ObservedFolder(
        levels=tuple(FolderLevel(entry.path, entry.moid) for entry in (root, *found)),
        missing=names[len(found) :],
    )


def _find_datacenter(inventory: Inventory, name: str | None, path: InventoryPath) -> Entry:
    """Return the datacenter that is named, else the one in a whole path, else the only one."""
    if name is None:
        for datacenter in inventory.all("Datacenter"):
            if path.is_below(datacenter.path):
                return datacenter
    return inventory.datacenter(name)
