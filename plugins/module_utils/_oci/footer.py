# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The content id of an image disk, and the footer that contains it (docs/developers/interfaces.md, section 4)."""

from __future__ import annotations

import hashlib
import json

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError

CONVERTER = "1"
"""Incremented with every change of the bytes that an image is converted to."""

MAGIC = b"GANTRYIMG1\n"
FOOTER_BYTES = 4096
_MIB = 1 << 20


def disk_id(digest: str) -> str:
    """Return the content id of the disk of the image with this manifest digest; known before the conversion."""
    return hashlib.sha256(f"{digest}\n{CONVERTER}\n".encode()).hexdigest()


def disk_capacity(squashfs_bytes: int) -> int:
    """Return the size of the disk: file system and footer, padded to a MiB."""
    padded = -(-squashfs_bytes // FOOTER_BYTES) * FOOTER_BYTES
    return -(-(padded + FOOTER_BYTES) // _MIB) * _MIB


def build_footer(digest: str, squashfs_bytes: int) -> bytes:
    """Return the last 4096 bytes of the disk."""
    facts = {
        "disk": disk_id(digest),
        "digest": digest,
        "squashfs_bytes": squashfs_bytes,
        "converter": CONVERTER,
    }
    return (MAGIC + json.dumps(facts).encode()).ljust(FOOTER_BYTES, b"\0")


def parse_footer(block: bytes) -> dict[str, object]:
    """Return the facts of a footer; raise GantryError when these bytes are not one."""
    if len(block) != FOOTER_BYTES or not block.startswith(MAGIC):
        raise GantryError("The disk is not an image disk: it does not end with a footer.")
    facts = json.loads(block[len(MAGIC) :].rstrip(b"\0"))
    if not isinstance(facts, dict):
        raise GantryError("The footer of the image disk is damaged.")
    return facts
