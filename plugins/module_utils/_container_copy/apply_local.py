# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Receive files of a container, and put them in their place."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container_copy.changes import CopyOut
from ansible_collections.gantry.vsphere.plugins.module_utils._container_copy.extract import extract
from ansible_collections.gantry.vsphere.plugins.module_utils._container_copy.model import (
    DIRECTORY,
    MODE_BITS,
    SYMLINK,
    DesiredCopy,
    FileFacts,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_copy.observe_local import local_files
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.guest import Guest


def receive(guest: Guest, desired: DesiredCopy, change: CopyOut, *, may_chown: bool) -> None:
    """Extract the archive beside the destination, and move the files of the change from there."""
    dest = Path(change.dest)
    with tempfile.TemporaryDirectory(dir=dest.parent, prefix=".gantry-") as staging:
        with guest.pack(desired.container_path, desired.timeout, follow=desired.follow) as blocks:
            extract(blocks, Path(staging), desired.max_bytes)
        top = Path(staging)
        if change.files and not _is_tree(change):
            top /= Path(change.path).name
        wanted = [file.new for file in change.files]
        _refuse_changed(top, wanted, desired)
        try:
            _place(top, dest, wanted, may_chown=may_chown)
        except OSError as error:
            raise GantryError(f"The file {error.filename} cannot be replaced: {error.strerror}.") from error


def _is_tree(change: CopyOut) -> bool:
    return any(file.new.path or file.new.kind == DIRECTORY for file in change.files)


def _refuse_changed(top: Path, wanted: list[FileFacts], desired: DesiredCopy) -> None:
    """Refuse files that are not those that were listed: the task has reported those."""
    received = {file.path: file for file in local_files(top)} if top.is_symlink() or top.exists() else {}
    for file in wanted:
        found = received.get(file.path)
        if found is None or (found.kind, found.sha256, found.link) != (file.kind, file.sha256, file.link):
            raise GantryError(
                f"{desired.container_path} in container {desired.name} has changed while it was copied. Nothing was "
                "replaced. Run again."
            )


def _place(top: Path, dest: Path, wanted: list[FileFacts], *, may_chown: bool) -> None:
    folders = []
    for file in wanted:
        target = dest / file.path if file.path else dest
        _refuse_link(dest, target)
        if file.kind == DIRECTORY:
            target.mkdir(0o700)
            folders.append((target, file))
        else:
            source = top / file.path if file.path else top
            if may_chown:
                os.chown(source, file.uid, file.gid, follow_symlinks=False)
            if file.kind != SYMLINK:
                source.chmod(file.mode & MODE_BITS)
            source.replace(target)
    for target, file in folders:
        if may_chown:
            os.chown(target, file.uid, file.gid, follow_symlinks=False)
        target.chmod(file.mode & MODE_BITS)


def _refuse_link(dest: Path, target: Path) -> None:
    """Refuse to write through symbolic links below the destination, which an earlier copy may have created."""
    for parent in target.parents:
        if parent == dest.parent:
            return
        if parent.is_symlink():
            raise GantryError(f"{parent} is a symbolic link, and files are to be copied below it. Remove it first.")
