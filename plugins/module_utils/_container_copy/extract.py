# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Extract the archive that a container sends into an empty directory.

The container is untrusted: what would write outside of the directory, or more than is allowed, is refused. The archive
is read by the code that reads the layers of images.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container_copy.model import MODE_BITS
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.archive import (
    DEVICES,
    DIRECTORY,
    LINK,
    REGULAR,
    SYMLINK,
    LayerError,
    TarEntry,
    show,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.tar_reader import ByteStream, TarReader

MAX_ENTRIES = 10_000


@dataclass
class _Extraction:
    """The entries so far, and the directory that they are in."""

    directory: Path
    max_bytes: int
    entries: dict[bytes, TarEntry] = field(default_factory=dict)
    total: int = 0


def extract(blocks: Iterator[bytes], directory: Path, max_bytes: int) -> tuple[TarEntry, ...]:
    """Extract an archive into an empty directory; return its entries.

    Files are of the user who runs this, with their mode, but without the bits of setuid, setgid and sticky. Directories
    are of that user only: the caller sets their modes when all is in place.
    """
    extraction = _Extraction(directory, max_bytes)
    reader = TarReader(ByteStream(blocks))
    try:
        for entry in reader:
            _admit(extraction, entry)
            _create(extraction, entry, reader)
    except LayerError as error:
        raise GantryError(f"The archive that the container has sent is refused: {error.reason.rstrip('.')}.") from error
    except OSError as error:
        raise GantryError(f"The files cannot be written to {directory.parent}: {error.strerror}.") from error
    return tuple(extraction.entries.values())


def _admit(extraction: _Extraction, entry: TarEntry) -> None:
    """Refuse an entry that is not one of a copy, or that leads outside."""
    name = show(entry.path)
    if entry.kind in DEVICES or entry.kind == LINK:
        raise LayerError(f"{name} is a device, a FIFO or a hard link, which are not copied.")
    if entry.segments is not None:
        raise LayerError(f"{name} is a sparse file, which the guest does not send.")
    if entry.path in extraction.entries:
        raise LayerError(f"{name} is in it twice.")
    parent = extraction.entries.get(entry.path.rpartition(b"/")[0])
    if b"/" in entry.path and (parent is None or parent.kind != DIRECTORY):
        raise LayerError(f"{name} is not in a directory of the archive.")
    if not entry.path and entry.kind != DIRECTORY:
        raise LayerError("A file has no name.")
    if entry.kind == SYMLINK and _leads_outside(entry):
        raise LayerError(
            f"The symbolic link {name} leads to {show(entry.link)}, which may be outside of the copied files."
        )
    extraction.total += entry.size
    if extraction.total > extraction.max_bytes:
        raise LayerError(f"Its files have more than the {extraction.max_bytes} bytes of max_size.")
    if len(extraction.entries) >= MAX_ENTRIES:
        raise LayerError(f"It has more than {MAX_ENTRIES} files.")
    extraction.entries[entry.path] = entry


def _leads_outside(entry: TarEntry) -> bool:
    """Return whether a link may lead outside: if it is absolute, or has ".." elsewhere than at its beginning.

    After another name ".." may lead anywhere, because that name may be a symbolic link.
    """
    if entry.link.startswith(b"/"):
        return True
    parts = [part for part in entry.link.split(b"/") if part not in (b"", b".")]
    ups = next((index for index, part in enumerate(parts) if part != b".."), len(parts))
    return ups > entry.path.count(b"/") or b".." in parts[ups:]


def _create(extraction: _Extraction, entry: TarEntry, reader: TarReader) -> None:
    path = extraction.directory / os.fsdecode(entry.path)
    if entry.kind == DIRECTORY:
        # Writable until all of its files are there.
        path.mkdir(0o700, exist_ok=not entry.path)
    elif entry.kind == SYMLINK:
        path.symlink_to(os.fsdecode(entry.link))
    elif entry.kind == REGULAR:
        _write(path, entry, reader)


def _write(path: Path, entry: TarEntry, reader: TarReader) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        reader.copy_content(entry, file.write)
        # The content is padded to whole blocks.
        file.truncate(entry.size)
        os.fchmod(file.fileno(), entry.mode & MODE_BITS)
