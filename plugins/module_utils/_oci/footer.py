# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The content id of an image disk, and the footer that contains it (docs/developers/contracts.md, section 4)."""

from __future__ import annotations

import hashlib
import json

CONVERTER = "1"
"""Incremented with every change of the bytes that the conversion of an image produces."""

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
