# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read single files of a folder or of a tar archive, which are untrusted, within limits of time and memory.

Nothing is unpacked: an archive is only indexed, and its files are read from their positions. So no name in it leads to
a place outside, and links to files elsewhere are never followed.
"""

from __future__ import annotations

import contextlib
import os
import posixpath
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Protocol

from ansible_collections.gantry.vsphere.plugins.module_utils._oci.archive import (
    BLOCK,
    REGULAR,
    SYMLINK,
    LayerError,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.decompress import decompress, detect_compression
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.pull_options import Limits
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.tar_reader import ByteStream, TarReader

_CHUNK = 1 << 20
_SMALL = 8 << 20  # manifests and configurations; registries do not take larger ones
_MOST_FILES = 10_000


class Files(Protocol):
    """Named files with their sizes."""

    def size(self, name: str) -> int | None:
        """Return the size of a file; None if there is no such file."""

    def chunks(self, name: str) -> Iterator[bytes]:
        """Yield the content of a file that exists."""


def read_small(files: Files, name: str) -> bytes:
    """Return the content of a document; raise LayerError if it is missing or too large for one."""
    size = files.size(name)
    if size is None:
        raise LayerError(f"It has no file {name[:200]!r}.", "unsupported")
    if size > _SMALL:
        raise LayerError(f"Its file {name[:200]!r} has {size} bytes, and the limit is {_SMALL}.", "limit")
    return b"".join(files.chunks(name))


class FolderFiles:
    """The files of a folder. Links are followed, as other tools do, but only regular files are read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def size(self, name: str) -> int | None:
        try:
            status = (self._folder / name).stat()
        except FileNotFoundError:
            return None
        return status.st_size if stat.S_ISREG(status.st_mode) else None

    def chunks(self, name: str) -> Iterator[bytes]:
        with _open_regular(self._folder / name) as file:
            while chunk := file.read(_CHUNK):
                yield chunk


class _SeekingStream(ByteStream):
    """A stream over a file that skips content without reading it."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(iter(()))
        self._file = file
        self._size = os.fstat(file.fileno()).st_size

    def position(self) -> int:
        return self._file.tell()

    def take(self, count: int) -> bytes:
        return self._file.read(count)

    def skip(self, count: int) -> None:
        if self._file.seek(count, os.SEEK_CUR) > self._size:
            raise LayerError("The archive ends in the middle of a file.")

    def drain(self) -> None:
        """Leave the rest: what follows the end marker is no part of the archive."""


class TarFiles:
    """The files of a tar archive, by their normalized names."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._places: dict[str, tuple[int, int]] = {}
        self._links: dict[str, str] = {}
        stream = _SeekingStream(file)
        try:
            for number, entry in enumerate(TarReader(stream)):
                if number >= _MOST_FILES:
                    raise LayerError(f"It has more than {_MOST_FILES} files.", "limit")
                name = _text(entry.path)
                if name in self._places or name in self._links:
                    raise LayerError(f"It has the file {name[:200]!r} twice.", "unsupported")
                if entry.kind == REGULAR and entry.segments is None:
                    self._places[name] = (stream.position(), entry.size)
                elif entry.kind == SYMLINK:
                    # Docker saves a layer that an image has several times as links to the first one.
                    self._links[name] = posixpath.normpath(posixpath.join(posixpath.dirname(name), _text(entry.link)))
        except LayerError as error:
            if error.cause in ("unsupported", "limit"):
                raise
            reason = error.reason.rstrip(".")
            raise LayerError(f"It is not a complete and valid tar archive ({reason}).", "damaged") from None

    def size(self, name: str) -> int | None:
        place = self._place(name)
        return None if place is None else place[1]

    def chunks(self, name: str) -> Iterator[bytes]:
        place = self._place(name)
        if place is None:
            raise LayerError(f"It has no file {name[:200]!r}.", "unsupported")
        position, left = place
        while left:
            chunk = os.pread(self._file.fileno(), min(left, _CHUNK), position)
            if not chunk:
                raise LayerError(f"It ends in the middle of the file {name[:200]!r}.", "damaged")
            yield chunk
            position += len(chunk)
            left -= len(chunk)

    def _place(self, name: str) -> tuple[int, int] | None:
        clean = posixpath.normpath(name)
        return self._places.get(self._links.get(clean, clean))


@contextlib.contextmanager
def open_tar(path: Path, limits: Limits) -> Iterator[TarFiles]:
    """Open an archive, plain or compressed. The content of a compressed one is in an unnamed temporary file."""
    with _open_regular(path) as file:
        head = file.read(BLOCK)
        file.seek(0)
        compression = detect_compression(head) if head else None
        if compression is None:
            raise LayerError(
                "It is not a tar archive, neither plain nor compressed with gzip, zstd, bzip2 or xz.", "damaged"
            )
        if compression == "none":
            yield TarFiles(file)
            return
        with tempfile.TemporaryFile(prefix="gantry-archive-") as plain:
            for chunk in expanded(file, limits):
                plain.write(chunk)
            plain.seek(0)
            yield TarFiles(plain)


def expanded(file: IO[bytes], limits: Limits) -> Iterator[bytes]:
    """Yield the decompressed content of a file; raise LayerError if it is damaged or exceeds the limits."""
    stored = max(os.fstat(file.fileno()).st_size, 1)
    total = 0
    with contextlib.closing(decompress(file, "archive")) as chunks:
        try:
            for chunk in chunks:
                total += len(chunk)
                if total > limits.content_bytes or (total > limits.ratio_from_bytes and total > limits.ratio * stored):
                    raise LayerError(f"It expands to more than {total - len(chunk)} bytes.", "limit")
                yield chunk
        except LayerError as error:
            if error.cause == "limit":
                raise
            raise LayerError("Its compressed data are damaged or incomplete.", "damaged") from None


def _open_regular(path: Path) -> IO[bytes]:
    """Open a file; one of another type, such as a pipe that nobody writes to, could block."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise LayerError(f"{str(path)!r} is not a regular file.", "unsupported")
    return os.fdopen(descriptor, "rb", buffering=0)


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
