# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the folders along a path: one read of the inventory, which the items of a loop share."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.paths import child_path, decode_name, encode_name
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import type_name
from ansible_collections.gantry.vsphere.plugins.module_utils._vm_folder.model import DesiredFolder, ObservedFolder
from ansible_collections.gantry.vsphere.plugins.module_utils._vm_folder.resolve import resolve_folder

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


def observe_folder(session: Session, desired: DesiredFolder) -> ObservedFolder:
    """Return the folders along the path, and what prevents the last of them from being created or removed."""
    observed = resolve_folder(session.inventory(), desired)
    if desired.present and observed.missing:
        return replace(observed, taken_by=_read_taken(session, observed))
    if not desired.present and observed.folder is not None:
        return replace(observed, contents=read_contents(session, str(observed.folder.moid)) or ())
    return observed


def read_contents(session: Session, moid: str) -> tuple[str, ...] | None:
    """Return the names of what is in a folder; None if the folder does not exist any more."""
    rows = session.read([session.ref("Folder", moid)], ["childEntity"])
    if not rows:
        return None
    children = rows[0].get("childEntity") or ()
    return tuple(sorted(decode_name(row.get("name", row.moid)) for row in session.read(children, ["name"])))


def _read_taken(session: Session, observed: ObservedFolder) -> str | None:
    """Return what has the name of the first missing folder, such as a VM: it is not among the inventory's folders."""
    parent, name = observed.levels[-1], observed.missing[0]
    search = session.content.searchIndex
    found = search.FindChild(session.ref("Folder", str(parent.moid)), encode_name(name))
    return None if found is None else f"{type_name(found)} {child_path(parent.path, name)}"
