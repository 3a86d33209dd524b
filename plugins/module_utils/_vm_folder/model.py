# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Folders of VMs as desired and as observed. Pure data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.paths import (
    InventoryPath,
    child_path,
    decode_name,
)

# What becomes of a folder that is to be removed and is not empty.
FAIL, KEEP = "fail", "keep"


@dataclass(frozen=True)
class DesiredFolder:
    path: InventoryPath
    datacenter: str | None
    present: bool
    when_not_empty: str = FAIL


@dataclass(frozen=True)
class DesiredFolders:
    """The folders of one task. ``listed``: it gives a list of them, so its result has a list.

    ``assume_removed`` are names of what tasks before this one remove; check mode still finds it in the folders.
    """

    folders: tuple[DesiredFolder, ...]
    listed: bool
    present: bool
    assume_removed: frozenset[str] = frozenset()


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
    def first_missing(self) -> str:
        """The path of the first folder that does not exist; empty if all exist."""
        return child_path(self.levels[-1].path, self.missing[0]) if self.missing else ""

    @property
    def path(self) -> str:
        """The whole path, whether its folders exist or not."""
        path = self.levels[-1].path
        for name in self.missing:
            path = child_path(path, name)
        return path


def settle_folders(ones: tuple[ObservedFolder, ...], index: int, before: ObservedFolder) -> tuple[ObservedFolder, ...]:
    """Return all folders of a task after a change of one: others have their way through it, or it in them."""
    changed = ones[index]
    if len(changed.levels) > len(before.levels):
        made = changed.levels[len(before.levels) :]
        return tuple(one if one is changed else _with_levels(one, made) for one in ones)
    if before.folder is not None and changed.folder is None:
        parent, _slash, name = before.path.rpartition("/")
        return tuple(_without(one, decode_name(name)) if one.path == parent else one for one in ones)
    return ones


def _with_levels(one: ObservedFolder, made: Sequence[FolderLevel]) -> ObservedFolder:
    for level in made:
        if one.missing and level.path == child_path(one.levels[-1].path, one.missing[0]):
            one = replace(one, levels=(*one.levels, level), missing=one.missing[1:], taken_by=None)
    return one


def _without(one: ObservedFolder, name: str) -> ObservedFolder:
    return replace(one, contents=tuple(inside for inside in one.contents if inside != name))


def refuse_contents(path: str, contents: Sequence[str]) -> None:
    """Refuse to remove a folder that is not empty, because vCenter would remove all that is in it."""
    if contents:
        raise GantryError(
            f"The folder {path} is not removed because it is not empty: {listed(contents)}. vCenter would remove "
            "that with it. Move or remove it first.",
            details={"contents": list(contents)},
        )
