# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the archive that is sent to a container: a tar stream whose size is known before its files are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.archive import BLOCK, REGULAR, TarEntry
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.tar_writer import encode_header
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.guest_files import Upload

_READ = 1 << 18
_END = bytes(2 * BLOCK)


@dataclass(frozen=True)
class Packed:
    """One file of the archive. The content of a regular file is that of a file here, or given."""

    entry: TarEntry
    content: Path | bytes = b""


def archive_of(files: Sequence[Packed]) -> Upload:
    """Return the archive of these files. It fails while it is read if a file has changed its size."""
    headers = [_header(file.entry) for file in files]
    contents = sum(_padded(file.entry.size) for file in files if file.entry.kind == REGULAR)
    return Upload(_blocks(files, headers), sum(map(len, headers)) + contents + len(_END))


def _header(entry: TarEntry) -> bytes:
    return encode_header(entry.path or b"./", entry, entry.kind, entry.link)


def _padded(size: int) -> int:
    return size + -size % BLOCK


def _blocks(files: Sequence[Packed], headers: Sequence[bytes]) -> Iterator[bytes]:
    for file, header in zip(files, headers, strict=True):
        yield header
        if file.entry.kind == REGULAR:
            yield from _content(file)
            yield bytes(-file.entry.size % BLOCK)
    yield _END


def _content(file: Packed) -> Iterator[bytes]:
    if isinstance(file.content, bytes):
        yield file.content
        return
    left = file.entry.size
    try:
        with file.content.open("rb") as source:
            while left and (block := source.read(min(left, _READ))):
                yield block
                left -= len(block)
            changed = bool(left or source.read(1))
    except OSError as error:
        raise GantryError(f"The file {file.content} cannot be read: {error.strerror}.") from error
    if changed:
        raise GantryError(
            f"The file {file.content} has changed its size while it was copied. Run again when no other program writes "
            "to it."
        )
