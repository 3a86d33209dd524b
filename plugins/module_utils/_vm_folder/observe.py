# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the folders along paths: one read of the inventory, which the items of a loop share."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._engine.several import Several
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.paths import child_path, decode_name, encode_name
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_of, type_name
from ansible_collections.gantry.vsphere.plugins.module_utils._vm_folder.model import (
    DesiredFolders,
    ObservedFolder,
    settle_folders,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vm_folder.resolve import resolve_folder

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


def observe_folders(session: Session, desired: DesiredFolders) -> Several[ObservedFolder]:
    """Return the folders along each path, and what prevents the last of them from being created or removed."""
    inventory = session.inventory()
    found = [resolve_folder(inventory, folder) for folder in desired.folders]
    if desired.present:
        taken: dict[str, str | None] = {}
        for one in found:
            if one.missing and one.first_missing not in taken:
                taken[one.first_missing] = _read_taken(session, one)
        return Several(tuple(replace(one, taken_by=taken.get(one.first_missing)) for one in found), settle_folders)
    contents = read_contents(session, [str(one.folder.moid) for one in found if one.folder is not None])
    return Several(tuple(_with_contents(one, contents, desired.assume_removed) for one in found), settle_folders)


def read_contents(session: Session, moids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the names of what is in each folder that still exists."""
    rows = session.read([session.ref("Folder", moid) for moid in moids], ["childEntity"])
    children = {row.moid: row.get("childEntity") or () for row in rows}
    inside = [ref for refs in children.values() for ref in refs]
    names = {row.moid: decode_name(row.get("name", row.moid)) for row in session.read(inside, ["name"])}
    return {
        moid: tuple(sorted(names[moid_of(ref)] for ref in refs if moid_of(ref) in names))
        for moid, refs in children.items()
    }


def _with_contents(
    one: ObservedFolder, contents: Mapping[str, tuple[str, ...]], assume_removed: Collection[str]
) -> ObservedFolder:
    if one.folder is None:
        return one
    names = contents.get(str(one.folder.moid), ())
    return replace(one, contents=tuple(name for name in names if name not in assume_removed))


def _read_taken(session: Session, observed: ObservedFolder) -> str | None:
    """Return what has the name of the first missing folder, such as a VM: it is not among the inventory's folders."""
    parent, name = observed.levels[-1], observed.missing[0]
    search = session.content.searchIndex
    found = search.FindChild(session.ref("Folder", str(parent.moid)), encode_name(name))
    return None if found is None else f"{type_name(found)} {child_path(parent.path, name)}"
