# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Folders of VMs as desired and as observed. Pure data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.paths import InventoryPath, child_path


@dataclass(frozen=True)
class DesiredFolder:
    path: InventoryPath
    datacenter: str | None
    present: bool


@dataclass(frozen=True)
class FolderLevel:
    """A folder on the way to the one that the task manages. One that check mode predicts has no MoID yet."""

    path: str
    moid: str | None


@dataclass(frozen=True)
class ObservedFolder:
    """The folders that exist along the path, the datacenter's VM folder first.

    ``missing`` are the names of those that do not exist. ``taken_by`` is what has the first of these names and is not
    a folder. ``contents`` are the names of what is in the last folder, read if that is to be removed.
    """

    levels: tuple[FolderLevel, ...]
    missing: tuple[str, ...]
    taken_by: str | None = None
    contents: tuple[str, ...] = ()
    created: tuple[str, ...] = ()

    @property
    def folder(self) -> FolderLevel | None:
        """The folder at the end of the path, if it exists."""
        return None if self.missing else self.levels[-1]

    @property
    def path(self) -> str:
        """The whole path, whether its folders exist or not."""
        path = self.levels[-1].path
        for name in self.missing:
            path = child_path(path, name)
        return path


def refuse_contents(path: str, contents: Sequence[str]) -> None:
    """Refuse to remove a folder that is not empty, because vCenter would remove all that is in it."""
    if contents:
        raise GantryError(
            f"The folder {path} is not removed because it is not empty: {listed(contents)}. vCenter would remove "
            "that with it. Move or remove it first.",
            details={"contents": list(contents)},
        )
