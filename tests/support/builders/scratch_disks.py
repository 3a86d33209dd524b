# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The beginning of a scratch disk as init leaves it, for tests without a guest."""

from __future__ import annotations

import json
import uuid
import zlib
from collections.abc import Mapping
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._guest.scratch_record import digest

ID = "8d0c0000-0000-4000-8000-000000000001"
OTHER = "8d0c0000-0000-4000-8000-000000000002"
DOCUMENT: dict[str, Any] = {
    "version": 1,
    "id": ID,
    "machine": "42190000-0000-0000-0000-000000000001",
    "spec": digest("{}"),
    "state": "exited",
    "exit_code": 3,
    "oom_killed": False,
    "restart_count": 1,
    "started_at": "2026-03-01T12:00:00Z",
    "finished_at": "2026-03-01T12:00:01Z",
    "error": None,
    "log": None,
}


def disk(document: Mapping[str, Any] = DOCUMENT, *, volume: str = ID, log: bytes = b"") -> bytes:
    text = json.dumps(document, separators=(",", ":")).encode("ascii")
    record = b"GANTRYEND1\n%08x\n" % zlib.crc32(text) + text
    superblock = bytes(0x38) + b"\x53\xef" + bytes(0x68 - 0x3A) + uuid.UUID(volume).bytes
    return record.ljust(1024, b"\0") + superblock.ljust(1024, b"\0") + log.ljust(2048, b"\0")


def packed(output: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(output) + stream.flush()


def described(log: bytes) -> dict[str, Any]:
    return {**DOCUMENT, "log": {"bytes": len(log), "crc32": f"{zlib.crc32(log):08x}"}}
