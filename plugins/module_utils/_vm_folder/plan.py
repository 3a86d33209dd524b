# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The changes between the desired and the observed folder. Pure."""

from __future__ import annotations

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.several import ChangeOfOne, Several, plan_several
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.paths import child_path
from ansible_collections.gantry.vsphere.plugins.module_utils._vm_folder.changes import (
    FolderChange,
    MakeVmFolder,
    RemoveVmFolder,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vm_folder.model import (
    KEEP,
    DesiredFolder,
    DesiredFolders,
    ObservedFolder,
    refuse_contents,
)


def plan_folders(desired: DesiredFolders, observed: Several[ObservedFolder]) -> Plan[ChangeOfOne]:
    """Return the folders to create, parents first, or those to remove, parents last."""
    paths = [one.path for one in observed.ones]
    for path in paths:
        if paths.count(path) > 1:
            raise GantryError(f"The folder {path} is listed more than once. List each folder once.")
    order = sorted(range(len(paths)), key=lambda index: paths[index].count("/"), reverse=not desired.present)
    return plan_several(desired.folders, observed, plan_folder, order)


def plan_folder(desired: DesiredFolder, observed: ObservedFolder) -> Plan[FolderChange]:
    """Return the folders to create along the path, or the one to remove."""
    if desired.present:
        return Plan(_missing_folders(observed))
    folder = observed.folder
    if folder is None or folder.moid is None:
        return Plan()
    if observed.contents and desired.when_not_empty == KEEP:
        return Plan()
    refuse_contents(folder.path, observed.contents)
    return Plan((RemoveVmFolder(folder.path.rpartition("/")[2], folder.path, folder.moid),))


def _missing_folders(observed: ObservedFolder) -> tuple[MakeVmFolder, ...]:
    if observed.taken_by is not None:
        raise GantryError(
            f"The folder {observed.path} cannot be created because {observed.taken_by} has the name of a folder in its "
            "path, and names are unique in a folder. Rename or move that object, or choose another path."
        )
    changes, path = [], observed.levels[-1].path
    for name in observed.missing:
        path = child_path(path, name)
        changes.append(MakeVmFolder(name, path))
    return tuple(changes)
