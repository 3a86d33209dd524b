# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one JSON form of a document, so that equal documents are equal bytes and have equal hashes."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def canonical_json(document: Any) -> str:
    """Return JSON with sorted keys, no whitespace, and non-ASCII characters escaped, so that it is valid in XML."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def document_hash(document: Any) -> str:
    """Return the SHA-256 (hex) of the canonical JSON."""
    return hashlib.sha256(canonical_json(document).encode("ascii")).hexdigest()


def parse_object(text: str | None) -> dict[str, Any] | None:
    """Return the JSON object in text, or None if there is none or it is damaged (anyone may edit extraConfig)."""
    document = _parse(text)
    return document if isinstance(document, dict) else None


def parse_strings(text: str | None) -> tuple[str, ...]:
    """Return the strings of the JSON list in text; none if it is damaged."""
    document = _parse(text)
    return tuple(item for item in document if isinstance(item, str)) if isinstance(document, list) else ()


def _parse(text: str | None) -> Any:
    try:
        return json.loads(text or "null")
    except (ValueError, RecursionError):
        return None
