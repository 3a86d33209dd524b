# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record that init keeps at the beginning of the scratch disk (contracts.md, section 4), decoded. Pure.

It says whose disk it is and how its last run has ended. The disk is the container's, so its content is checked like any
untrusted document.
"""

from __future__ import annotations

import hashlib
import uuid
import zlib
from dataclasses import dataclass
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.canonical_json import parse_object
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.status import decode_status

# The first block of the disk: the record, the superblock of the file system, and the end of the output.
BEGINNING_BYTES = 4096
STARTED = "started"

_RECORD_BYTES = 1024
_MAGIC = b"GANTRYEND1\n"
_CHECKSUM_END = len(_MAGIC) + 9
_VERSION = 1
_EXT4_MAGIC = slice(1024 + 0x38, 1024 + 0x3A)
_EXT4_UUID = slice(1024 + 0x68, 1024 + 0x78)
_LOG = slice(2048, 4096)
_DIGEST_BYTES = 16
# As much as init publishes.
_LOG_BYTES = 16 << 10


@dataclass(frozen=True)
class ScratchRecord:
    """What the beginning of a scratch disk says about the last run of its container."""

    container_id: str | None
    # The digest of the document that the run was started with.
    document: str | None
    status: dict[str, Any]
    log: str | None


def decode_record(beginning: bytes) -> ScratchRecord | None:
    """Return the record of a disk from its first block; None if there is none, or one of another file system."""
    whole = beginning[:_RECORD_BYTES]
    text = whole[_CHECKSUM_END:].rstrip(b"\0")
    if not whole.startswith(_MAGIC) or whole[len(_MAGIC) : _CHECKSUM_END] != b"%08x\n" % zlib.crc32(text):
        return None
    source = text.decode("ascii", errors="replace")
    document, status = parse_object(source), decode_status(source)
    if document is None or status is None or status.get("version") != _VERSION:
        return None
    if status.get("id") is None or status["id"] != volume_id(beginning):
        return None
    spec = document.get("spec")
    return ScratchRecord(
        container_id=status["id"],
        document=spec if isinstance(spec, str) else None,
        status=status,
        log=_decode_log(document.get("log"), beginning[_LOG]),
    )


def volume_id(beginning: bytes) -> str | None:
    """Return the UUID of the ext4 file system of a disk, which is the id of its container."""
    if len(beginning) < BEGINNING_BYTES or beginning[_EXT4_MAGIC] != b"\x53\xef":
        return None
    return str(uuid.UUID(bytes=beginning[_EXT4_UUID]))


def digest(document: str) -> str:
    """Return the digest of a document as it is in a record."""
    return hashlib.sha256(document.encode("utf-8")).digest()[:_DIGEST_BYTES].hex()


def _decode_log(description: Any, area: bytes) -> str | None:
    """Return the end of the container's output, with replacement characters for bytes that are not UTF-8."""
    size = description.get("bytes") if isinstance(description, dict) else None
    if not isinstance(size, int) or not 0 <= size <= len(area):
        return None
    packed = area[:size]
    if description.get("crc32") != f"{zlib.crc32(packed):08x}":
        return None
    try:
        output = zlib.decompressobj(wbits=-zlib.MAX_WBITS).decompress(packed, _LOG_BYTES)
    except zlib.error:
        return None
    return output.decode("utf-8", errors="replace")
