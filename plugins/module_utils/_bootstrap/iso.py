# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bootstrap ISOs as files: their version, their name by content, and whether they are complete."""

from __future__ import annotations

import hashlib
import re
import struct
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError

FOLDER = "gantry/bootstrap"
_VERSION = r"[0-9a-z][0-9a-z.+-]{0,63}"
_NAME = re.compile(rf"gantry-bootstrap-(?P<version>{_VERSION})-(?P<content>[0-9a-f]{{12}})\.iso")
# ISO 9660 allows only upper case in this field; versions are lower case.
_APPLICATION = re.compile(rf"gantry-bootstrap (?P<version>{_VERSION})")
# ISO 9660: descriptors begin at sector 16, the primary one first.
_SECTOR = 2048
_FIRST = 16
_IDENTIFIER = b"CD001"
_PRIMARY, _SUPPLEMENTARY, _TERMINATOR = 1, 2, 255
_APPLICATION_ID = slice(574, 574 + 128)
# Numbers are written twice, little and big endian.
_BLOCKS_AT, _BLOCK_SIZE_AT = 80, 128
_BLOCK = 1 << 20
# The first bytes of an ISO: enough for more descriptors than ISO images have.
HEAD_BYTES = 32 * _SECTOR


@dataclass(frozen=True)
class Iso:
    """A bootstrap ISO that can be uploaded."""

    source: str
    """Where it is from, as the subject of messages."""
    version: str
    size: int
    sha256: str

    @property
    def name(self) -> str:
        return f"gantry-bootstrap-{self.version}-{self.sha256[:12]}.iso"


def read_iso(path: Path, source: str) -> Iso:
    """Read the whole file, once; raise GantryError unless it is a complete bootstrap ISO from this source."""
    digest = hashlib.sha256()
    head = b""
    size = 0
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                head = head or block[:HEAD_BYTES]
                size += len(block)
                digest.update(block)
    except OSError as error:
        raise GantryError(
            f"{source} cannot be read where this task runs: {error.strerror}. "
            "Give the bootstrap ISO that was built for this release of gantry."
        ) from error
    version = _version(source, head)
    damage = find_damage(head, size)
    if damage is not None:
        raise GantryError(
            f"{source} is incomplete: {damage}. Its download or copy was probably interrupted. Get the file again."
        )
    return Iso(source=source, version=version, size=size, sha256=digest.hexdigest())


def find_damage(head: bytes, size: int) -> str | None:
    """Return why an ISO image of this size that begins with these bytes is incomplete; None if it seems complete.

    Each volume descriptor of an image has its size. The file may be larger, since it may be padded.
    """
    for sector in range(_FIRST, HEAD_BYTES // _SECTOR):
        descriptor = head[sector * _SECTOR : (sector + 1) * _SECTOR]
        if len(descriptor) < _SECTOR:
            return f"it ends in its descriptors, after {size} bytes"
        if descriptor[1:6] != _IDENTIFIER:
            return f"its sector {sector} is not a descriptor"
        if descriptor[0] == _TERMINATOR:
            return None
        if descriptor[0] in (_PRIMARY, _SUPPLEMENTARY):
            declared = _declared_bytes(descriptor)
            if declared is None:
                return f"its descriptor in sector {sector} contradicts itself"
            if size < declared:
                return f"its descriptor says {declared} bytes, and the file has {size}"
    return "its list of descriptors has no end"


def _declared_bytes(descriptor: bytes) -> int | None:
    """Return the size of the volume that a descriptor gives; None, if its two spellings differ."""
    (blocks,) = struct.unpack_from("<I", descriptor, _BLOCKS_AT)
    (blocks_again,) = struct.unpack_from(">I", descriptor, _BLOCKS_AT + 4)
    (block_size,) = struct.unpack_from("<H", descriptor, _BLOCK_SIZE_AT)
    (block_size_again,) = struct.unpack_from(">H", descriptor, _BLOCK_SIZE_AT + 2)
    if (blocks, block_size) != (blocks_again, block_size_again) or not blocks or not block_size:
        return None
    return int(blocks) * int(block_size)


def version_of_name(name: str) -> str | None:
    """Return the version in the name of a stored ISO; None for other names."""
    match = _NAME.fullmatch(name)
    return None if match is None else match["version"]


def _version(source: str, head: bytes) -> str:
    descriptor = head[_FIRST * _SECTOR : (_FIRST + 1) * _SECTOR]
    if descriptor[:6] != bytes([_PRIMARY]) + _IDENTIFIER:
        raise GantryError(f"{source} is not an ISO image. Give the bootstrap ISO.")
    application = descriptor[_APPLICATION_ID].decode("ascii", "replace").rstrip(" \0")
    match = _APPLICATION.fullmatch(application.lower())
    if match is None:
        raise GantryError(
            f"{source} is an ISO image but not a gantry bootstrap ISO: its application id is {application!r}. "
            "Give the bootstrap ISO."
        )
    return match["version"]
