# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A copy into or out of a container: what is asked, and the files on both sides. Pure data."""

from __future__ import annotations

from dataclasses import dataclass

FILE, DIRECTORY, SYMLINK, OTHER = "file", "directory", "symlink", "other"
KINDS = (FILE, DIRECTORY, SYMLINK, OTHER)


@dataclass(frozen=True)
class FileFacts:
    """One file. The path is relative to what is copied, which has the empty path itself."""

    path: str
    kind: str
    mode: int
    uid: int
    gid: int
    size: int = 0
    sha256: str | None = None
    link: str | None = None


@dataclass(frozen=True)
class Listing:
    """What the guest reports of a path: where it leads, the numbers of the user asked for, and the files."""

    path: str
    uid: int
    gid: int
    files: tuple[FileFacts, ...] = ()
