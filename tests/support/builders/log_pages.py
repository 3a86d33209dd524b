# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pages of a container's log as a guest makes them (docs/developers/contracts.md, section 9)."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from typing import Any

LOG_ID = "00000000000000aa"


def position(number: int, log: str = LOG_ID) -> str:
    """Return a position before the record with this number."""
    return f"{log}-{number}-{number * 100}"


def page(*records: tuple[int, int, bytes], first: int = 0, **head: Any) -> bytes:
    """Return a page with records: their stream (1 or 2), their time in seconds and their text."""
    end = position(first + len(records))
    whole = {"next": end, "end": end, "lost": 0, "unknown_position": False, **head}
    parts = [json.dumps(whole).encode(), b"\n"]
    for number, (stream, seconds, text) in enumerate(records, first):
        parts += [struct.pack(">BIqQ", stream, len(text), seconds * 10**9, number), text]
    return b"".join(parts)


def published(*records: tuple[int, int, bytes], first: int = 0) -> str:
    """Return the last page of a log as a guest publishes it."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    raw = page(*records, first=first)
    return base64.b64encode(packer.compress(raw) + packer.flush()).decode()
