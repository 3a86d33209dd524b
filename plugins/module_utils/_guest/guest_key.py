# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The key from which the secret of each container's guest operations is derived. Pure.

A guest document has the SHA-256 of its container's secret, and without one the guest refuses all guest operations
(contracts.md, section 9). Neither the key nor a secret is stored in vCenter. The secret of one container reveals
neither the key nor the secret of another one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError

# The field of the guest document, and its only part.
FIELD = "guest_operations"
_HASH_FIELD = "secret_sha256"
_HASH = re.compile(r"[0-9a-f]{64}")
MIN_CHARACTERS = 16


@dataclass(frozen=True)
class GuestKey:
    """The key of a task. Its text is in no representation."""

    _text: str = field(repr=False)

    def secret(self, container_id: str) -> str:
        """Return the secret of one container, which its guest accepts as a password."""
        digest = hmac.digest(self._text.encode("utf-8"), container_id.encode("utf-8"), hashlib.sha256)
        return base64.urlsafe_b64encode(digest).decode("ascii").rstrip("=")

    def digest(self, *parts: bytes) -> str:
        """Return a digest of the parts that only the key can tell from one of other parts."""
        mac = hmac.new(self._text.encode("utf-8"), b"digest", hashlib.sha256)
        for part in parts:
            # With the length before it, no part can be taken for the end of another one.
            mac.update(len(part).to_bytes(8, "big") + part)
        return mac.hexdigest()

    def guest_field(self, container_id: str) -> dict[str, str]:
        """Return the field of the guest document that permits guest operations with the secret of this container."""
        return {_HASH_FIELD: hashlib.sha256(self.secret(container_id).encode("ascii")).hexdigest()}


def parse_guest_key(text: str | None) -> GuestKey | None:
    """Return the key that a task gives, if it gives one."""
    if not text:
        return None
    if len(text) < MIN_CHARACTERS:
        raise GantryError(
            f"guest_key has {len(text)} characters. It must have at least {MIN_CHARACTERS}, and should be random, such "
            "as the output of openssl rand -base64 32."
        )
    return GuestKey(text)


def guest_field_of(document: Mapping[str, Any] | None) -> dict[str, str] | None:
    """Return the field of a guest document that permits guest operations, or None if it has none that is valid."""
    found = (document or {}).get(FIELD)
    digest = found.get(_HASH_FIELD) if isinstance(found, dict) else None
    return {_HASH_FIELD: digest} if isinstance(digest, str) and _HASH.fullmatch(digest) else None
