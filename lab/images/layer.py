# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make one layer of an image: a gzipped tar archive, reproducible byte by byte."""

from __future__ import annotations

import gzip
import hashlib
import io
import struct
import tarfile
from dataclasses import dataclass
from pathlib import PurePosixPath

from lab.images.debian import EPOCH, DebianRoot

# Image builders use level 6 of gzip. Level 1 saves seconds, and the result stays on this machine.
_GZIP_LEVEL = 1
_VFS_CAP_REVISION_2 = 0x02000000
_VFS_CAP_EFFECTIVE = 1


@dataclass(frozen=True)
class Blob:
    """A finished layer."""

    data: bytes
    diff_id: str

    @property
    def digest(self) -> str:
        return sha256(self.data)


def sha256(data: bytes) -> str:
    """Return the digest as the OCI specifications write it."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _capability_xattr(number: int) -> bytes:
    """Return the value of security.capability for one capability, permitted and effective."""
    low, high = divmod(1 << number, 1 << 32)[::-1]
    return struct.pack("<5I", _VFS_CAP_REVISION_2 | _VFS_CAP_EFFECTIVE, low, 0, high, 0)


class Layer:
    """Collect entries in the order in which they are added. Missing parents are created, owned by root, mode 0755."""

    def __init__(self) -> None:
        self._buffer = io.BytesIO()
        # finish() closes it, which completes the archive.
        self._tar = tarfile.TarFile(fileobj=self._buffer, mode="w", format=tarfile.PAX_FORMAT)
        self._directories: set[str] = set()

    def directory(self, path: str, mode: int = 0o755, uid: int = 0, gid: int = 0) -> None:
        """Add a directory."""
        self._add(self._entry(path, tarfile.DIRTYPE, mode, uid, gid))

    def file(
        self,
        path: str,
        content: bytes | str,
        mode: int = 0o644,
        uid: int = 0,
        gid: int = 0,
        capability: int | None = None,
    ) -> None:
        """Add a file. capability is the number of one that the file has, permitted and effective."""
        data = content.encode() if isinstance(content, str) else content
        entry = self._entry(path, tarfile.REGTYPE, mode, uid, gid)
        entry.size = len(data)
        if capability is not None:
            entry.pax_headers = {"SCHILY.xattr.security.capability": _capability_xattr(capability).decode("ascii")}
        self._add(entry, data)

    def symlink(self, path: str, target: str) -> None:
        """Add a symbolic link."""
        entry = self._entry(path, tarfile.SYMTYPE, 0o777, 0, 0)
        entry.linkname = target
        self._add(entry)

    def hardlink(self, path: str, target: str) -> None:
        """Add a hard link to another path of this layer."""
        entry = self._entry(path, tarfile.LNKTYPE, 0o644, 0, 0)
        entry.linkname = target
        self._add(entry)

    def remove(self, path: str) -> None:
        """Add a whiteout, which removes the path of the layers below, a directory with its content."""
        place = PurePosixPath(path)
        self.file(str(place.with_name(f".wh.{place.name}")), b"", 0)

    def empty(self, path: str) -> None:
        """Add an opaque directory, which hides the content of the directory in the layers below."""
        self.directory(path)
        self.file(f"{path}/.wh..wh..opq", b"", 0)

    def copy(self, root: DebianRoot, paths: list[str]) -> None:
        """Copy entries of the Debian root unchanged."""
        for path in paths:
            source = root.entries[path]
            entry = self._entry(path, source.type, source.mode, source.uid, source.gid)
            entry.linkname = source.linkname.removeprefix("./")
            entry.mtime = int(source.mtime)
            entry.pax_headers = {k: v for k, v in source.pax_headers.items() if k.startswith("SCHILY.xattr.")}
            if source.isfile():
                data = root.content(path)
                entry.size = len(data)
                self._add(entry, data)
            else:
                self._add(entry)

    def finish(self) -> Blob:
        """Return the finished layer."""
        self._tar.close()
        raw = self._buffer.getvalue()
        return Blob(gzip.compress(raw, _GZIP_LEVEL, mtime=0), sha256(raw))

    def _entry(self, path: str, kind: bytes, mode: int, uid: int, gid: int) -> tarfile.TarInfo:
        entry = tarfile.TarInfo(path)
        entry.type, entry.mode, entry.uid, entry.gid, entry.mtime = kind, mode, uid, gid, EPOCH
        return entry

    def _add(self, entry: tarfile.TarInfo, data: bytes = b"") -> None:
        for parent in reversed(PurePosixPath(entry.name).parents[:-1]):
            if str(parent) not in self._directories:
                self._directories.add(str(parent))
                self._tar.addfile(self._entry(str(parent), tarfile.DIRTYPE, 0o755, 0, 0))
        if entry.isdir():
            self._directories.add(entry.name)
        self._tar.addfile(entry, io.BytesIO(data))
