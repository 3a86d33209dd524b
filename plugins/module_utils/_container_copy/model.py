# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A copy into or out of a container: what is asked, and the files on both sides. Pure data."""

from __future__ import annotations

from dataclasses import dataclass, field

from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.model import ObservedExec, ReachedGuest
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.guest_key import GuestKey

FILE, DIRECTORY, SYMLINK, OTHER = "file", "directory", "symlink", "other"
KINDS = (FILE, DIRECTORY, SYMLINK, OTHER)
# Of a container's files nobody may get the rights of another user, as by setuid.
MODE_BITS = 0o777


@dataclass(frozen=True)
class DesiredCopy:
    """A copy. Exactly one of path, content and dest is not None."""

    name: str
    container_path: str
    path: str | None
    content: bytes | None = field(repr=False)
    dest: str | None
    # "user[:group]" as the guest resolves it; empty is the container's user.
    owner: str
    # Of regular files; None keeps that of the source.
    mode: int | None
    follow: bool
    # Whether path may be a symbolic link to what is to be copied.
    local_follow: bool
    # None copies what differs; False only what does not exist, True everything.
    force: bool | None
    max_bytes: int
    timeout: int
    guest_key: GuestKey | None
    datacenter: str | None
    folder: str | None


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


@dataclass(frozen=True)
class LocalFiles:
    """Files on the machine that runs the module."""

    path: str
    files: tuple[FileFacts, ...]
    # Whether the user who runs this may give files to other users.
    may_chown: bool = False


@dataclass(frozen=True)
class Texts:
    """The contents of a short text file that is to be copied into a container, for a diff; None is no such text."""

    old: str | None = field(default=None, repr=False)
    new: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class ObservedCopy:
    """The files on both sides, and afterwards those that were copied."""

    guest: ObservedExec
    reached: ReachedGuest
    listing: Listing
    local: LocalFiles
    texts: Texts = field(default_factory=Texts)
    copied: tuple[str, ...] = ()


@dataclass(frozen=True)
class FileChange:
    """One file as it is, if it exists, and as it is going to be."""

    old: FileFacts | None
    new: FileFacts
    texts: Texts = field(default_factory=Texts)
