# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Observe files on the machine that runs the module."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container_copy.model import (
    DIRECTORY,
    FILE,
    OTHER,
    SYMLINK,
    DesiredCopy,
    FileFacts,
    Listing,
    LocalFiles,
)

_READ = 1 << 20
_MODE_OF_CONTENT = 0o600


def local_source(desired: DesiredCopy) -> LocalFiles:
    """Return the files that are to be copied into the container."""
    if desired.content is not None:
        digest = hashlib.sha256(desired.content).hexdigest()
        facts = FileFacts("", FILE, _MODE_OF_CONTENT, 0, 0, len(desired.content), digest)
        return LocalFiles("", (facts,))
    path = Path(desired.path or "")
    is_link = not desired.local_follow and path.is_symlink()
    if not is_link and not path.exists():
        raise GantryError(
            f"path is {path}, and there is no such file or directory on the machine that runs the task. Check path."
        )
    return LocalFiles(str(path), local_files(path if is_link else path.resolve()))


def local_target(dest: Path, listing: Listing) -> LocalFiles:
    """Return the files where those of the container are to be copied: below a directory if dest is one."""
    if listing.files and listing.files[0].kind != DIRECTORY and dest.is_dir():
        dest /= Path(listing.path).name
    if dest.is_dir():
        dest = dest.resolve()
    if not dest.parent.is_dir():
        raise GantryError(
            f"dest is {dest}, and there is no directory {dest.parent} on the machine that runs the task. Create it."
        )
    files = local_files(dest) if dest.is_symlink() or dest.exists() else ()
    return LocalFiles(str(dest), files, may_chown=os.geteuid() == 0)


def local_files(top: Path) -> tuple[FileFacts, ...]:
    """Return a file, or a directory and all that is in it, in the order of the names. Links are not followed."""
    try:
        return tuple(_facts(top, path) for path in [top, *_below(top)])
    except OSError as error:
        raise GantryError(f"The file {error.filename or top} cannot be read: {error.strerror}.") from error


def _below(top: Path) -> list[Path]:
    if top.is_symlink() or not top.is_dir():
        return []
    found: list[Path] = []
    for directory, folders, files in os.walk(top, onerror=_fail):
        found += [Path(directory, name) for name in (*folders, *files)]
    return sorted(found)


def _fail(error: OSError) -> None:
    raise error


def _facts(top: Path, path: Path) -> FileFacts:
    status = path.lstat()
    relative = "" if path == top else str(path.relative_to(top))
    try:
        relative.encode("utf-8")
    except UnicodeEncodeError as error:
        raise GantryError(
            f"The name {str(path)!a} is not UTF-8, which is required to copy a file. Rename it."
        ) from error
    kind = _kind(status.st_mode)
    return FileFacts(
        path=relative,
        kind=kind,
        mode=stat.S_IMODE(status.st_mode),
        uid=status.st_uid,
        gid=status.st_gid,
        size=status.st_size if kind == FILE else 0,
        sha256=_digest(path) if kind == FILE else None,
        link=str(path.readlink()) if kind == SYMLINK else None,
    )


def _kind(mode: int) -> str:
    kinds = ((stat.S_ISREG, FILE), (stat.S_ISDIR, DIRECTORY), (stat.S_ISLNK, SYMLINK))
    return next((kind for test, kind in kinds if test(mode)), OTHER)


def _digest(path: Path) -> str:
    total = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_READ):
            total.update(block)
    return total.hexdigest()
