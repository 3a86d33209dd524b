# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan a copy: the files that differ, or the reason why they cannot be copied. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container_copy.changes import (
    CopyChange,
    CopyIn,
    CopyOut,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_copy.model import (
    DIRECTORY,
    FILE,
    MODE_BITS,
    OTHER,
    SYMLINK,
    DesiredCopy,
    FileChange,
    FileFacts,
    ObservedCopy,
    Texts,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan

Differs = Callable[[FileFacts, FileFacts], bool]


def plan_copy(desired: DesiredCopy, observed: ObservedCopy) -> Plan[CopyChange]:
    """Return the copy of the files that differ."""
    if desired.dest is not None:
        return _plan_out(desired, observed)
    return _plan_in(desired, observed)


def _plan_in(desired: DesiredCopy, observed: ObservedCopy) -> Plan[CopyChange]:
    listing = observed.listing
    others = [file.path for file in observed.local.files if file.kind == OTHER]
    if others:
        raise GantryError(
            f"{observed.local.path}/{others[0]} is a device, a socket or a FIFO, which cannot be copied. Remove it."
        )
    wanted = tuple(_owned(file, desired, listing.uid, listing.gid) for file in observed.local.files)
    where = f"{listing.path} in container {desired.name}"
    files = _changes(desired, wanted, listing.files, where, _differs_with_owner)
    files = tuple(replace(file, texts=Texts() if file.new.path else observed.texts) for file in files)
    return Plan((CopyIn(desired.name, listing.path, files),) if files else ())


def _plan_out(desired: DesiredCopy, observed: ObservedCopy) -> Plan[CopyChange]:
    listing, local = observed.listing, observed.local
    if not listing.files:
        raise GantryError(f"There is no {desired.container_path} in container {desired.name}. Check container_path.")
    if listing.files[0].kind == OTHER:
        raise GantryError(
            f"{desired.container_path} in container {desired.name} is a device, a socket or a FIFO, which cannot be "
            "copied. Check container_path."
        )
    wanted = tuple(replace(file, mode=file.mode & MODE_BITS) for file in listing.files if file.kind != OTHER)
    files = _changes(desired, wanted, local.files, local.path, _differs_with_owner if local.may_chown else _differs)
    return Plan((CopyOut(desired.name, listing.path, local.path, files),) if files else ())


def _owned(file: FileFacts, desired: DesiredCopy, uid: int, gid: int) -> FileFacts:
    """Return a file of this machine as it is to be in the container."""
    mode = file.mode if desired.mode is None or file.kind != FILE else desired.mode
    return replace(file, uid=uid, gid=gid, mode=mode)


def _changes(
    desired: DesiredCopy, wanted: tuple[FileFacts, ...], known: tuple[FileFacts, ...], where: str, differs: Differs
) -> tuple[FileChange, ...]:
    """Return the files to copy, and refuse what would replace a directory by a file, or a file by a directory."""
    total = sum(file.size for file in wanted)
    if total > desired.max_bytes:
        raise GantryError(
            f"The files to copy have {total} bytes, more than the {desired.max_bytes} of max_size. Increase it if that "
            "is intended."
        )
    existing = {file.path: file for file in known}
    if desired.force is False and existing:
        return ()
    found = []
    for new in wanted:
        old = existing.get(new.path)
        if old is not None:
            _refuse_other_kind(old, new, where)
        if old is None or (new.kind != DIRECTORY and (desired.force or differs(old, new))):
            found.append(FileChange(old, new))
    return tuple(found)


def _refuse_other_kind(old: FileFacts, new: FileFacts, where: str) -> None:
    if (old.kind == DIRECTORY) == (new.kind == DIRECTORY):
        return
    path = f"{where}: {old.path}" if old.path else where
    if old.kind == DIRECTORY:
        raise GantryError(f"{path} is a directory, and a file is to be copied there. Give the path of the file.")
    raise GantryError(f"{path} is not a directory, and a directory is to be copied there. Remove it first.")


def _differs_with_owner(old: FileFacts, new: FileFacts) -> bool:
    return (old.uid, old.gid) != (new.uid, new.gid) or _differs(old, new)


def _differs(old: FileFacts, new: FileFacts) -> bool:
    """Return whether content or mode differ. A symbolic link has no mode of its own."""
    if old.kind != new.kind or (old.sha256, old.link) != (new.sha256, new.link):
        return True
    return new.kind != SYMLINK and old.mode != new.mode
