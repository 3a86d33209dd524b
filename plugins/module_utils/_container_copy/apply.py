# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copy files into or out of a container. Existing files are replaced when all new ones are there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container_copy.apply_archive import Packed, archive_of
from ansible_collections.gantry.vsphere.plugins.module_utils._container_copy.apply_local import receive
from ansible_collections.gantry.vsphere.plugins.module_utils._container_copy.changes import CopyChange, CopyIn, CopyOut
from ansible_collections.gantry.vsphere.plugins.module_utils._container_copy.model import (
    DIRECTORY,
    FILE,
    SYMLINK,
    DesiredCopy,
    FileChange,
    ObservedCopy,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.guest import Guest
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.archive import DIRECTORY as TAR_DIRECTORY
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.archive import REGULAR as TAR_FILE
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.archive import SYMLINK as TAR_SYMLINK
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.archive import TarEntry

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

_TAR_KINDS = {FILE: TAR_FILE, DIRECTORY: TAR_DIRECTORY, SYMLINK: TAR_SYMLINK}


def apply_copy(session: Session, desired: DesiredCopy, observed: ObservedCopy, change: CopyChange) -> ObservedCopy:
    """Copy the files of the change."""
    guest = Guest(session, observed.guest, observed.reached)
    if isinstance(change, CopyOut):
        receive(guest, desired, change, may_chown=observed.local.may_chown)
    else:
        _send(guest, desired, observed, change)
    return change.project(observed)


def _send(guest: Guest, desired: DesiredCopy, observed: ObservedCopy, change: CopyIn) -> None:
    """Send an archive to the directory that is copied, or to that of the file."""
    path = change.path
    top, name = path, ""
    if all(file.new.kind != DIRECTORY for file in change.files) and not any(file.new.path for file in change.files):
        top, name = os.path.split(path)
    source = Path(observed.local.path).resolve()
    done = guest.unpack(top, archive_of(_packed(desired, source, name, change.files)), desired.timeout)
    if done.problem is not None:
        raise GantryError(
            f"Could not copy to {path} in container {guest.name}: {done.problem.rstrip('.')}. No file was replaced, "
            "unless the problem is with a file that was to be replaced."
        )
    if done.timed_out:
        raise GantryError(
            f"The copy to {path} in container {guest.name} did not end within {desired.timeout} s (timeout)."
        )


def _packed(desired: DesiredCopy, source: Path, name: str, files: Sequence[FileChange]) -> list[Packed]:
    packed = []
    for file in files:
        facts = file.new
        entry = TarEntry(
            (facts.path or name).encode("utf-8"),
            _TAR_KINDS[facts.kind],
            mode=facts.mode,
            uid=facts.uid,
            gid=facts.gid,
            size=facts.size,
            link=(facts.link or "").encode("utf-8", "surrogateescape"),
        )
        packed.append(Packed(entry, source / facts.path if desired.content is None else desired.content))
    return packed
